//! Pixels with a label that is not theirs: one that the image shows elsewhere, or not at all.

use super::super::pixel_truth::{TrueMap, VOID};

/// Counts over all images. Pixels whose truth is void are left out.
#[derive(Debug, Default)]
pub struct Astray {
    none: Option<u16>,
    misplaced: u64,
    absent: u64,
    counted: u64,
}

impl Astray {
    /// `none` is the category that stands for no label.
    pub fn new(none: Option<usize>) -> Self {
        Self { none: none.map(|none| none as u16), ..Self::default() }
    }

    /// Adds an image, pixel by pixel.
    pub fn add(&mut self, truth: &TrueMap, predicted: impl Iterator<Item = u16>) {
        let shown = truth.shown();
        for (&truth, predicted) in truth.categories.iter().zip(predicted).filter(|(truth, _)| **truth != VOID) {
            self.counted += 1;
            if predicted == truth || predicted == VOID || Some(predicted) == self.none {
                continue;
            }
            match shown.contains(&predicted.into()) {
                true => self.misplaced += 1,
                false => self.absent += 1,
            }
        }
    }

    /// Share of pixels with a label that the image shows elsewhere.
    pub fn misplaced(&self) -> f64 {
        self.misplaced as f64 / self.counted.max(1) as f64
    }

    /// Share of pixels with a label that the image does not show.
    pub fn absent(&self) -> f64 {
        self.absent as f64 / self.counted.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_other_pixels_and_of_other_images_are_told_apart() {
        let truth = TrueMap { width: 6, height: 1, categories: vec![0, 0, 1, 1, 2, VOID], segments: None };
        let mut astray = Astray::new(Some(2));
        astray.add(&truth, [0, 1, 3, 2, VOID, 3].into_iter());
        assert_eq!((astray.misplaced(), astray.absent()), (0.2, 0.2));
    }
}
