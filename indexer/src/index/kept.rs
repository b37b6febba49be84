//! The favourites and albums of the library, beside what one generation knows of its images.

use std::collections::HashSet;
use std::sync::Arc;

use super::Index;
use crate::collections::Collections;
use crate::{ContentHash, Filter, ImageId};

impl Index {
    /// The favourites and albums of the library.
    pub fn collections(&self) -> Arc<Collections> {
        Arc::clone(self.collections.get_or_init(|| Arc::new(Collections::open(&self.dir))))
    }

    /// Says which favourites and albums go with the images: those that all generations share. The
    /// first that were given stay.
    pub(crate) fn share_collections(&self, collections: Arc<Collections>) {
        let _ = self.collections.set(collections);
    }

    /// The images with these contents that can be found, in the order of the contents.
    pub fn with_contents(&self, contents: &[ContentHash]) -> Vec<ImageId> {
        self.memory.read().with_contents(contents)
    }

    /// Images that come later have this number or one above it.
    pub fn numbers_end(&self) -> u64 {
        self.memory.read().numbers_end()
    }

    /// The sets that a filter on favourites or an album asks for.
    pub(super) fn kept(&self, filter: &Filter) -> Vec<Arc<HashSet<ContentHash>>> {
        let mut sets = Vec::new();
        if filter.favourite {
            sets.push(self.collections().favourites());
        }
        if let Some(id) = &filter.album {
            let album = self.collections().album(id);
            sets.push(Arc::new(album.map(|album| album.images.iter().copied().collect()).unwrap_or_default()));
        }
        sets
    }
}
