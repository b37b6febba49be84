//! Why a model could not be found or fetched, and what to do about it.

use std::path::PathBuf;

use super::ModelId;

/// Why a checkpoint could not be found or fetched.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Not a name of a model.
    #[error("`{name}` is neither a directory nor a hub id (`owner/model`, such as `google/siglip2-base-patch16-256`)")]
    BadName {
        /// As given.
        name: String,
    },
    /// Nothing of the model is in the cache.
    #[error(
        "the model `{id}` is not on this machine (looked in {})\n  \
         with a network:     glimpse model pull {id}\n  \
         without a network:  copy its config.json, tokenizer.json, tokenizer_config.json, preprocessor_config.json and \
         *.safetensors from https://huggingface.co/{id} into a folder, and use --model FOLDER\n  \
         at once:            --model demo uses the small bundled model", cache.display()
    )]
    NotCached {
        /// The model.
        id: ModelId,
        /// The cache that was looked into.
        cache: PathBuf,
    },
    /// Some files of the model are in the cache, others are not.
    #[error("the copy of `{id}` in {} is not complete, it lacks {}; `glimpse model pull {id}` fetches the rest", dir.display(), missing.join(", "))]
    Incomplete {
        /// The model.
        id: ModelId,
        /// Its directory.
        dir: PathBuf,
        /// The files that are not there.
        missing: Vec<String>,
    },
    /// Networking is switched off.
    #[error(
        "`{id}` cannot be fetched because HF_HUB_OFFLINE is set; unset it, or use --model demo, which needs no network"
    )]
    Offline {
        /// The model.
        id: ModelId,
    },
    /// The server was not reached, or the connection broke before it answered.
    #[error(
        "no answer from {url}: {reason}; check the network (HF_ENDPOINT names another server, HTTPS_PROXY a proxy), or use --model demo, which needs none"
    )]
    Unreachable {
        /// What was asked for.
        url: String,
        /// The reason given by the system.
        reason: String,
    },
    /// The server hides the model from strangers, or has no such model.
    #[error("the hub does not show `{id}` {}: either there is no such model (check the spelling) or it is private; \
             a token of an account that may read it goes into HF_TOKEN", if *.with_token { "to the account of your token" } else { "without a token" })]
    Unauthorized {
        /// The model.
        id: ModelId,
        /// Whether a token was sent.
        with_token: bool,
    },
    /// The model is gated.
    #[error("`{id}` is gated: accept its terms on its page at the hub, and put a token of that account into HF_TOKEN")]
    Gated {
        /// The model.
        id: ModelId,
    },
    /// No such model, or no such revision of it.
    #[error(
        "the hub has no model `{id}` with a revision `{revision}`; check the spelling, and HF_ENDPOINT if it is set"
    )]
    NotFound {
        /// The model.
        id: ModelId,
        /// The revision asked for.
        revision: String,
    },
    /// The repository holds no model that can be read.
    #[error(
        "`{id}` has no {missing}, so it is not a checkpoint that Glimpse reads (config.json, \
         tokenizer.json and safetensors)"
    )]
    NotACheckpoint {
        /// The model.
        id: ModelId,
        /// What is not there.
        missing: String,
    },
    /// The repository has no tokenizer of the one form that is read. Its weights were not fetched.
    #[error(
        "`{id}` has no tokenizer.json, which Glimpse reads; nothing was fetched. Write one with Python:\n  \
         from transformers import AutoTokenizer\n  \
         from transformers.convert_slow_tokenizer import SpmConverter\n  \
         SpmConverter(AutoTokenizer.from_pretrained(\"{id}\")).converted().save(\"FOLDER/tokenizer.json\")\n\
         put the model's config.json, preprocessor_config.json and *.safetensors into the same FOLDER, \
         and use --model FOLDER"
    )]
    NoTokenizer {
        /// The model.
        id: ModelId,
    },
    /// A model of another kind. Its weights were not fetched.
    #[error("`{id}` is a `{model_type}` model; Glimpse reads models of type `siglip` and `siglip2`")]
    OtherFamily {
        /// The model.
        id: ModelId,
        /// As its `config.json` says.
        model_type: String,
    },
    /// The server refused for a reason of its own.
    #[error("{url} answered with status {status}{}", if *.status == 429 { " (too many requests); try again later" } else if *.status >= 500 { "; the trouble is on its side, try again later" } else { "" })]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server's answer makes no sense.
    #[error("{url} gave an answer that is not that of a model hub: {reason}")]
    BadAnswer {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The connection broke in the middle of a file.
    #[error(
        "{file}: the connection broke off after {got} of {size} bytes; what has arrived is kept, run the same command again to go on from there"
    )]
    CutOff {
        /// The file.
        file: String,
        /// Bytes that have arrived.
        got: u64,
        /// Bytes of the whole file.
        size: u64,
    },
    /// The server announced one size and sent another.
    #[error("{file}: the server announced {announced} bytes and sent {sent}; nothing was kept of it")]
    WrongSize {
        /// The file.
        file: String,
        /// Size announced first.
        announced: u64,
        /// Size sent.
        sent: u64,
    },
    /// The contents are not what the hub's checksum says.
    #[error(
        "{file}: checksum {found} instead of {expected}; it was damaged on the way and has been deleted, run the same command again"
    )]
    Checksum {
        /// The file.
        file: String,
        /// The hub's checksum.
        expected: String,
        /// That of what arrived.
        found: String,
    },
    /// No space left.
    #[error("{}: the disk is full, {needed} bytes more are needed; make room or set HF_HOME to another disk, then run the same command again", path.display())]
    DiskFull {
        /// The file being written.
        path: PathBuf,
        /// Bytes still to come.
        needed: u64,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl HubError {
    /// Whether the same request may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::CutOff { .. } => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }

    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        |source| Self::Io { path, source }
    }
}
