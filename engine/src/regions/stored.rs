//! What is stored of an image's regions, which needs no model.

use glimpse_encoder::dense::RegionMap;
use glimpse_indexer::ImageId;

use crate::{Engine, EngineError};

impl Engine {
    /// The regions of an image of the library, leaves first; `None` if it was indexed without.
    ///
    /// # Errors
    /// [`glimpse_indexer::IndexError::NoSuchImage`], or if the store fails.
    pub fn region_map(&self, id: ImageId) -> Result<Option<RegionMap>, EngineError> {
        self.image(id)?;
        Ok(self.serving()?.region_map(id)?)
    }

    /// True if regions of some image of the library are stored; quick, since none are read.
    ///
    /// # Errors
    /// If there is no index yet, or the store fails.
    pub fn has_regions(&self) -> Result<bool, EngineError> {
        Ok(self.serving()?.any_regions()?)
    }
}
