//! Workers: other machines that encode what they are sent.
//!
//! A library reads and decodes its files itself, and sends images at the model's size. A worker
//! holds the same model, and nothing of the library; it answers with vectors, regions and captions.
//!
//! | file | |
//! |---|---|
//! | [`wire`] | what goes there and back |
//! | [`client`] | one worker, as the library sees it |
//! | [`answer`] | what a worker does |

mod answer;
pub(crate) mod client;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod fuzz;
mod wire;

use std::time::Duration;

use glimpse_encoder::ModelInfo;

pub use answer::{WorkerFault, answer, answer_texts};
use client::Away;
pub use client::{Worker, WorkerInfo};

use crate::IndexError;

/// Where the workers of a run are, and who encodes.
#[derive(Debug, Clone)]
pub struct Workers {
    /// The workers, each with its address.
    pub workers: Vec<Worker>,
    /// This machine encodes too.
    pub here: bool,
    /// A run ends with [`IndexError::Worker`] if none has answered for so long.
    pub patience: Duration,
}

impl Default for Workers {
    /// This machine alone.
    fn default() -> Self {
        Self { workers: Vec::new(), here: true, patience: Duration::from_secs(120) }
    }
}

impl Workers {
    /// The most workers of a run.
    pub const MOST: usize = 64;

    /// Asks all workers, and gives a sentence for each that does not answer and is tried again in
    /// the run.
    ///
    /// # Errors
    /// [`IndexError::Worker`] if one refuses, as with another model, or none answers and this
    /// machine does not encode.
    pub(crate) fn check(&self, model: &ModelInfo) -> Result<Vec<String>, IndexError> {
        let asked = std::thread::scope(|scope| {
            let asked: Vec<_> = self.workers.iter().map(|worker| scope.spawn(|| worker.greet(model))).collect();
            let lost = || Err(Away::Silent("asking it met a bug".to_owned()));
            asked.into_iter().map(|asked| asked.join().unwrap_or_else(|_| lost())).collect::<Vec<_>>()
        });
        let mut silent = Vec::new();
        for (worker, answer) in self.workers.iter().zip(asked) {
            match answer {
                Ok(()) => {}
                Err(Away::Refused(reason)) => return Err(worker.error(reason)),
                Err(Away::Silent(reason)) => silent.push((worker, reason)),
            }
        }
        if silent.len() == self.workers.len()
            && !self.here
            && let Some((worker, reason)) = silent.first()
        {
            let reason = format!("{reason}; no worker answers: start one with `glimpse worker`, or add `local`");
            return Err(worker.error(reason));
        }
        Ok(silent.into_iter().map(|(worker, reason)| format!("{worker} does not answer yet: {reason}")).collect())
    }
}
