//! How a command ends: its exit status, and its words when it fails.

use std::io;

use glimpse::EngineError;
use glimpse::engine::hub::HubError;
use glimpse::web::ServeError;

/// The end of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit status 0.
    Done,
    /// Exit status 1: the question has no answer in this library.
    Nothing,
    /// Exit status 3: done but for some files, which were named.
    Partly,
    /// Exit status 130, as shells have it: stopped by Ctrl-C; what was done so far is kept.
    Interrupted,
}

impl Outcome {
    /// [`Outcome::Done`] if something was found.
    pub fn found(any: bool) -> Self {
        if any { Self::Done } else { Self::Nothing }
    }
}

/// Why a command failed: exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A model could not be fetched.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The server failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Nobody reads what is printed, or the disk is full.
    #[error("cannot write the result: {0}")]
    Output(#[from] io::Error),
    /// The command makes no sense as it was given, or its surroundings do not.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

impl CliError {
    /// Something is wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// Something is wrong, and this is what to do.
    pub fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// True after Ctrl-C: then the command ends, whatever else it was to do.
    pub fn is_interrupt(&self) -> bool {
        matches!(self, Self::Engine(EngineError::Cancelled))
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::Serve(ServeError::NeedsToken(_) | ServeError::WeakToken) => {
                Some("set GLIMPSE_TOKEN, e.g. to the output of `openssl rand -hex 16`".into())
            }
            Self::Serve(ServeError::Bind { .. }) => Some("`--port 0` takes a free port".into()),
            _ => None,
        }
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> Self {
        Self::Output(error.into()) // our own values always serialise, so this is the writer's error
    }
}
