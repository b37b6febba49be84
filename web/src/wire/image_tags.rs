//! What an image shows, at three levels.

use glimpse_engine::{ImageId, KeptTags, RegionTag, Tag};
use serde::Serialize;
use utoipa::ToSchema;

use super::{LabelView, SegmentationView, names};

/// The labels of an image.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImageTagsView {
    /// Its number.
    #[schema(value_type = u64)]
    id: ImageId,
    /// Upright width in pixels, which boxes are in.
    width: u32,
    /// Upright height in pixels.
    height: u32,
    /// Tags of regions are kept with the index, and those of this image are made.
    kept: bool,
    /// What it shows as a whole, surest first.
    #[schema(value_type = Vec<names::Tag>)]
    image: Vec<Tag>,
    /// What its regions show, surest first; up to five regions of a label.
    regions: Vec<RegionTagView>,
    /// What its pixels show, if that was asked for.
    pixels: Option<PixelTagsView>,
}

/// A region and its label.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegionTagView {
    /// The label.
    label: String,
    /// Calibrated score, 0 to 1.
    score: f32,
    /// Share of the image that the region covers, 0 to 1.
    area: f32,
    /// Left edge of the box around it, in pixels of the image.
    x: f32,
    /// Upper edge.
    y: f32,
    /// Width of the box.
    width: f32,
    /// Height of the box.
    height: f32,
}

/// The labels of pixels.
#[derive(Debug, Serialize, ToSchema)]
pub struct PixelTagsView {
    /// Those that have pixels, largest first.
    labels: Vec<LabelView>,
    /// Share of the image that no label fits, 0 to 1.
    unlabelled: f32,
}

impl ImageTagsView {
    /// The tags of an image of this width and height.
    pub fn of(id: ImageId, size: (u32, u32), kept: Option<&KeptTags>, pixels: Option<SegmentationView>) -> Self {
        let (width, height) = size;
        let regions = kept.iter().flat_map(|kept| &kept.regions).map(|tag| RegionTagView::of(tag, size)).collect();
        let image = kept.map(|kept| kept.image.clone()).unwrap_or_default();
        Self { id, width, height, kept: kept.is_some(), image, regions, pixels: pixels.map(PixelTagsView::of) }
    }
}

impl RegionTagView {
    fn of(tag: &RegionTag, (width, height): (u32, u32)) -> Self {
        let [x, y, width, height] = tag.rect.pixels(width, height);
        Self { label: tag.label.clone(), score: tag.score, area: tag.area, x, y, width, height }
    }
}

impl PixelTagsView {
    fn of(found: SegmentationView) -> Self {
        let (labels, unlabelled) = found.into_labels();
        Self { labels, unlabelled }
    }
}
