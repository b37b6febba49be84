//! The answer: a map of labels, and its segments.

use glimpse_encoder::dense::{Mask, Rect};

/// What every pixel of an image shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Segmentation {
    /// Upright width of the image in pixels.
    pub width: u32,
    /// Upright height of the image in pixels.
    pub height: u32,
    /// What was asked for, in order.
    pub labels: Vec<SegmentLabel>,
    /// The map, at the size that was worked at.
    pub map: LabelMap,
    /// Its segments, largest first; the first one has the id 1 in the map.
    pub segments: Vec<Segment>,
    /// How often the model looked at the image for it.
    pub passes: usize,
}

/// A label that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SegmentLabel {
    /// As it was given.
    pub name: String,
    /// True for what can be counted, false for stuff.
    pub is_thing: bool,
}

/// A map of an image: `width * height` pixels row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelMap {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The label of each pixel: its place among those asked for and 1, 0 for none of them.
    pub labels: Vec<u16>,
    /// How sure that is, 0 to 1: the calibrated score of the label; where there is none, the
    /// probability that the best one is wrong.
    pub confidence: Vec<f32>,
    /// The segment of each pixel: its place in [`Segmentation::segments`] and 1, 0 for none.
    pub segments: Vec<u32>,
}

/// Pixels that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// The place of its label in [`Segmentation::labels`].
    pub label: usize,
    /// True for one thing; false for all there is of a stuff, and of any label if the segmentation
    /// is not panoptic.
    pub is_thing: bool,
    /// Mean confidence of its pixels.
    pub score: f32,
    /// Share of the image that it covers.
    pub area: f32,
    /// The box around it.
    pub rect: Rect,
}

impl Segmentation {
    /// The masks of the segments in an image of `width x height` pixels, in order:
    /// [`Segmentation::width`] and [`Segmentation::height`] for those of the image, those of the
    /// map for the map as it is.
    pub fn masks(&self, width: u32, height: u32) -> Vec<Mask> {
        let at = self.map.places(width, height);
        Mask::of_ids(width, height, self.segments.len(), |x, y| self.map.segments[at(x, y)])
    }

    /// Pixel by pixel of an image of `width x height`, row by row, what a value of the map is
    /// there: `values` are [`LabelMap::labels`] or another list of the map's size.
    pub fn stretched<T: Copy>(&self, values: &[T], width: u32, height: u32) -> Vec<T> {
        let at = self.map.places(width, height);
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| values[at(x, y)]).collect()
    }

    /// Share of the image that no label fits.
    pub fn unlabelled(&self) -> f32 {
        let none = self.map.labels.iter().filter(|&&label| label == 0).count();
        none as f32 / self.map.labels.len().max(1) as f32
    }
}

impl LabelMap {
    /// The pixel of the map that is nearest to one of an image of `width x height`.
    fn places(&self, width: u32, height: u32) -> impl Fn(u32, u32) -> usize + Copy {
        let near = |at: u32, of: u32, mine: u32| (2 * u64::from(at) + 1) * u64::from(mine) / (2 * u64::from(of.max(1)));
        let (own_width, own_height) = (self.width, self.height);
        move |x, y| (near(y, height, own_height) * u64::from(own_width) + near(x, width, own_width)) as usize
    }
}
