//! Errors of the encoder: what went wrong, where, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::image_file::ImageError;

/// Why a model could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// An image could not be used.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A file of the checkpoint is missing.
    #[error("{dir}: no {file} here; a checkpoint directory holds config.json, model.safetensors and tokenizer.json")]
    MissingFile {
        /// The checkpoint directory.
        dir: PathBuf,
        /// What is missing.
        file: String,
    },
    /// `config.json` or the preprocessor's settings do not describe a model of this family.
    #[error("{path}: field `{field}`: expected {expected}, found {found}")]
    Config {
        /// The file.
        path: PathBuf,
        /// The field, dotted.
        field: String,
        /// What would be right.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A patch budget was asked for, but the model is no NaFlex model.
    #[error(
        "{dir}: images are squashed to {image_size} x {image_size} pixels, so there is no budget of \
         patches to set; leave --patches out, or take a NaFlex model such as \
         google/siglip2-base-patch16-naflex"
    )]
    NoBudget {
        /// The checkpoint directory.
        dir: PathBuf,
        /// Side of the input image in pixels.
        image_size: usize,
    },
    /// A tensor is missing, surplus, mis-shaped or of a type that is not read.
    #[error("{path}: tensor `{tensor}`: expected {expected}, found {found}")]
    Tensor {
        /// The safetensors file or its directory.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Shape or type that is right.
        expected: String,
        /// Shape or type that is there.
        found: String,
    },
    /// A weights file or the index of its shards is cut off, damaged or contradicts itself.
    #[error("{path}: {reason}")]
    Weights {
        /// The safetensors file or the index.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The tokenizer cannot be read or does not fit the model.
    #[error("{path}: {reason}")]
    Tokenizer {
        /// The tokenizer file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A vector without direction.
    #[error(
        "the model gave a vector of {dim} values that has no direction (zero or not finite); the weights are damaged"
    )]
    NotAVector {
        /// Its width.
        dim: usize,
    },
    /// An image prepared for another model.
    #[error("an image was prepared as {found}, but the model reads {expected}")]
    PixelInput {
        /// What the model reads.
        expected: String,
        /// What was given.
        found: String,
    },
    /// The device asked for is not there.
    #[error("device `{device}`: {reason}")]
    Device {
        /// As asked for.
        device: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The model is neither a directory, nor in the cache, nor to be had now.
    #[error("{0}")]
    Hub(#[from] crate::hub::HubError),
    /// The decoder cannot do what it was asked for.
    #[error("decoder: {reason}")]
    Decoder {
        /// What is wrong, and what it can do.
        reason: String,
    },
    /// An encoder of another maker does not do what [`crate::Encode`] promises.
    #[error("the model `{model}` does not keep to its interface: {reason}")]
    Contract {
        /// Its name.
        model: String,
        /// What it did.
        reason: String,
    },
    /// The backend failed while it computed.
    #[error("{stage}: {reason}")]
    Backend {
        /// What was being computed.
        stage: &'static str,
        /// The backend's reason.
        reason: String,
    },
}

impl EncodeError {
    /// What it means that a file of a checkpoint directory cannot be read.
    pub(crate) fn reading(dir: &Path, file: &str, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound {
            return Self::MissingFile { dir: dir.to_owned(), file: file.to_owned() };
        }
        Self::Io { path: dir.join(file), source }
    }
}
