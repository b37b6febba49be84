//! What turns the bytes of a file into pixels.

use std::fmt;
use std::sync::Arc;

use glimpse_encoder::image_file::{self, DecodedImage, ImageError, Limits};

type Decode = dyn Fn(&[u8], &Limits, u32) -> Result<DecodedImage, ImageError> + Send + Sync;

/// Turns the bytes of a file into pixels; by default, [`image_file::decode_reduced`].
#[derive(Clone, Default)]
pub struct ImageDecoder(Option<Arc<Decode>>);

impl ImageDecoder {
    /// Calls `decode` with the bytes, the limits and the pixels that the shorter side must have.
    /// It may take as long as it wants: [`crate::ingest::IngestOptions::image_timeout`] ends the
    /// wait for it.
    pub fn new(
        decode: impl Fn(&[u8], &Limits, u32) -> Result<DecodedImage, ImageError> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(decode)))
    }

    pub(crate) fn decode(&self, bytes: &[u8], limits: &Limits, least: u32) -> Result<DecodedImage, ImageError> {
        match &self.0 {
            Some(decode) => decode(bytes, limits, least),
            None => image_file::decode_reduced(bytes, limits, least),
        }
    }
}

impl fmt::Debug for ImageDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "ImageDecoder(set)" } else { "ImageDecoder(own)" })
    }
}
