//! Images that clients ask with: checked when they arrive, named by their content, kept in memory
//! for a while, never written to disk.

use std::sync::Arc;

use actix_web::web::Bytes;
use glimpse_engine::{ContentHash, Limits, ReasonCode, decode};
use parking_lot::Mutex;

use crate::error::{ApiError, Code};
use crate::thumbnails;

/// Largest upload in bytes.
pub const MAX_UPLOAD: usize = 32 << 20;
/// Bounds on what an upload unpacks to: an image of a hundred megapixels is no question.
pub const LIMITS: Limits =
    Limits { max_pixels: 100_000_000, max_side: 32_767, max_alloc: 1 << 29, max_bytes: MAX_UPLOAD as u64 };
/// Bytes of all uploads that are remembered.
const KEPT: usize = 96 << 20;
const THUMBNAIL: u32 = 320;

/// A checked image.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Names it in queries.
    pub key: String,
    pub width: u32,
    pub height: u32,
    pub bytes: Arc<[u8]>,
    /// A small JPEG of it.
    pub thumbnail: Bytes,
}

/// The latest uploads, the one used longest ago first.
#[derive(Debug, Default)]
pub struct Uploads(Mutex<Vec<Upload>>);

impl Upload {
    /// Decodes an image to see that it is one.
    pub fn read(bytes: Bytes) -> Result<Self, ApiError> {
        let pixels = decode(&bytes, &LIMITS).map_err(|error| ApiError::bad_image(&error))?.pixels;
        let thumbnail =
            thumbnails::encode_jpeg(&pixels, THUMBNAIL).map_err(|error| ApiError::bad_request(error.to_string()))?;
        let key = ContentHash::of(&bytes).to_string();
        // The one copy; every question about the image shares it.
        Ok(Self { key, width: pixels.width(), height: pixels.height(), bytes: bytes[..].into(), thumbnail })
    }

    fn weight(&self) -> usize {
        self.bytes.len() + self.thumbnail.len()
    }
}

impl Uploads {
    /// Keeps an image, and forgets others until there is room.
    pub fn keep(&self, upload: Upload) {
        let mut kept = self.0.lock();
        kept.retain(|other| other.key != upload.key);
        kept.push(upload);
        let mut weight: usize = kept.iter().map(Upload::weight).sum();
        while weight > KEPT && kept.len() > 1 {
            weight -= kept.remove(0).weight();
        }
    }

    /// An image by its key.
    pub fn get(&self, key: &str) -> Result<Upload, ApiError> {
        let mut kept = self.0.lock();
        let Some(at) = kept.iter().position(|upload| upload.key == key) else {
            let error = ApiError::new(Code::NotFound, "the server no longer remembers this image");
            return Err(error.because(ReasonCode::UploadForgotten).hint("send it again"));
        };
        let upload = kept.remove(at);
        kept.push(upload.clone());
        Ok(upload)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use glimpse_nonempty::{Every as _, each};

    use super::*;

    fn upload(key: &str, size: usize) -> Upload {
        Upload { key: key.into(), width: 1, height: 1, bytes: vec![0; size].into(), thumbnail: Bytes::new() }
    }

    #[test]
    fn the_upload_unused_for_longest_is_forgotten_first() {
        let uploads = Uploads::default();
        ["a", "b", "c"].into_iter().for_each(|key| uploads.keep(upload(key, MAX_UPLOAD)));
        uploads.get("a").unwrap();
        uploads.keep(upload("d", 1));
        assert!(uploads.get("b").is_err());
        assert!(["a", "c", "d"].iter().every(|key| uploads.get(key).is_ok()));
    }

    #[test]
    fn what_is_no_image_is_refused_with_its_reason() {
        for (bytes, reason) in each([
            (&b""[..], "empty_file"),
            (b"GIF89a", "damaged"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unknown_format"),
        ]) {
            let error = serde_json::to_value(Upload::read(Bytes::from_static(bytes)).unwrap_err()).unwrap();
            assert_eq!((&error["code"], &error["reason_code"]), (&"bad_image".into(), &reason.into()), "{error}");
        }
        let forgotten = serde_json::to_value(Uploads::default().get("a").unwrap_err()).unwrap();
        assert_eq!(forgotten["reason_code"], "upload_forgotten");
    }
}
