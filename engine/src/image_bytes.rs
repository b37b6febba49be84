//! An image file's bytes, and which way up its image is.

use std::borrow::Cow;

use glimpse_encoder::EncodeError;
use glimpse_encoder::image_file::{DecodedImage, ImageError, Limits, decode, decode_reduced};

/// What it takes to see an image as it was indexed.
#[derive(Debug, Clone)]
pub struct ImageBytes<'a> {
    /// The file as it is.
    pub bytes: Cow<'a, [u8]>,
    /// EXIF orientation, 1 to 8, that a sidecar gives the image in place of its file's own.
    pub orientation: Option<u8>,
}

impl<'a> ImageBytes<'a> {
    /// Bytes that no sidecar belongs to.
    pub fn alone(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { bytes: bytes.into(), orientation: None }
    }

    /// The image, upright.
    ///
    /// # Errors
    /// If the bytes are no image that can be read.
    pub fn decode(&self) -> Result<DecodedImage, EncodeError> {
        Ok(self.upright(decode(&self.bytes, &Limits::default())?))
    }

    /// The image, upright; a large JPEG at a part of its size, as long as its shorter side keeps
    /// `least` pixels.
    ///
    /// # Errors
    /// As [`ImageBytes::decode`].
    pub fn decode_reduced(&self, least: u32) -> Result<DecodedImage, ImageError> {
        Ok(self.upright(decode_reduced(&self.bytes, &Limits::default(), least)?))
    }

    fn upright(&self, image: DecodedImage) -> DecodedImage {
        self.orientation.into_iter().fold(image, DecodedImage::reoriented)
    }
}
