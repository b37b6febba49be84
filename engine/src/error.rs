//! Errors of the engine, with the one distinction that callers act on: whose fault it is.

use std::path::Path;

use glimpse_encoder::EncodeError;
use glimpse_encoder::image_file::ImageError;
use glimpse_indexer::collections::CollectionsError;
use glimpse_indexer::ingest::WorkerFault;
use glimpse_indexer::sidecars::SidecarError;
use glimpse_indexer::{IndexError, ReasonCode, Refusal};

/// Why a request could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The encoder failed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Favourites or albums could not be changed.
    #[error(transparent)]
    Collections(#[from] CollectionsError),
    /// A sidecar could not be written.
    #[error(transparent)]
    Sidecar(#[from] SidecarError),
    /// The request makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// The same, where people are told why in their own language.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No model, and no way to get one now.
    #[error("{0}")]
    NoModel(String),
    /// The model cannot say or read words about regions.
    #[error(
        "the model {model} has no decoder: no decoder.safetensors lies beside its weights; the bundled model (`--model demo`) has \
         one, Google publishes none, and training/README.md says how to train one"
    )]
    NoDecoder {
        /// The model's name.
        model: String,
    },
    /// `calibration.json` cannot be used.
    #[error("{path}: {reason}; write it anew with `glimpse eval calibrate`, or remove it")]
    Calibration {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `tuned.json` cannot be used.
    #[error("{path}: {reason}; learn it anew with `glimpse tune`, or drop it with `glimpse tune --undo`")]
    Tuning {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A batch of another library could not be encoded.
    #[error(transparent)]
    Worker(#[from] WorkerFault),
    /// Something that may run only once is running.
    #[error("{0}")]
    Busy(String),
    /// Whoever asked does not wait for the answer any more ([`crate::Cancel`]).
    #[error("stopped before the answer was complete")]
    Cancelled,
    /// The answer took longer than it may ([`crate::Cancel::within`]).
    #[error("the answer took longer than {} s; ask for less at a time, with a filter or fewer things", limit.as_secs())]
    Timeout {
        /// How long it may take.
        limit: std::time::Duration,
    },
    /// The library is large and is being opened.
    #[error("the library is still being opened; ask again in a moment")]
    Opening,
    /// Another question reads the regions of the library, which takes a while where there are many.
    #[error("the regions of the library are being read for the first question about them; ask again in a moment")]
    ReadingRegions,
    /// None of the images that others are to be like is in the library any more.
    #[error(
        "{}; search with other images",
        if *count == 1 { "the image to search with is not in the library any more".to_owned() }
        else { format!("none of the {count} images to search with is in the library any more") }
    )]
    ExamplesGone {
        /// How many they were.
        count: usize,
    },
    /// The file of an image has other content now.
    #[error("{path} has changed since it was indexed; bring the library up to date")]
    Changed {
        /// The file.
        path: std::path::PathBuf,
    },
    /// A folder of images, or the drive that it is on, does not answer.
    #[error(
        "{folder} does not answer: its drive or network share may be away; it is left alone for half a minute, then \
         tried again"
    )]
    Unreachable {
        /// The folder.
        folder: std::path::PathBuf,
    },
    /// A file is no image that can be read.
    #[error("{path}: {source}")]
    Image {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        source: ImageError,
    },
    /// A file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request: asking again will not help.
    BadRequest,
    /// What was asked for is not there.
    NotFound,
    /// The library or the model is not ready: the message says what to do.
    NotReady,
    /// Nobody: the question was given up.
    Cancelled,
    /// Nobody: the answer took too long.
    Timeout,
    /// The machine or this program.
    Internal,
}

impl EngineError {
    /// True if nothing was indexed yet.
    pub fn is_empty_library(&self) -> bool {
        matches!(self, Self::Index(IndexError::NoIndex { .. }))
    }

    /// Names the file that an image came from, if it is the image that is at fault.
    pub(crate) fn of_file(self, path: Option<&Path>) -> Self {
        match (self, path) {
            (Self::Encode(EncodeError::Image(source)), Some(path)) => Self::Image { path: path.into(), source },
            (error, _) => error,
        }
    }

    /// What translations of the message go by; none where it is about the request itself.
    pub fn reason_code(&self) -> Option<ReasonCode> {
        Some(match self {
            Self::Encode(EncodeError::Decoder { .. }) => return None,
            Self::Encode(error) => error.into(),
            Self::Index(error) => error.reason_code(),
            Self::Sidecar(error) => error.reason_code(),
            Self::Image { source, .. } => source.into(),
            Self::Io { source, .. } => source.into(),
            Self::Collections(CollectionsError::Unwritable { .. }) => ReasonCode::CollectionsReadOnly,
            Self::NoModel(_) => ReasonCode::NoModel,
            Self::Calibration { .. } | Self::Tuning { .. } => ReasonCode::BadCalibration,
            Self::Opening => ReasonCode::Opening,
            Self::ReadingRegions => ReasonCode::ReadingRegions,
            Self::ExamplesGone { .. } => ReasonCode::ExamplesGone,
            Self::Changed { .. } => ReasonCode::Changed,
            Self::Unreachable { .. } => ReasonCode::Unreachable,
            Self::Refused(refusal) | Self::Collections(CollectionsError::Refused(refusal)) => refusal.code,
            Self::Collections(CollectionsError::NoSuchAlbum(_))
            | Self::BadRequest(_)
            | Self::Worker(_)
            | Self::NoDecoder { .. }
            | Self::Busy(_)
            | Self::Cancelled
            | Self::Timeout { .. } => return None,
        })
    }

    pub(crate) fn empty_box() -> Self {
        Refusal::new(ReasonCode::EmptyBox, "the box is empty, or outside the image").into()
    }

    /// What is wrong with the request, where that has a code.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) | Self::Collections(CollectionsError::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }

    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadRequest(_) | Self::Refused(_) | Self::Image { .. } => ErrorKind::BadRequest,
            Self::Collections(CollectionsError::Refused(_)) => ErrorKind::BadRequest,
            Self::Collections(CollectionsError::NoSuchAlbum(_)) => ErrorKind::NotFound,
            Self::Collections(CollectionsError::Unwritable { .. }) | Self::Sidecar(_) => ErrorKind::Internal,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::NoModel(_)
            | Self::NoDecoder { .. }
            | Self::Calibration { .. }
            | Self::Tuning { .. }
            | Self::Busy(_) => ErrorKind::NotReady,
            Self::Opening | Self::ReadingRegions | Self::Unreachable { .. } => ErrorKind::NotReady,
            Self::Changed { .. } | Self::ExamplesGone { .. } => ErrorKind::NotFound,
            Self::Worker(WorkerFault::Encode(_)) => ErrorKind::Internal,
            Self::Worker(_) => ErrorKind::BadRequest,
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            Self::Io { .. } => ErrorKind::Internal,
            Self::Encode(error) | Self::Index(IndexError::Encode(error)) => encode_kind(error),
            Self::Index(error) => match error {
                IndexError::NoSuchImage(_) => ErrorKind::NotFound,
                IndexError::NoIndex { .. }
                | IndexError::Worker { .. }
                | IndexError::Vectors { .. }
                | IndexError::InUse { .. }
                | IndexError::ReadOnly { .. }
                | IndexError::OtherModel { .. }
                | IndexError::OtherStorage { .. }
                | IndexError::OtherPlace { .. }
                | IndexError::OtherRegions { .. }
                | IndexError::NewerFormat { .. } => ErrorKind::NotReady,
                _ => ErrorKind::Internal,
            },
        }
    }
}

fn encode_kind(error: &EncodeError) -> ErrorKind {
    match error {
        EncodeError::Image(_) | EncodeError::Decoder { .. } => ErrorKind::BadRequest,
        EncodeError::MissingFile { .. }
        | EncodeError::Config { .. }
        | EncodeError::Tensor { .. }
        | EncodeError::Tokenizer { .. }
        | EncodeError::Device { .. }
        | EncodeError::Hub(_) => ErrorKind::NotReady,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fault_of_an_error_does_not_depend_on_the_layer_that_met_it() {
        let empty = || EncodeError::Image(glimpse_encoder::image_file::ImageError::Empty);
        assert_eq!(EngineError::from(empty()).kind(), ErrorKind::BadRequest);
        assert_eq!(EngineError::from(IndexError::from(empty())).kind(), ErrorKind::BadRequest);

        let gone = IndexError::NoSuchImage(glimpse_indexer::ImageId(7));
        assert_eq!(EngineError::from(gone).kind(), ErrorKind::NotFound);
        let none = IndexError::NoIndex { dir: "library".into() };
        assert_eq!(EngineError::from(none).kind(), ErrorKind::NotReady);

        let io = |kind: std::io::ErrorKind| EngineError::Io { path: "a.jpg".into(), source: kind.into() };
        assert_eq!(io(std::io::ErrorKind::NotFound).kind(), ErrorKind::NotFound);
        assert_eq!(io(std::io::ErrorKind::PermissionDenied).kind(), ErrorKind::Internal);
    }
}
