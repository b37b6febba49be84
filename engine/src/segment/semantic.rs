//! The label of each pixel.

use glimpse_encoder::dense::Products;

use super::options::SegmentOptions;
use super::segmentation::LabelMap;
use crate::regions::{PixelImage, QueryScorer};
use crate::{Cancel, EngineError};

/// A label that some patch fits.
pub(super) struct Candidate<'a> {
    label: usize,
    scorer: &'a QueryScorer,
    /// What the whole image adds to each product.
    image: f32,
    products: Products,
    /// What products of unit directions are to be multiplied with.
    length: f32,
}

impl<'a> Candidate<'a> {
    /// A label at the patches of an image; `None` if no patch reaches `min_score`, as then no place
    /// between patches does.
    pub fn of(label: usize, scorer: &'a QueryScorer, image: f32, pixels: &PixelImage, min_score: f32) -> Option<Self> {
        let (direction, length) = scorer.scale.direction();
        let products = pixels.features.products(&direction);
        let best = products.largest()?;
        (scorer.score(best * length, image) >= min_score).then_some(Self { label, scorer, image, products, length })
    }

    /// Its scores, pixel by pixel; 0 where one below `min_score` stands out by less than [`NEAR`]
    /// of what the best place does.
    fn scores(&self, pixels: &PixelImage, min_score: f32) -> Vec<f32> {
        let map = pixels.map(&self.products);
        let z = |product: f32| self.scorer.z(product * self.length, self.image);
        let least = NEAR * map.iter().copied().reduce(f32::max).map_or(0.0, z);
        let score = |product: f32| {
            let score = self.scorer.score(product * self.length, self.image);
            if score >= min_score || z(product) >= least { score } else { 0.0 }
        };
        map.into_iter().map(score).collect()
    }
}

/// Score, as a share of [`SegmentOptions::min_score`], from which pixels belong to a part that has
/// a pixel of that score: what shows a thing is seldom all of it equally sure.
const WEAK: f32 = 0.1;

/// Share of the standard deviations by which the best place of a label stands out, from which such
/// pixels stand out too: a sure thing does not spread over what is only a little like it.
const NEAR: f32 = 0.3;

/// The best label of each pixel, and none where no score reaches [`WEAK`]. Parts of which no pixel
/// reaches [`SegmentOptions::min_score`] are left to [`super::panoptic`].
///
/// # Errors
/// If the question is given up.
pub(super) fn label_map(
    candidates: &[Candidate<'_>],
    pixels: &PixelImage,
    options: &SegmentOptions,
    cancel: &Cancel,
) -> Result<LabelMap, EngineError> {
    let count = (pixels.width * pixels.height) as usize;
    let (mut labels, mut best) = (vec![0u16; count], vec![0f32; count]);
    for candidate in candidates {
        cancel.check()?;
        for ((label, best), score) in labels.iter_mut().zip(&mut best).zip(candidate.scores(pixels, options.min_score))
        {
            if score > *best {
                (*label, *best) = (candidate.label as u16 + 1, score);
            }
        }
    }
    for (label, best) in labels.iter_mut().zip(&mut best) {
        if *best < WEAK * options.min_score || *label == 0 {
            (*label, *best) = (0, 1.0 - *best);
        }
    }
    let (width, height) = (pixels.width, pixels.height);
    Ok(LabelMap { width, height, labels, confidence: best, segments: Vec::new() })
}
