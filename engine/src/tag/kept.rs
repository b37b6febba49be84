//! Tags of regions as they are kept with the index.

use glimpse_indexer::ImageId;
use glimpse_indexer::regions::StoredRegionTag;

use super::{RegionTag, Tag};
use crate::{Engine, EngineError};

/// The labels that regions are kept tagged with.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeptLabels {
    /// In the order in which they were given.
    pub labels: Vec<String>,
    /// Images, frames of videos among them, that were looked at.
    pub tagged: usize,
    /// Images that wait for the next run.
    pub waiting: usize,
}

/// What is kept of one image, at two levels.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptTags {
    /// What it shows as a whole, surest first.
    pub image: Vec<Tag>,
    /// What its regions show, surest first; up to five regions of a label.
    pub regions: Vec<RegionTag>,
}

impl Engine {
    /// True if tags of regions are kept; quick, since none are read, and false while the library is
    /// not open.
    pub fn keeps_region_tags(&self) -> bool {
        self.serving().is_ok_and(|index| index.keeps_region_tags().unwrap_or(false))
    }

    /// The labels that regions are kept tagged with; `None` if none are kept.
    ///
    /// # Errors
    /// If there is no index yet, or the store fails.
    pub fn kept_labels(&self) -> Result<Option<KeptLabels>, EngineError> {
        let index = self.serving()?;
        if index.region_label_set()?.is_none() {
            return Ok(None);
        }
        Ok(Some(KeptLabels {
            labels: index.region_label_names()?,
            tagged: index.images_with_region_tags()?,
            waiting: index.images_without_region_tags()?.len(),
        }))
    }

    /// The kept tags of an image; `None` if no tags are kept, or the image was not looked at yet.
    ///
    /// # Errors
    /// [`glimpse_indexer::IndexError::NoSuchImage`], or if the store fails.
    pub fn kept_tags(&self, id: ImageId) -> Result<Option<KeptTags>, EngineError> {
        self.image(id)?;
        let index = self.serving()?;
        let (Some(tags), Some(map)) = (index.region_tags(id)?, index.region_map(id)?) else { return Ok(None) };
        let names = index.region_label_names()?;
        let (mut image, mut regions) = (Vec::new(), Vec::new());
        for StoredRegionTag { label, region, score } in tags {
            let Some(label) = names.get(usize::from(label)).cloned() else { continue };
            match region.map(usize::from) {
                None => image.push(Tag { label, score }),
                Some(region) if region < map.len() => {
                    regions.push(RegionTag { label, score, rect: map.rect(region), area: map.area(region) });
                }
                Some(_) => {}
            }
        }
        Ok(Some(KeptTags { image, regions }))
    }
}
