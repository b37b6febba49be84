//! Facts that place images in a grid, in the months they were taken and in folders.

use std::path::PathBuf;

use super::{Memory, NO_DATE, Row};
use crate::{ImageId, TileFacts};

impl Memory {
    /// What it takes to lay an image out.
    pub(in crate::index) fn tile(&self, id: ImageId) -> Option<TileFacts> {
        self.row(id).map(|row| tile_of(id, row))
    }

    /// Folders that hold files, by path, and the images of the files that are present in each. An image
    /// that can not be found is left out; one that two files of a folder hold comes twice.
    pub(in crate::index) fn images_by_folder(&self) -> Vec<(PathBuf, Vec<ImageId>)> {
        let folders = self.folders.iter().map(|(path, files)| {
            let present = files.values().filter(|held| !held.missing && self.findable.contains(held.image));
            (path.to_path_buf(), present.map(|held| held.image).collect())
        });
        folders.collect()
    }
}

fn tile_of(id: ImageId, row: &Row) -> TileFacts {
    let taken = (row.taken != NO_DATE).then_some(row.taken);
    TileFacts { id, content: row.content, width: row.width, height: row.height, taken }
}
