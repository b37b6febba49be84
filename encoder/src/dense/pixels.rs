//! Maps of an image's pixels: how well each place fits a text, finer than the patches of one pass.
//!
//! The image is read at once, and in overlapping windows of several sizes: small things are seen in
//! small windows, and large ones whole in large ones (sliding windows as SPAR, 2604.02252, has
//! them, of more than one size). What is said of a place is pooled over all windows that show it,
//! those that are surest counting most.

use image::RgbImage;
use image::imageops::crop_imm;

use super::rect::Rect;
use super::registers::inpaint_registers;
use crate::{Encode, EncodeError, Outputs, PixelInput};

/// Most windows along the longer side of an image if they stood side by side: those of a very long
/// image are larger.
const MOST: usize = 24;
/// Most windows along a side; where there would be more, they advance by more.
const MOST_STEPS: f32 = 32.0;
/// Windows along the shorter side, size by size.
const SIZES: [f32; 6] = [1.5, 2.0, 3.0, 4.0, 6.0, 8.0];
/// Windows per encoder call.
const BATCH: usize = 16;

/// How closely the pixels of an image are looked at. `benches/RESULTS-segment.md` has what each
/// choice is worth.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PixelConfig {
    /// Windows along the shorter side if the smallest ones stood side by side; 1 reads the image at
    /// once. Windows of other sizes lie between, each some two thirds of the next larger one.
    pub detail: f32,
    /// How far windows advance, in sides of a window.
    pub stride: f32,
    /// Whether edges of maps follow those of the image.
    pub edges: bool,
}

impl Default for PixelConfig {
    fn default() -> Self {
        Self { detail: 2.0, stride: 0.5, edges: true }
    }
}

impl PixelConfig {
    /// The patches of one pass, and nothing else.
    pub const PATCHES: Self = Self { detail: 1.0, stride: 1.0, edges: false };
}

/// The text-aligned vectors of an image, window by window.
pub struct PixelFeatures {
    dim: usize,
    /// How much the surest windows count: the scale of the model's own logits.
    sharpness: f32,
    windows: Vec<Window>,
}

/// A part of the image and its patches.
struct Window {
    rect: Rect,
    /// What it counts: the image as a whole as much as all windows of one size that show a place.
    weight: f32,
    rows: usize,
    cols: usize,
    /// Unit vectors, `rows * cols * dim` values.
    vectors: Vec<f32>,
}

impl PixelFeatures {
    /// Reads an image in windows. `registers` are the slots of [`super::DenseProfile`]; `go_on` is
    /// asked before each batch.
    ///
    /// # Errors
    /// If the image has no pixels, the model fails, or `go_on` says so.
    pub fn of<E: From<EncodeError>>(
        encoder: &dyn Encode,
        image: &RgbImage,
        registers: &[usize],
        config: &PixelConfig,
        go_on: impl Fn() -> Result<(), E>,
    ) -> Result<Self, E> {
        let rects = rects(image.width(), image.height(), config);
        let mut windows = Vec::with_capacity(rects.len());
        for batch in rects.chunks(BATCH) {
            go_on()?;
            let prepared = batch.iter().map(|rect| prepare(encoder, image, rect));
            let prepared = prepared.collect::<Result<Vec<_>, EncodeError>>()?;
            let grids = encoder.encode_images(&prepared, Outputs::Dense)?;
            for (rect, features) in batch.iter().zip(grids) {
                let lost = || EncodeError::Backend { stage: "dense features", reason: "the model gave no grid".into() };
                let mut grid = features.dense.ok_or_else(lost)?;
                inpaint_registers(&mut grid, registers);
                for patch in grid.aligned.chunks_exact_mut(grid.dim) {
                    let length = crate::dot(patch, patch).sqrt().max(f32::MIN_POSITIVE);
                    patch.iter_mut().for_each(|value| *value /= length);
                }
                let weight = if *rect == Rect::WHOLE { config.stride.clamp(0.01, 1.0).powi(-2) } else { 1.0 };
                windows.push(Window { rect: *rect, weight, rows: grid.rows, cols: grid.cols, vectors: grid.aligned });
            }
        }
        let info = encoder.info();
        Ok(Self { dim: info.dim, sharpness: info.scoring.scale.max(1.0), windows })
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        self.windows.iter().map(|window| size_of_val(window.vectors.as_slice())).sum()
    }

    /// Number of windows, which is that of passes.
    pub fn windows(&self) -> usize {
        self.windows.len()
    }

    /// The patches of all windows with one direction: their inner products.
    ///
    /// # Panics
    /// If the direction is not as wide as the model.
    pub fn products(&self, direction: &[f32]) -> Products {
        assert_eq!(direction.len(), self.dim, "a direction of another width than the patches");
        let of =
            |window: &Window| window.vectors.chunks_exact(self.dim).map(|patch| crate::dot(patch, direction)).collect();
        Products(self.windows.iter().map(of).collect())
    }

    /// The same at `width * height` places of the image, row by row: patch values stand at the
    /// middles of patches, with values in between. Windows are pooled as logits are: the logarithm
    /// of the mean exponential, to which the middle of a window adds more than its border.
    pub fn map(&self, products: &Products, width: usize, height: usize) -> Vec<f32> {
        let highest = products.largest().unwrap_or(0.0);
        let (mut sums, mut weights) = (vec![0.0; width * height], vec![0.0; width * height]);
        for (window, values) in self.windows.iter().zip(&products.0) {
            let columns = places(window.rect.left, window.rect.right, window.cols, width);
            for row in places(window.rect.top, window.rect.bottom, window.rows, height) {
                let (above, below) = (row.low * window.cols, row.high * window.cols);
                for col in &columns {
                    let between = |line: usize| {
                        let (a, b) = (values[line + col.low], values[line + col.high]);
                        a + col.part * (b - a)
                    };
                    let (upper, lower) = (between(above), between(below));
                    let (at, weight) = (row.at * width + col.at, window.weight * row.weight * col.weight);
                    let value = upper + row.part * (lower - upper);
                    sums[at] += weight * (self.sharpness * (value - highest)).exp();
                    weights[at] += weight;
                }
            }
        }
        let pooled = |(sum, weight): (f32, f32)| highest + (sum / weight).max(f32::MIN_POSITIVE).ln() / self.sharpness;
        sums.into_iter().zip(weights).map(pooled).collect()
    }
}

/// Inner products of patches, window by window.
#[derive(Debug, Clone, PartialEq)]
pub struct Products(Vec<Vec<f32>>);

impl Products {
    /// The largest; `None` if there are no patches.
    pub fn largest(&self) -> Option<f32> {
        self.0.iter().flatten().copied().reduce(f32::max)
    }
}

/// A place of a map along one side, between two patches of a window.
struct Place {
    at: usize,
    low: usize,
    high: usize,
    part: f32,
    weight: f32,
}

/// The places of `length` whose middle lies in a window from `start` to `end`, shares of the image.
fn places(start: f32, end: f32, patches: usize, length: usize) -> Vec<Place> {
    /// What the border of a window counts beside its middle.
    const BORDER: f32 = 0.1;
    let (first, last) = (start * length as f32, end * length as f32);
    let all = (first - 0.5).ceil().max(0.0) as usize..((last - 0.5).floor().max(0.0) as usize + 1).min(length);
    let place = |at: usize| {
        let share = (at as f32 + 0.5 - first) / (last - first).max(f32::MIN_POSITIVE);
        let patch = (share * patches as f32 - 0.5).clamp(0.0, (patches - 1) as f32);
        let low = patch as usize;
        let weight = BORDER + 1.0 - (2.0 * share - 1.0).abs().min(1.0);
        Place { at, low, high: (low + 1).min(patches - 1), part: patch.fract(), weight }
    };
    all.map(place).collect()
}

/// The image itself, then its windows, larger ones first.
fn rects(width: u32, height: u32, config: &PixelConfig) -> Vec<Rect> {
    let coarser = SIZES.into_iter().take_while(|size| *size < config.detail);
    let finest = (config.detail > 1.0).then_some(config.detail);
    let windows = coarser.chain(finest).flat_map(|detail| windows(width, height, detail, config.stride));
    std::iter::once(Rect::WHOLE).chain(windows).collect()
}

/// The windows of one size.
fn windows(width: u32, height: u32, detail: f32, stride: f32) -> Vec<Rect> {
    let (short, long) = (width.min(height) as f32, width.max(height) as f32);
    let side = (short / detail).max(long / MOST as f32);
    let (across, down) = (starts(width as f32, side, stride), starts(height as f32, side, stride));
    let (wide, high) = (side / width as f32, side / height as f32);
    let rows = down.into_iter().map(|top| top / height as f32);
    let rect = |left: f32, top: f32| Rect { left, top, right: (left + wide).min(1.0), bottom: (top + high).min(1.0) };
    rows.flat_map(|top| across.iter().map(move |left| rect(left / width as f32, top)).collect::<Vec<_>>()).collect()
}

/// Where windows of `side` begin that cover `length`, evenly spaced and no further apart than
/// `stride` sides.
fn starts(length: f32, side: f32, stride: f32) -> Vec<f32> {
    let room = (length - side).max(0.0);
    let fewest = (room / side).ceil();
    let steps = (room / (stride.clamp(0.01, 1.0) * side)).ceil().min(MOST_STEPS.max(fewest));
    (0..=steps as usize).map(|step| if step == 0 { 0.0 } else { room * step as f32 / steps }).collect()
}

fn prepare(encoder: &dyn Encode, image: &RgbImage, rect: &Rect) -> Result<PixelInput, EncodeError> {
    if *rect == Rect::WHOLE {
        return encoder.prepare(image);
    }
    let [x, y, wide, high] = rect.pixels(image.width(), image.height()).map(|side| side.round() as u32);
    let window = crop_imm(image, x, y, wide.max(1), high.max(1)).to_image();
    encoder.prepare(&window)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;
    use image::Rgb;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::FakeEncoder;

    fn go_on() -> Result<(), EncodeError> {
        Ok(())
    }

    #[test]
    fn a_map_follows_what_windows_show() {
        let image = RgbImage::from_fn(120, 80, |x, _| if x < 50 { Rgb([220, 20, 20]) } else { Rgb([20, 20, 220]) });
        let encoder = FakeEncoder::new(32);
        let red = encoder.encode_texts(&["red"]).unwrap().remove(0);
        let wrong = |config: &PixelConfig| {
            let features = PixelFeatures::of(&encoder, &image, &[], config, go_on).unwrap();
            let map = features.map(&features.products(red.as_slice()), 60, 40);
            let (most, least) = map.iter().fold((f32::MIN, f32::MAX), |(a, b), &v| (a.max(v), b.min(v)));
            let is_red = |i: usize| map[i] > (most + least) / 2.0;
            (features.windows(), (0..2400).filter(|&i| is_red(i) != (i % 60 < 25)).count())
        };
        let (one, coarse) = wrong(&PixelConfig::PATCHES);
        let (many, fine) = wrong(&PixelConfig { detail: 2.0, ..PixelConfig::default() });
        assert!(one == 1 && many > 12, "{many} windows");
        assert!(fine < coarse, "{fine} of 2400 places are wrong, {coarse} by one pass");
    }

    #[test]
    fn a_question_that_is_given_up_ends_the_reading() {
        let image = RgbImage::new(64, 64);
        let stop = || Err(EncodeError::Backend { stage: "test", reason: "enough".into() });
        assert!(PixelFeatures::of(&FakeEncoder::new(16), &image, &[], &PixelConfig::default(), stop).is_err());
    }

    proptest! {
        #[test]
        fn windows_cover_every_place(
            (width, height) in (1u32..400, 1u32..400),
            (detail, stride) in (1f32..5.0, 0.05f32..1.0),
            (across, down) in (1usize..40, 1usize..40),
        ) {
            let mut covered = vec![false; across * down];
            for rect in each(windows(width, height, detail, stride)) {
                prop_assert!(rect.left >= 0.0 && rect.top >= 0.0 && rect.right <= 1.0 && rect.bottom <= 1.0);
                let columns = places(rect.left, rect.right, 7, across);
                for row in places(rect.top, rect.bottom, 7, down) {
                    columns.iter().for_each(|col| covered[row.at * across + col.at] = true);
                }
            }
            prop_assert_eq!(covered.iter().filter(|seen| !**seen).count(), 0);
        }
    }
}
