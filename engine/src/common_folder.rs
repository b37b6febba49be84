//! The folder that some images have in common.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use glimpse_indexer::ImageId;

use crate::{Engine, EngineError};

impl Engine {
    /// The deepest folder below which all of some images lie, as far as they are in the library;
    /// `None` if there is no such folder. Of an image that several files hold, the one first by
    /// folder counts. From memory.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn common_folder(&self, ids: &[ImageId]) -> Result<Option<PathBuf>, EngineError> {
        let folders = self.serving()?.images_by_folder();
        let mut left: HashSet<ImageId> = ids.iter().copied().collect();
        let mut common: Option<&Path> = None;
        for (folder, images) in &folders {
            let holds = images.iter().fold(false, |holds, image| left.remove(image) | holds);
            if holds {
                common = match common {
                    None => Some(folder),
                    Some(common) => common.ancestors().find(|above| folder.starts_with(above)),
                };
                if common.is_none() {
                    return Ok(None); // on different drives
                }
            }
        }
        Ok(common.map(Path::to_path_buf))
    }
}
