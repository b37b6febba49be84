//! The stages side by side, bounded channels between them.
//!
//! ```text
//! walk (1) --candidates--> look (N) --new images--> encode (1) --vectors--> write (the caller's thread)
//!     \                        \                                                 ^
//!      `------- failures -------`-------------- known files, failures -----------'
//! ```
//!
//! What waits between stages is bounded by the channels, what is being decoded by [`super::budget::Budget`]. The writer
//! sends nothing, so it always gets on, and with it everybody else. A stage that finds its receiver gone ends.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use glimpse_encoder::Encode;
use glimpse_encoder::dense::DenseProfile;

use super::IngestOptions;
use super::contents::Contents;
use super::decode::Decoder;
use super::decode_stage::{DecodeStage, Fresh, Known, NewImage};
use super::encode::{Encoded, encode};
use super::walk::{Candidate, Found, Walked, Walker};
use super::write::Writer;
use crate::{FileRecord, Index, IndexError};

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Message {
    /// Nothing to do, except to store `back` if the file was away, or more is known of it now.
    Unchanged { path: PathBuf, back: Option<FileRecord> },
    /// A file whose content needs no encoding.
    Known(Known),
    /// A new image, its vector and its regions.
    Encoded(Box<(NewImage, Encoded)>),
    /// A file that gave no image.
    Rejected { path: PathBuf, outcome: Outcome },
    /// Nothing can go on.
    Fatal(IndexError),
}

/// Why a file gave no image, worded for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There is no image.
    Skipped(String),
    /// Nobody looked: what is known of it stays.
    LeftOut(String),
    Failed(String),
}

/// What the stages tell each other beside the work.
#[derive(Debug)]
pub(super) struct Shared<'a> {
    cancel: &'a AtomicBool,
    /// The writer gave up.
    pub stopped: AtomicBool,
    /// Candidates so far.
    pub found: AtomicUsize,
    pub walk_done: AtomicBool,
    /// Time spent in the encoder.
    pub encoding: AtomicU64,
}

impl Shared<'_> {
    pub fn is_over(&self) -> bool {
        self.cancel.load(Relaxed) || self.stopped.load(Relaxed)
    }
}

/// Candidates and messages in waiting. Both are small: paths, records, a vector.
pub(super) const CANDIDATES: usize = 1024;
const MESSAGES: usize = 256;

/// How a run went.
pub(super) struct Ran {
    pub walked: Walked,
    pub encoding: Duration,
    /// Of all threads together.
    pub decoding: Duration,
}

/// Runs all stages to the end of the walk, or to the first error, or until cancelled. Whatever was written is committed.
pub(super) fn run(
    index: &Index,
    encoder: &dyn Encode,
    options: &IngestOptions,
    profile: &DenseProfile,
    cancel: &AtomicBool,
    writer: &mut Writer<'_, '_>,
    contents: &Contents,
) -> Result<Ran, IndexError> {
    let shared = Shared {
        cancel,
        stopped: AtomicBool::new(false),
        found: AtomicUsize::new(0),
        walk_done: AtomicBool::new(false),
        encoding: AtomicU64::new(0),
    };
    let is_over = || shared.is_over();
    let decoder = Decoder::new(encoder, options, profile, &is_over);
    let decode_stage = DecodeStage { index, decoder: &decoder, contents };
    let (to_decode, candidates) = bounded(CANDIDATES);
    let (to_encode, fresh) = bounded(2 * options.batch.max(1));
    let (to_write, messages) = bounded(MESSAGES);
    let walked = std::thread::scope(|scope| {
        let (shared, decode_stage) = (&shared, &decode_stage);
        let tell = to_write.clone();
        let walk = scope.spawn(move || walk(options, shared, &to_decode, &tell));
        for _ in 0..options.threads.max(1) {
            let (candidates, to_encode, to_write) = (candidates.clone(), to_encode.clone(), to_write.clone());
            scope.spawn(move || decode(decode_stage, shared, &candidates, &to_encode, &to_write));
        }
        drop((candidates, to_encode));
        let tell = to_write.clone();
        scope.spawn(move || encode(encoder, options, shared, profile, contents, &fresh, &tell));
        drop(to_write);
        let written = writer.run(messages, shared);
        shared.stopped.store(true, Relaxed);
        let walked = walk.join().map_err(|panic| IndexError::Store {
            dir: index.dir().to_path_buf(),
            what: "walking the folders",
            reason: panic_text(&*panic),
        });
        written.and(walked)
    });
    // Also after an error: what was done before it is kept.
    let committed = writer.commit();
    let walked = walked?;
    committed?;
    let [encoding, decoding] =
        [&shared.encoding, &decoder.decoding].map(|time| Duration::from_nanos(time.load(Relaxed)));
    Ok(Ran { walked, encoding, decoding })
}

fn walk(options: &IngestOptions, shared: &Shared<'_>, decode: &Sender<Candidate>, write: &Sender<Message>) -> Walked {
    let sink = |found| {
        let gone = match found {
            Found::Folder => false,
            Found::Candidate(candidate) => {
                shared.found.fetch_add(1, Relaxed);
                decode.send(candidate).is_err()
            }
            Found::Unread(path, kind) => {
                shared.found.fetch_add(1, Relaxed);
                let outcome = Outcome::Skipped(format!("{kind}, which is not a supported format"));
                write.send(Message::Rejected { path, outcome }).is_err()
            }
            Found::LinkOut(path) => {
                shared.found.fetch_add(1, Relaxed);
                let outcome =
                    Outcome::LeftOut("a link out of the folder, which is followed with --follow-links".into());
                write.send(Message::Rejected { path, outcome }).is_err()
            }
            Found::Failed(path, reason) => {
                write.send(Message::Rejected { path, outcome: Outcome::Failed(reason) }).is_err()
            }
        };
        !gone && !shared.is_over()
    };
    let walker = Walker::new(&options.roots, options.hidden, &options.devices, sink);
    let walked = walker.following_links(options.follow_links).run();
    shared.walk_done.store(walked.complete, Relaxed);
    walked
}

fn decode(
    decode_stage: &DecodeStage<'_>,
    shared: &Shared<'_>,
    candidates: &Receiver<Candidate>,
    encode: &Sender<Fresh>,
    write: &Sender<Message>,
) {
    for candidate in candidates {
        if shared.is_over() || !decode_stage.process(candidate, encode, write) {
            return;
        }
    }
}

/// Runs a call that must not take the run down with it.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| panic_text(&*panic))
}

/// What a panic says.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("internal error").to_owned()
}
