//! Pixels by true and predicted category, summed over all images: the mean intersection over union,
//! and the share of right pixels.

use super::pixel_truth::VOID;

/// Pixels of each category: in the truth, predicted, and both. Pixels whose truth is void are left
/// out.
pub struct Confusion {
    of_truth: Vec<u64>,
    predicted: Vec<u64>,
    both: Vec<u64>,
    counted: u64,
}

impl Confusion {
    pub fn new(categories: usize) -> Self {
        let zero = || vec![0; categories];
        Self { of_truth: zero(), predicted: zero(), both: zero(), counted: 0 }
    }

    /// Adds an image, pixel by pixel; a prediction that is [`VOID`] is wrong.
    pub fn add(&mut self, truth: &[u16], predicted: impl Iterator<Item = u16>) {
        for (&truth, predicted) in truth.iter().zip(predicted).filter(|(truth, _)| **truth != VOID) {
            self.counted += 1;
            self.of_truth[usize::from(truth)] += 1;
            if predicted != VOID {
                self.predicted[usize::from(predicted)] += 1;
            }
            if predicted == truth {
                self.both[usize::from(truth)] += 1;
            }
        }
    }

    /// Intersection over union of a category; `None` if neither truth nor prediction has it.
    pub fn iou(&self, category: usize) -> Option<f64> {
        let union = self.of_truth[category] + self.predicted[category] - self.both[category];
        (union > 0).then(|| self.both[category] as f64 / union as f64)
    }

    /// The mean over categories that have one.
    pub fn mean_iou(&self) -> f64 {
        let all: Vec<f64> = (0..self.both.len()).filter_map(|category| self.iou(category)).collect();
        if all.is_empty() { 0.0 } else { all.iter().sum::<f64>() / all.len() as f64 }
    }

    /// Share of right pixels.
    pub fn pixel_accuracy(&self) -> f64 {
        self.both.iter().sum::<u64>() as f64 / self.counted.max(1) as f64
    }
}
