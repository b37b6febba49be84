//! What a worker does with a batch.

use glimpse_encoder::{Checked, Encode, EncodeError};

use super::wire;
use crate::ingest::encode::model::{Ask, Model};

/// Why a worker made nothing of a batch.
#[derive(Debug, thiserror::Error)]
pub enum WorkerFault {
    /// What came is no batch.
    #[error("what was sent is no batch of images or texts: {0}")]
    Unreadable(String),
    /// The library was made with another model.
    #[error(
        "this worker has the model `{here}` (fingerprint {here_print:.12}), the library another ({there_print:.12})"
    )]
    OtherModel {
        /// The worker's model.
        here: String,
        /// Its fingerprint.
        here_print: String,
        /// The fingerprint of the library's.
        there_print: String,
    },
    /// The model failed on the batch.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// The answer to what a library sent: vectors, regions and captions of a batch, as bytes.
///
/// # Errors
/// [`WorkerFault`].
pub fn answer(encoder: &dyn Encode, request: &[u8]) -> Result<Vec<u8>, WorkerFault> {
    let received = wire::read_request(request).map_err(WorkerFault::Unreadable)?;
    require_model(encoder, &received.fingerprint)?;
    let checked = Checked(encoder);
    let model = Model { encoder: &checked, profile: &received.profile, captions: received.captions.as_deref() };
    let batch: Vec<Ask<'_>> = received.images.iter().map(|(wants, views)| Ask { wants: *wants, views }).collect();
    let encoded = model.encode(&batch)?;
    wire::answer(&encoded).map_err(WorkerFault::Unreadable)
}

/// The answer to texts that a library sent: their vectors, as bytes.
///
/// # Errors
/// [`WorkerFault`].
pub fn answer_texts(encoder: &dyn Encode, request: &[u8]) -> Result<Vec<u8>, WorkerFault> {
    let received = wire::read_texts(request).map_err(WorkerFault::Unreadable)?;
    require_model(encoder, &received.fingerprint)?;
    let texts: Vec<&str> = received.texts.iter().map(String::as_str).collect();
    wire::texts_answer(&Checked(encoder).encode_texts(&texts)?).map_err(WorkerFault::Unreadable)
}

fn require_model(encoder: &dyn Encode, fingerprint: &str) -> Result<(), WorkerFault> {
    let info = encoder.info();
    if info.fingerprint == fingerprint {
        return Ok(());
    }
    Err(WorkerFault::OtherModel {
        here: info.name.clone(),
        here_print: info.fingerprint.clone(),
        there_print: fingerprint.to_owned(),
    })
}
