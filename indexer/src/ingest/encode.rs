//! The one thread that talks to the encoder, in batches.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use glimpse_encoder::{Embedding, Encode, EncodeError, Outputs, Prepared};

use super::contents::Contents;
use super::look::{Fresh, NewPicture};
use super::pipeline::{Message, Outcome, Shared, guarded};

/// A batch that is not full goes on its way after this long.
const PATIENCE: Duration = Duration::from_millis(100);
/// An encoder that fails this often in a row fails always.
const MOST_FAILURES: usize = 8;

pub(super) fn encode(
    encoder: &dyn Encode,
    batch: usize,
    shared: &Shared<'_>,
    contents: &Contents,
    fresh: &Receiver<Fresh>,
    write: &Sender<Message>,
) {
    let mut stage = Stage { encoder, shared, contents, write, failures: 0 };
    while let Ok(first) = fresh.recv() {
        let deadline = Instant::now() + PATIENCE;
        let mut full = vec![first];
        while full.len() < batch
            && let Ok(next) = fresh.recv_deadline(deadline)
        {
            full.push(next);
        }
        let (pictures, prepared): (Vec<_>, Vec<_>) = full.into_iter().map(|it| (it.picture, it.prepared)).unzip();
        if shared.is_over() || !stage.batch(pictures, &prepared) {
            return;
        }
    }
}

struct Stage<'a> {
    encoder: &'a dyn Encode,
    shared: &'a Shared<'a>,
    contents: &'a Contents,
    write: &'a Sender<Message>,
    /// Pictures in a row that failed on their own.
    failures: usize,
}

impl Stage<'_> {
    /// Encodes a batch; if that fails, each of its pictures, to find the culprit. `false` if there is no going on.
    fn batch(&mut self, pictures: Vec<NewPicture>, prepared: &[Prepared]) -> bool {
        match self.vectors(prepared) {
            Ok(vectors) => {
                self.failures = 0;
                let mut encoded = pictures.into_iter().zip(vectors);
                encoded.all(|(picture, vector)| self.write.send(Message::Encoded(Box::new(picture), vector)).is_ok())
            }
            Err(error) if prepared.len() == 1 => pictures.into_iter().all(|picture| self.failed(picture, &error)),
            Err(_) => {
                let mut single = pictures.into_iter().zip(prepared.chunks(1));
                single.all(|(picture, prepared)| !self.shared.is_over() && self.batch(vec![picture], prepared))
            }
        }
    }

    fn vectors(&self, prepared: &[Prepared]) -> Result<Vec<Embedding>, EncodeError> {
        let start = Instant::now();
        let features = guarded(|| self.encoder.encode_images(prepared, Outputs::Pooled));
        self.shared.encoding.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
        let broken = |reason| EncodeError::Backend { stage: "image tower", reason };
        let features = features.unwrap_or_else(|panic| Err(broken(panic)))?;
        if features.len() != prepared.len() {
            return Err(broken(format!("{} vectors for {} pictures", features.len(), prepared.len())));
        }
        Ok(features.into_iter().map(|features| features.embedding).collect())
    }

    fn failed(&mut self, picture: NewPicture, error: &EncodeError) -> bool {
        self.failures += 1;
        if self.failures >= MOST_FAILURES {
            let reason =
                format!("{MOST_FAILURES} pictures in a row failed, at last {}: {error}", picture.file.path.display());
            let fatal = EncodeError::Backend { stage: "encoding pictures", reason };
            let _ = self.write.send(Message::Fatal(fatal.into()));
            return false;
        }
        let outcome = Outcome::Failed(format!("the model failed on it: {error}"));
        let waited = self.contents.settle(&picture.file.content).into_iter().map(|file| file.path);
        let mut paths = std::iter::once(picture.file.path).chain(waited);
        paths.all(|path| self.write.send(Message::Lost { path, outcome: outcome.clone() }).is_ok())
    }
}
