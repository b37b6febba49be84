//! A look at decoded pictures for others, so that what they derive from pixels costs no second decoding.

use std::fmt;
use std::sync::Arc;

use glimpse_encoder::picture::Picture;

use crate::ContentHash;

type Look = dyn Fn(&ContentHash, &Picture) + Send + Sync;

/// Called with the hash and the pixels of every new picture, which may come at a fraction of its size, on the thread that decoded it.
#[derive(Clone, Default)]
pub struct PictureHook(Option<Arc<Look>>);

impl PictureHook {
    /// Calls `look`, which should be quick beside the decoding of a picture.
    pub fn new(look: impl Fn(&ContentHash, &Picture) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(look)))
    }

    pub(super) fn call(&self, content: &ContentHash, picture: &Picture) {
        if let Some(look) = &self.0 {
            look(content, picture);
        }
    }
}

impl fmt::Debug for PictureHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "PictureHook(set)" } else { "PictureHook(none)" })
    }
}
