//! Decoded images shown to others, so that what they derive from pixels costs no second
//! decoding.

use std::fmt;
use std::sync::Arc;

use glimpse_encoder::image_file::DecodedImage;

use crate::ContentHash;

type Hook = dyn Fn(&ContentHash, &DecodedImage) + Send + Sync;

/// Called with the hash and the pixels of every new image, which may come at a fraction of its
/// size, on the thread that decoded it.
#[derive(Clone, Default)]
pub struct ImageHook(Option<Arc<Hook>>);

impl ImageHook {
    /// Calls `hook`, which should be quick beside the decoding of an image.
    pub fn new(hook: impl Fn(&ContentHash, &DecodedImage) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    pub(crate) fn call(&self, content: &ContentHash, image: &DecodedImage) {
        if let Some(hook) = &self.0 {
            hook(content, image);
        }
    }
}

impl fmt::Debug for ImageHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "ImageHook(set)" } else { "ImageHook(none)" })
    }
}
