//! What every pixel of an image shows.

use glimpse_engine::{Mask, Segmentation};
use serde::Serialize;
use utoipa::ToSchema;

/// Colours of the largest labels: apart for most colour-blind people (after Okabe and Ito).
const COLOURS: [&str; 8] = ["#f0a30a", "#56b4e9", "#1bb583", "#dd8fbd", "#f0e442", "#b3a4f7", "#f07a3c", "#ffffff"];

/// A segmented image.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentationView {
    /// Upright width in pixels.
    width: u32,
    /// Upright height in pixels.
    height: u32,
    /// What was asked for, in order.
    labels: Vec<LabelView>,
    /// Share of the image that no label fits, 0 to 1.
    unlabelled: f32,
    /// Largest first.
    segments: Vec<SegmentView>,
}

/// A label and how much of the image it has.
#[derive(Debug, Serialize, ToSchema)]
pub struct LabelView {
    /// As it was asked for.
    label: String,
    /// True for what can be counted, false for stuff.
    is_thing: bool,
    /// Share of the image, 0 if it does not show it.
    area: f32,
    /// How sure that is: the mean calibrated score of its pixels; none if the image does not show
    /// it.
    score: Option<f32>,
    /// To draw it in, `#rrggbb`; none if the image does not show it.
    #[schema(pattern = "^#[0-9a-f]{6}$")]
    colour: Option<String>,
}

/// Pixels that belong together.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentView {
    /// A place in `labels`.
    label: usize,
    /// True for one thing; false for all there is of a label.
    is_thing: bool,
    /// Mean calibrated score of its pixels, 0 to 1.
    score: f32,
    /// Share of the image that it covers, 0 to 1.
    area: f32,
    /// Left edge of the box around it, in pixels of the image.
    x: f32,
    /// Upper edge.
    y: f32,
    /// Width of the box.
    width: f32,
    /// Height of the box.
    height: f32,
    /// Its pixels, unless no masks were asked for.
    rle: Option<RleView>,
}

/// A mask as COCO compresses it (`pycocotools.mask.decode` reads it).
#[derive(Debug, Serialize, ToSchema)]
pub struct RleView {
    /// Height and width in pixels.
    #[schema(min_items = 2, max_items = 2)]
    size: [u32; 2],
    /// Lengths of runs outside and inside, down the columns.
    counts: String,
}

impl SegmentationView {
    /// A segmentation, with masks of `size` (width and height) if there is one.
    pub fn of(found: Segmentation, size: Option<(u32, u32)>) -> Self {
        let masks = size.map(|(width, height)| found.masks(width, height));
        let segment = |(place, segment): (usize, &glimpse_engine::Segment)| {
            let [x, y, width, height] = segment.rect.pixels(found.width, found.height);
            let rle = masks.as_ref().and_then(|masks| masks.get(place)).map(RleView::of);
            let (label, is_thing, score, area) = (segment.label, segment.is_thing, segment.score, segment.area);
            SegmentView { label, is_thing, score, area, x, y, width, height, rle }
        };
        let segments = found.segments.iter().enumerate().map(segment).collect();
        let (labels, unlabelled) = (labels_of(&found), found.unlabelled());
        Self { width: found.width, height: found.height, labels, unlabelled, segments }
    }
}

impl SegmentationView {
    /// The labels that have pixels, largest first, and the share of the image that none has.
    pub fn into_labels(self) -> (Vec<LabelView>, f32) {
        let mut labels: Vec<LabelView> = self.labels.into_iter().filter(|label| label.area > 0.0).collect();
        labels.sort_by(|a, b| b.area.total_cmp(&a.area));
        (labels, self.unlabelled)
    }
}

impl RleView {
    fn of(mask: &Mask) -> Self {
        Self { size: [mask.height(), mask.width()], counts: mask.to_coco_text() }
    }
}

/// The labels with what their segments have in common.
fn labels_of(found: &Segmentation) -> Vec<LabelView> {
    let mut sums = vec![(0f32, 0f32); found.labels.len()];
    for segment in &found.segments {
        let (area, score) = &mut sums[segment.label];
        *area += segment.area;
        *score += segment.area * segment.score;
    }
    let mut by_size: Vec<usize> = (0..sums.len()).filter(|&label| sums[label].0 > 0.0).collect();
    by_size.sort_by(|&a, &b| sums[b].0.total_cmp(&sums[a].0));
    let view = |(place, label): (usize, &glimpse_engine::SegmentLabel)| {
        let (area, score) = sums[place];
        LabelView {
            label: label.name.clone(),
            is_thing: label.is_thing,
            area,
            score: (area > 0.0).then(|| score / area),
            colour: by_size.iter().position(|&other| other == place).map(colour),
        }
    };
    found.labels.iter().enumerate().map(view).collect()
}

/// The colour of the label that is the largest but `rank`: where the named ones end, hues that each
/// lie as far as can be from those before.
fn colour(rank: usize) -> String {
    if let Some(named) = COLOURS.get(rank) {
        return (*named).to_owned();
    }
    const GOLDEN: f32 = 0.618_034;
    let hue = (rank as f32 * GOLDEN).fract() * 6.0;
    let channel = |offset: f32| {
        let at = (hue + offset) % 6.0;
        let share = (at.min(4.0 - at)).clamp(0.0, 1.0);
        (80.0 + 150.0 * share) as u8
    };
    format!("#{:02x}{:02x}{:02x}", channel(2.0), channel(0.0), channel(4.0))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use glimpse_nonempty::Every as _;

    use super::*;

    #[test]
    fn colours_differ() {
        let colours: HashSet<String> = (0..100).map(colour).collect();
        assert!(colours.len() > 95, "{}", colours.len());
        assert!(colours.iter().every(|colour| colour.len() == 7 && colour.starts_with('#')));
    }
}
