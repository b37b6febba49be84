//! Keys by the image that they are said to be of.

use std::collections::{BTreeSet, HashMap};

use crate::ImageId;
use crate::store::keys::PathHash;

/// Keys of files, content and changes of images, rising.
#[derive(Default)]
pub(super) struct Owned {
    files: HashMap<ImageId, Vec<PathHash>>,
    content: HashMap<ImageId, Vec<[u8; 16]>>,
    changes: HashMap<ImageId, Vec<u64>>,
    /// Images with keys that were added since [`Owned::sort_added`].
    added: BTreeSet<ImageId>,
}

impl Owned {
    pub(super) fn files(&self, id: ImageId) -> &[PathHash] {
        self.files.get(&id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn content(&self, id: ImageId) -> &[[u8; 16]] {
        self.content.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Revisions of an image's changes.
    pub(super) fn changes(&self, id: ImageId) -> &[u64] {
        self.changes.get(&id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn add_file(&mut self, id: ImageId, hash: PathHash) {
        self.files.entry(id).or_default().push(hash);
        self.added.insert(id);
    }

    pub(super) fn add_content(&mut self, id: ImageId, content: [u8; 16]) {
        self.content.entry(id).or_default().push(content);
        self.added.insert(id);
    }

    pub(super) fn add_change(&mut self, id: ImageId, revision: u64) {
        self.changes.entry(id).or_default().push(revision);
        self.added.insert(id);
    }

    /// All keys of an image, which are forgotten here.
    pub(super) fn take(&mut self, id: ImageId) -> (Vec<PathHash>, Vec<[u8; 16]>, Vec<u64>) {
        let files = self.files.remove(&id).unwrap_or_default();
        let content = self.content.remove(&id).unwrap_or_default();
        (files, content, self.changes.remove(&id).unwrap_or_default())
    }

    /// Puts keys in order that were added, each once.
    pub(super) fn sort_added(&mut self) {
        for id in std::mem::take(&mut self.added) {
            self.files.get_mut(&id).into_iter().for_each(in_order);
            self.content.get_mut(&id).into_iter().for_each(in_order);
            self.changes.get_mut(&id).into_iter().for_each(in_order);
        }
    }
}

fn in_order<K: Ord>(keys: &mut Vec<K>) {
    keys.sort_unstable();
    keys.dedup();
}
