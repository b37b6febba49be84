//! What people keep of the library, beside what one generation knows of its images.

use std::collections::HashSet;
use std::sync::Arc;

use super::Index;
use crate::collections::{Collections, same_tag};
use crate::{ContentHash, Filter, IdSet, ImageId, ImageRecord, IndexError};

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

    /// What a filter asks of favourites, albums and hidden images, and of tags of regions.
    pub(super) fn kept(&self, filter: &Filter) -> Kept {
        let collections = self.collections();
        let (mut among, mut not_among) = (Vec::new(), collections.hidden());
        if filter.hidden {
            among.push(std::mem::take(&mut not_among));
        }
        if filter.favourite {
            among.push(collections.favourites());
        }
        if let Some(id) = &filter.album {
            let album = collections.album(id);
            among.push(Arc::new(album.map(|album| album.images.iter().copied().collect()).unwrap_or_default()));
        }
        let showing = (!filter.region_tags.is_empty()).then(|| self.showing(&filter.region_tags));
        Kept { among, not_among, showing }
    }

    /// Brings the keywords of an image up to date with the tags of its user: those that it has are
    /// among them, those that were `taken` are not.
    ///
    /// # Errors
    /// [`IndexError::NoSuchImage`], or if the store fails.
    pub fn follow_tags(&self, id: ImageId, taken: &[String]) -> Result<(), IndexError> {
        let is_taken = |keyword: &String| taken.iter().any(|tag| same_tag(tag, keyword));
        // `change` adds those that it has.
        self.change(id, |record| record.keywords.retain(|keyword| !is_taken(keyword)))
    }

    /// Adds the tags of its user to the keywords of an image.
    pub(super) fn add_own_tags(&self, record: &mut ImageRecord) {
        for tag in self.collections().tags_of(&record.content) {
            if !record.keywords.iter().any(|keyword| same_tag(keyword, &tag)) {
                record.keywords.push(tag);
            }
        }
    }
}

/// Contents and images that count in a selection.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// An image's content is in all of these,
    among: Vec<Arc<HashSet<ContentHash>>>,
    /// and not in this one.
    not_among: Arc<HashSet<ContentHash>>,
    /// The image itself is in this one.
    showing: Option<IdSet>,
}

impl Kept {
    pub fn passes(&self, id: ImageId, content: &ContentHash) -> bool {
        self.showing.as_ref().is_none_or(|showing| showing.contains(id))
            && self.among.iter().all(|set| set.contains(content))
            && !self.not_among.contains(content)
    }

    /// True if every image passes.
    pub fn asks_nothing(&self) -> bool {
        self.among.is_empty() && self.not_among.is_empty() && self.showing.is_none()
    }
}
