//! Facts that place images in a grid, in the months they were taken and in folders.

use std::collections::HashMap;
use std::path::PathBuf;

use super::{Memory, NO_DATE, Row};
use crate::{ContentHash, ImageId, TileFacts};

impl Memory {
    /// What it takes to lay an image out.
    pub(in crate::index) fn tile(&self, id: ImageId) -> Option<TileFacts> {
        self.row(id).map(|row| TileFacts { moment: self.moment(id), ..tile_of(id, row) })
    }

    /// The images with these contents that can be found, in the order of the contents.
    pub(in crate::index) fn with_contents(&self, contents: &[ContentHash]) -> Vec<ImageId> {
        let places: HashMap<&ContentHash, usize> = contents.iter().zip(0..).collect();
        let place = |row: &Row| (!places.is_empty()).then(|| places.get(&row.content).copied()).flatten();
        let mut found: Vec<(usize, ImageId)> = self.rows().filter_map(|(id, row)| Some((place(row)?, id))).collect();
        found.retain(|(_, id)| self.findable.contains(*id));
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Images that come later have this number or one above it.
    pub(in crate::index) fn numbers_end(&self) -> u64 {
        self.rows.end() as u64
    }

    /// Folders that hold files, by path, and the images of the files that are present in each. An
    /// image that can not be found is left out; one that two files of a folder hold comes twice.
    pub(in crate::index) fn images_by_folder(&self) -> Vec<(PathBuf, Vec<ImageId>)> {
        let folders = self.folders.iter().map(|(path, files)| {
            let present = files.values().filter(|held| held.shows() && self.findable.contains(held.image));
            (path.to_path_buf(), present.map(|held| held.image).collect())
        });
        folders.collect()
    }
}

fn tile_of(id: ImageId, row: &Row) -> TileFacts {
    let taken = (row.taken != NO_DATE).then_some(row.taken);
    TileFacts {
        id,
        content: row.content,
        width: row.width,
        height: row.height,
        taken,
        format: row.format,
        moment: None,
    }
}
