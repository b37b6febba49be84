//! What goes from stage to stage.

use std::path::PathBuf;

use glimpse_encoder::Embedding;
use glimpse_encoder::dense::{Regions, Views};

use crate::ingest::decode::read::Stat;
use crate::ingest::event::FileEvent;
use crate::ingest::find::walk::{Candidate, Companion};
use crate::ingest::metadata::Metadata;
use crate::{ContentHash, FileRecord, FileRole, ImageId, ImageRecord, IndexError, Moment, Reason};

/// What a source gives to the threads that read files.
#[derive(Debug)]
pub(crate) enum Work {
    /// A file that was found.
    File(Candidate),
    /// An image of the index that lacks something.
    Image(Incomplete),
    /// A video of the index that lacks frames, or an image that may be one, and a file that holds
    /// it.
    Video(ImageId, FileRecord),
}

/// A file whose bytes were read.
#[derive(Debug)]
pub(crate) struct Known {
    pub path: PathBuf,
    pub stat: Stat,
    pub sidecar_modified: i64,
    pub content: ContentHash,
    /// What the file's own bytes say.
    pub metadata: Metadata,
    /// Other files of the same shot.
    pub companions: Vec<Companion>,
}

impl Known {
    /// The record of this file as one that holds `image`.
    pub fn record(&self, image: ImageId) -> FileRecord {
        FileRecord {
            path: self.path.clone(),
            image,
            role: FileRole::Primary,
            bytes: self.stat.bytes,
            modified: self.stat.modified,
            changed: self.stat.changed,
            sidecar_modified: self.sidecar_modified,
            missing: false,
        }
    }
}

impl Companion {
    /// The record of this file as one of `image`.
    pub fn record(&self, image: ImageId) -> FileRecord {
        let Candidate { path, stat, sidecar_modified, .. } = &self.file;
        FileRecord {
            path: path.clone(),
            image,
            role: self.role,
            bytes: stat.bytes,
            modified: stat.modified,
            changed: stat.changed,
            sidecar_modified: *sidecar_modified,
            missing: false,
        }
    }
}

/// An image that the index does not know.
#[derive(Debug)]
pub(crate) struct NewImage {
    pub file: Known,
    /// Without number, caption and keywords, and without what sidecars say.
    pub record: ImageRecord,
}

/// An image of the index that lacks something.
#[derive(Debug)]
pub(crate) struct Incomplete {
    pub id: ImageId,
    /// A file that holds it.
    pub file: FileRecord,
    pub wants: Wants,
}

/// What is asked of the model for an image beside its vector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wants {
    pub regions: bool,
    pub caption: bool,
}

/// A further frame of a video.
#[derive(Debug)]
pub(crate) struct NewFrame {
    /// The content of the video's file.
    pub video: ContentHash,
    pub path: PathBuf,
    /// Without numbers.
    pub record: ImageRecord,
}

/// An image, ready for the encoder.
#[derive(Debug)]
pub(crate) struct EncodeInput {
    pub image: Subject,
    pub wants: Wants,
    pub views: Views,
    /// Workers that went away while they had it.
    pub lost: usize,
}

impl EncodeInput {
    /// An image that nobody has tried to encode yet.
    pub fn new(image: Subject, wants: Wants, views: Views) -> Self {
        Self { image, wants, views, lost: 0 }
    }
}

/// Whose image it is that goes through the encoder.
#[derive(Debug)]
pub(crate) enum Subject {
    New(Box<NewImage>),
    Frame(Box<NewFrame>),
    Known(Incomplete),
}

impl Subject {
    /// The file that it was read from.
    pub fn path(&self) -> &PathBuf {
        match self {
            Self::New(image) => &image.file.path,
            Self::Frame(frame) => &frame.path,
            Self::Known(incomplete) => &incomplete.file.path,
        }
    }
}

/// What the model says of an image.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub embedding: Embedding,
    pub regions: Option<Regions>,
    pub model_caption: Option<String>,
}

/// What the writer is told.
#[derive(Debug)]
pub(crate) enum Message {
    /// Nothing to do, except to store `back` if the file was away, or more is known of it now.
    Unchanged { path: PathBuf, back: Option<FileRecord>, image: ImageId, companions: Vec<Companion> },
    /// A file whose content needs no encoding.
    Known(Known),
    /// An image and what the model says of it.
    Encoded(Box<(Subject, Encoded)>),
    /// A file that gave no image.
    Rejected { path: PathBuf, outcome: Outcome, companions: Vec<Companion> },
    /// An image of the index that still lacks what it lacked.
    NotMade(NotMade),
    /// All frames of a video that can be decoded are on their way to the encoder, or there: so many
    /// are still to come.
    FramesSent { video: ContentHash, frames: usize },
    /// An image that was taken for a still one was looked through: the moment of its first frame,
    /// if it moves.
    LookedThrough { id: ImageId, path: PathBuf, moment: Option<Moment> },
    /// The model failed on a frame of a video.
    FrameLost { video: ContentHash },
    /// Something that the user should hear of, and that concerns no file.
    Note(String),
    /// Nothing can go on.
    Fatal(IndexError),
}

impl Message {
    /// A file without companions that gave no image.
    pub fn rejected(path: PathBuf, outcome: Outcome) -> Self {
        Self::Rejected { path, outcome, companions: Vec::new() }
    }
}

/// Why a file gave no image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There is no image.
    Skipped(Reason),
    /// Nobody looked: what is known of it stays.
    LeftOut(Reason),
    Failed(Reason),
}

impl Outcome {
    pub fn event(self, path: PathBuf) -> FileEvent {
        match self {
            Self::Skipped(reason) | Self::LeftOut(reason) => FileEvent::Skipped { path, reason },
            Self::Failed(reason) => FileEvent::Failed { path, reason },
        }
    }
}

/// An image of the index for which nothing could be made.
#[derive(Debug)]
pub(crate) struct NotMade {
    pub id: ImageId,
    /// What is told of it; nothing of an image without files.
    pub event: Option<FileEvent>,
    /// It may be the model's fault, not the image's.
    pub model_failed: bool,
}
