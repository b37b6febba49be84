//! Decides about candidates: what is known by a stat ends here, the rest is read, and new images
//! are decoded for the encoder.

use std::path::PathBuf;

use crossbeam_channel::Sender;
use glimpse_encoder::dense::Views;
use glimpse_encoder::image_file::Format;

use super::FileEvent;
use super::contents::{Claim, Contents};
use super::decode::{Decoded, Decoder};
use super::metadata::{Metadata, Words};
use super::pipeline::{Message, Outcome, guarded};
use super::read::{Stat, Unread};
use super::walk::Candidate;
use crate::{ContentHash, FileRecord, ImageId, ImageRecord, Index, IndexError};

/// A file whose bytes were read.
#[derive(Debug)]
pub(super) struct Known {
    pub path: PathBuf,
    pub stat: Stat,
    pub sidecar_modified: i64,
    pub content: ContentHash,
    /// Words from the file's own bytes.
    pub words: Words,
}

impl Known {
    /// The record of this file as one that holds `image`.
    pub fn record(&self, image: ImageId) -> FileRecord {
        FileRecord {
            path: self.path.clone(),
            image,
            bytes: self.stat.bytes,
            modified: self.stat.modified,
            changed: self.stat.changed,
            sidecar_modified: self.sidecar_modified,
            missing: false,
        }
    }
}

/// An image that the index does not know.
#[derive(Debug)]
pub(super) struct NewImage {
    pub file: Known,
    /// Without number, caption and keywords.
    pub record: ImageRecord,
}

/// A new image, ready for the encoder.
#[derive(Debug)]
pub(super) struct Fresh {
    pub image: NewImage,
    pub views: Views,
}

/// What the decoding threads share.
pub(super) struct DecodeStage<'a> {
    pub index: &'a Index,
    pub decoder: &'a Decoder<'a>,
    pub contents: &'a Contents,
}

impl DecodeStage<'_> {
    /// Sends what becomes of a candidate to one of the next stages. `false` if they are gone.
    pub fn process(&self, candidate: Candidate, encode: &Sender<Fresh>, write: &Sender<Message>) -> bool {
        let path = candidate.path.clone();
        let mut claimed = None;
        let decision = guarded(|| self.decide(candidate, &mut claimed));
        let outcome =
            match decision.unwrap_or_else(|panic| Ok(Decision::Skipped(format!("reading it went wrong: {panic}")))) {
                Ok(Decision::Fresh(fresh)) => return encode.send(*fresh).is_ok(),
                Ok(Decision::InFlight) => return true,
                Ok(Decision::Cancelled) => return false,
                Ok(Decision::Unchanged(file)) => return write.send(Message::Unchanged { path, back: file }).is_ok(),
                Ok(Decision::Known(file)) => return write.send(Message::Known(file)).is_ok(),
                Ok(Decision::Skipped(reason)) => Outcome::Skipped(reason),
                Ok(Decision::Failed(reason)) => Outcome::Failed(reason),
                Err(error) => return write.send(Message::Fatal(error)).is_ok(),
            };
        // Other files with the same bytes fare no better.
        let waited = claimed.map(|content| self.contents.end_claim(&content)).unwrap_or_default();
        let paths = std::iter::once(path).chain(waited.into_iter().map(|file| file.path));
        paths.into_iter().all(|path| write.send(Message::Rejected { path, outcome: outcome.clone() }).is_ok())
    }

    /// `claimed` is the content whose claim the caller must end if the file comes to nothing.
    fn decide(&self, candidate: Candidate, claimed: &mut Option<ContentHash>) -> Result<Decision, IndexError> {
        if let Some(record) = self.index.file(&candidate.path)?
            && !self.decoder.options.rehash
            && record.sidecar_modified == candidate.sidecar_modified
            && candidate.stat.is(&Stat::from(&record))
        {
            // Files of older libraries have no time of change yet.
            let changed = candidate.stat.changed;
            let is_new = record.missing || record.changed != changed;
            return Ok(Decision::Unchanged(is_new.then_some(FileRecord { missing: false, changed, ..record })));
        }
        self.read(&candidate, claimed)
    }

    fn read(&self, candidate: &Candidate, claimed: &mut Option<ContentHash>) -> Result<Decision, IndexError> {
        let path = &candidate.path;
        let file = match self.decoder.read(path, candidate.stat.bytes) {
            Ok(file) => file,
            Err(unread) => return self.unread(unread),
        };
        let (content, format, stat) = (file.content, file.format, file.stat);
        let sidecar_modified = candidate.sidecar_modified;
        let known = |words| Known { path: path.clone(), stat, sidecar_modified, content, words };
        match self.contents.claim(self.index, known(Words::default()))? {
            Claim::InFlight => return Ok(Decision::InFlight),
            Claim::Known => {
                return match self.decoder.metadata(path, file) {
                    Ok(metadata) => Ok(Decision::Known(known(metadata.words))),
                    Err(unread) => self.unread(unread),
                };
            }
            Claim::Encode => *claimed = Some(content),
        }
        match self.decoder.decode(path, file, self.decoder.options.regions.make) {
            Ok(Decoded { views, size, metadata }) => {
                let file = known(metadata.words.clone());
                let record = new_record(&file, format, size, metadata);
                Ok(Decision::Fresh(Box::new(Fresh { image: NewImage { file, record }, views })))
            }
            Err(unread) => self.unread(unread),
        }
    }

    fn unread(&self, unread: Unread) -> Result<Decision, IndexError> {
        match unread {
            Unread::Skipped(reason) => Ok(Decision::Skipped(reason)),
            Unread::Failed(reason) => Ok(Decision::Failed(reason)),
            Unread::Cancelled => Ok(Decision::Cancelled),
            Unread::Stuck(files) => Err(IndexError::Stuck { files, limit: self.decoder.options.image_timeout }),
        }
    }
}

enum Decision {
    /// With a record to store if the file was missing before.
    Unchanged(Option<FileRecord>),
    Known(Known),
    /// For another file with the same bytes.
    InFlight,
    Fresh(Box<Fresh>),
    Skipped(String),
    Failed(String),
    /// The run is over.
    Cancelled,
}

/// All but what only the writer knows: number, caption and keywords.
fn new_record(file: &Known, format: Format, (width, height): (u32, u32), metadata: Metadata) -> ImageRecord {
    ImageRecord {
        id: ImageId(0),
        content: file.content,
        width,
        height,
        format,
        bytes: file.stat.bytes,
        taken: metadata.taken,
        camera: metadata.camera,
        place: metadata.place,
        caption: None,
        keywords: Vec::new(),
        described: None,
    }
}

impl From<&FileRecord> for Stat {
    fn from(record: &FileRecord) -> Self {
        Self { bytes: record.bytes, modified: record.modified, changed: record.changed }
    }
}

impl Outcome {
    pub fn event(self, path: PathBuf) -> FileEvent {
        match self {
            Self::Skipped(reason) | Self::LeftOut(reason) => FileEvent::Skipped { path, reason },
            Self::Failed(reason) => FileEvent::Failed { path, reason },
        }
    }
}
