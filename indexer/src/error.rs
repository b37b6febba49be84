//! Errors of the index: what went wrong, where, and what to do.

use std::path::PathBuf;

use crate::ReasonCode;

/// Why an index could not be opened, read or written.
///
/// [`IndexError::NoIndex`], [`IndexError::InUse`], [`IndexError::OtherModel`],
/// [`IndexError::WrongDimension`] and [`IndexError::NoSuchImage`] are the caller's to solve; the
/// others are the machine's (disk, damage) and come again until it is mended.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Nothing was indexed yet.
    #[error("{dir}: no index here yet; run `glimpse index FOLDER` first")]
    NoIndex {
        /// Where an index was looked for.
        dir: PathBuf,
    },
    /// The folder of a library that this process has open is gone.
    #[error(
        "{dir}: this library was taken away while it was in use, and another is not begun in its place: put it back, or \
         restart glimpse to begin a new one"
    )]
    TakenAway {
        /// The library.
        dir: PathBuf,
    },
    /// Another process has the index open.
    #[error(
        "{dir}: in use by another glimpse process{}. If it is `glimpse serve`, ask it over HTTP; else wait until it has \
         ended, or stop it, which loses nothing. To search while folders are indexed, run `glimpse serve` and index on \
         its page",
        holder.map_or(String::new(), |holder| format!(" (process {holder})"))
    )]
    InUse {
        /// The index.
        dir: PathBuf,
        /// The number of the process, if it left word.
        holder: Option<u32>,
    },
    /// The index cannot be written, and a copy of it answers.
    #[error("{dir}: it cannot be written ({reason}), so it can only be searched")]
    ReadOnly {
        /// The index.
        dir: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// A worker will not, or cannot, encode for the library.
    #[error("the worker {url}: {reason}")]
    Worker {
        /// Its address.
        url: String,
        /// What it says, or how it fails to, and what to do.
        reason: String,
    },
    /// The server that searches the vectors of the library does not, or cannot.
    #[error("the vectors at {url}: {reason}")]
    Vectors {
        /// Its address.
        url: String,
        /// What it says, or how it fails to, and what to do.
        reason: String,
    },
    /// Made by another model.
    #[error(
        "this index was made with `{indexed}` (fingerprint {indexed_print:.12}), not with `{asked}` ({asked_print:.12}): {}",
        if indexed == asked {
            "the model's files or its --patches are others now; leave --patches out, or build a new generation with \
             `glimpse index`, at the same --patches"
                .to_owned()
        } else {
            format!("search with `--model {indexed}`, or build a new generation with `glimpse index --model {asked}`")
        }
    )]
    OtherModel {
        /// Model of the index.
        indexed: String,
        /// Its fingerprint.
        indexed_print: String,
        /// Model asked for.
        asked: String,
        /// Its fingerprint.
        asked_print: String,
    },
    /// Vectors are kept in another way.
    #[error(
        "{dir}: this library keeps its vectors as {kept}, and {asked} is for new ones: leave `--vectors` out, or index into \
         another folder with `--home`"
    )]
    OtherStorage {
        /// The library.
        dir: PathBuf,
        /// How it keeps vectors.
        kept: crate::vectors::VectorStorage,
        /// How they should be kept.
        asked: crate::vectors::VectorStorage,
    },
    /// The vectors are searched elsewhere.
    #[error(
        "{dir}: the vectors of this library are searched {kept}, and `--vectors-at` is for new ones: leave it out, or move \
         them with `glimpse vectors move --to {asked}`"
    )]
    OtherPlace {
        /// The library.
        dir: PathBuf,
        /// Where they are.
        kept: String,
        /// Where they should be.
        asked: String,
    },
    /// Regions are made in another way.
    #[error(
        "{dir}: the regions of this library were made with {kept}, which cannot be compared with {asked}: leave that out, or make \
         all regions anew with `glimpse index --rebuild-regions`"
    )]
    OtherRegions {
        /// The index.
        dir: PathBuf,
        /// How they were made, where that differs.
        kept: String,
        /// How they should be made.
        asked: String,
    },
    /// Written by a newer program.
    #[error("{dir}: index format {found}, this program reads up to {supported}; update glimpse or index again")]
    NewerFormat {
        /// The index.
        dir: PathBuf,
        /// Its format number.
        found: u32,
        /// The newest format that is read here.
        supported: u32,
    },
    /// A stored value cannot be read.
    #[error("{dir}: {what} is damaged ({reason}); run `glimpse verify --repair`")]
    Corrupt {
        /// The index.
        dir: PathBuf,
        /// Which value.
        what: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// A store cannot be opened or read to its end.
    #[error(
        "{dir}: {what} is damaged ({reason}); `glimpse verify --repair` saves what can be read, and then `glimpse index` \
         encodes what was lost"
    )]
    Lost {
        /// The damaged folder.
        dir: PathBuf,
        /// What is damaged.
        what: &'static str,
        /// Why it cannot be read.
        reason: String,
    },
    /// The log of a store is not there, or empty.
    #[error(
        "{path}: {state}, so nothing of this index can be read. If it belongs on a drive that is away, mount that; \
         else run `glimpse verify --repair`, which sets what is left aside and begins anew, and then index your \
         folders again"
    )]
    Absent {
        /// The file or folder.
        path: PathBuf,
        /// `is not there` or `is empty`.
        state: &'static str,
    },
    /// A vector that does not belong here.
    #[error("a vector of {found} values was given to an index of {expected}")]
    WrongDimension {
        /// Width of the index.
        expected: usize,
        /// Width given.
        found: usize,
    },
    /// An image that is not (or no longer) there.
    #[error("image {0} is not in this index")]
    NoSuchImage(crate::ImageId),
    /// There are more vectors than an index has places for.
    #[error("an index holds at most {most} vectors; index further folders into another library with `--home`")]
    TooMany {
        /// Places of an index.
        most: usize,
    },
    /// The store failed.
    #[error("{dir}: {what}: {reason}")]
    Store {
        /// The index.
        dir: PathBuf,
        /// What was being done.
        what: &'static str,
        /// The store's reason.
        reason: String,
    },
    /// Images take so long to decode that a run cannot go on.
    #[error(
        "{} images took longer than {} seconds each and are still being decoded, so this run ends, and what it did is kept; \
         leave them out with a `.glimpseignore` file, or allow more time with `--image-timeout`: {}",
        files.len(), limit.as_secs_f32(),
        files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    Stuck {
        /// The images.
        files: Vec<PathBuf>,
        /// How long each may take.
        limit: std::time::Duration,
    },
    /// The encoder failed.
    #[error(transparent)]
    Encode(#[from] glimpse_encoder::EncodeError),
}

impl IndexError {
    /// What programs and translations go by.
    pub fn reason_code(&self) -> ReasonCode {
        match self {
            Self::Io { source, .. } => source.into(),
            Self::NoIndex { .. } => ReasonCode::NoIndex,
            Self::TakenAway { .. } => ReasonCode::LibraryGone,
            Self::InUse { .. } => ReasonCode::InUse,
            Self::ReadOnly { .. } => ReasonCode::ReadOnly,
            Self::OtherModel { .. } | Self::WrongDimension { .. } => ReasonCode::OtherModel,
            Self::OtherStorage { .. } | Self::OtherPlace { .. } | Self::OtherRegions { .. } => {
                ReasonCode::OtherSettings
            }
            Self::NewerFormat { .. } => ReasonCode::NewerFormat,
            Self::Corrupt { .. } | Self::Lost { .. } | Self::Absent { .. } | Self::Store { .. } => {
                ReasonCode::DamagedLibrary
            }
            Self::NoSuchImage(_) => ReasonCode::NotFound,
            Self::TooMany { .. } => ReasonCode::LibraryFull,
            Self::Stuck { .. } => ReasonCode::Stuck,
            Self::Worker { .. } => ReasonCode::NoWorker,
            Self::Vectors { .. } => ReasonCode::NoVectors,
            Self::Encode(error) => error.into(),
        }
    }
}
