//! Encoding for the libraries of others.

use glimpse_indexer::ingest::{WorkerInfo, answer, answer_texts};

use crate::{Engine, EngineError};

impl Engine {
    /// Loads the model to encode with, and says which it is.
    ///
    /// # Errors
    /// If it cannot be found or loaded.
    pub fn worker_info(&self) -> Result<WorkerInfo, EngineError> {
        Ok(WorkerInfo::of(self.chosen()?.info()))
    }

    /// Encodes a batch that another library sent: vectors, regions and captions, as bytes that its
    /// [`Worker`](crate::Worker) reads.
    ///
    /// # Errors
    /// [`EngineError::Worker`].
    pub fn encode_for(&self, request: &[u8]) -> Result<Vec<u8>, EngineError> {
        Ok(answer(self.chosen()?.as_ref(), request)?)
    }

    /// Encodes texts that another library sent: vectors, as bytes that its
    /// [`Worker`](crate::Worker) reads.
    ///
    /// # Errors
    /// [`EngineError::Worker`].
    pub fn encode_texts_for(&self, request: &[u8]) -> Result<Vec<u8>, EngineError> {
        Ok(answer_texts(self.chosen()?.as_ref(), request)?)
    }
}
