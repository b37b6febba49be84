//! Many images at once, from memory: no store is read for a tile.

use std::path::PathBuf;

use super::Index;
use crate::{IdSet, ImageId, TileFacts};

impl Index {
    /// What it takes to lay out images, in the order given; an image that is not in the index is
    /// left out.
    pub fn tiles(&self, ids: impl IntoIterator<Item = ImageId>) -> Vec<TileFacts> {
        let memory = self.memory.read();
        ids.into_iter().filter_map(|id| memory.tile(id)).collect()
    }

    /// When images were taken (seconds since 1970 of the camera's clock), in the order of the set.
    pub fn taken_of(&self, ids: &IdSet) -> Vec<Option<i64>> {
        let memory = self.memory.read();
        ids.iter().map(|id| memory.taken(id)).collect()
    }

    /// Folders that hold files, by path, and the images that can be found of the files present in
    /// each. An image that two files of a folder hold comes twice.
    pub fn images_by_folder(&self) -> Vec<(PathBuf, Vec<ImageId>)> {
        self.memory.read().images_by_folder()
    }
}
