//! How far answers are from the truth, over all pixels that are known.

use serde::Serialize;

use super::super::confusion::Confusion;
use super::super::share;
use super::targets::{Pixels, Targets};

/// Sums over images.
pub enum Measures {
    Segmentation(Confusion),
    Depth(Distances),
    Normals(Angles),
}

#[derive(Debug, Default)]
pub struct Distances {
    squared: f64,
    relative: f64,
    near: f64,
    count: f64,
}

#[derive(Debug, Default)]
pub struct Angles {
    sum: f64,
    squared: f64,
    within: [f64; 3],
    count: f64,
}

/// What comes of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Figures {
    Segmentation {
        /// Mean intersection over union of the categories.
        mean_iou: f64,
        /// Share of right pixels.
        pixel_accuracy: f64,
    },
    Depth {
        /// Root of the mean squared error, in the unit of the data.
        rmse: f64,
        /// Mean error as a share of the distance.
        abs_rel: f64,
        /// Share of pixels that are wrong by less than a factor of 1.25.
        delta_1: f64,
    },
    Normals {
        /// In degrees.
        mean_angular_error: f64,
        /// Root of the mean squared angle, in degrees.
        rmse: f64,
        /// Share of pixels that are wrong by less than 11.25, 22.5 and 30 degrees.
        within_11_22_30: [f64; 3],
    },
}

/// Smallest distance of an answer, as a share of a unit: ratios need one above 0.
const NEAREST: f64 = 1e-3;

impl Measures {
    /// For truths of this kind.
    pub fn of(targets: &Targets) -> Self {
        match &targets.pixels {
            Pixels::Categories { count, .. } => Self::Segmentation(Confusion::new(*count)),
            Pixels::Depth(_) => Self::Depth(Distances::default()),
            Pixels::Normals(_) => Self::Normals(Angles::default()),
        }
    }

    /// Adds an image: its answers are `(height * width, outputs)`. A truth of another kind than the
    /// first adds nothing.
    pub fn add(&mut self, targets: &Targets, answers: &[f64]) {
        match (self, &targets.pixels) {
            (Self::Segmentation(confusion), Pixels::Categories { of, count }) => {
                confusion.add(of, answers.chunks_exact(*count).map(largest));
            }
            (Self::Depth(distances), Pixels::Depth(truth)) => {
                let known = truth.iter().zip(answers).filter(|(truth, _)| **truth > 0.0);
                known.for_each(|(&truth, &answer)| distances.add(truth, answer));
            }
            (Self::Normals(angles), Pixels::Normals(truth)) => {
                let known = truth.iter().zip(answers.chunks_exact(3)).filter(|(truth, _)| **truth != [0.0; 3]);
                known.for_each(|(truth, answer)| angles.add(truth, answer));
            }
            _ => {}
        }
    }

    pub fn figures(&self) -> Figures {
        match self {
            Self::Segmentation(confusion) => {
                Figures::Segmentation { mean_iou: confusion.mean_iou(), pixel_accuracy: confusion.pixel_accuracy() }
            }
            Self::Depth(Distances { squared, relative, near, count }) => Figures::Depth {
                rmse: share(*squared, *count).sqrt(),
                abs_rel: share(*relative, *count),
                delta_1: share(*near, *count),
            },
            Self::Normals(Angles { sum, squared, within, count }) => Figures::Normals {
                mean_angular_error: share(*sum, *count),
                rmse: share(*squared, *count).sqrt(),
                within_11_22_30: within.map(|within| share(within, *count)),
            },
        }
    }
}

impl Distances {
    fn add(&mut self, truth: f64, answer: f64) {
        let (error, answer) = (answer - truth, answer.max(NEAREST));
        self.squared += error * error;
        self.relative += error.abs() / truth;
        self.near += f64::from(u8::from((answer / truth).max(truth / answer) < 1.25));
        self.count += 1.0;
    }
}

impl Angles {
    fn add(&mut self, truth: &[f64; 3], answer: &[f64]) {
        let length = answer.iter().map(|value| value * value).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        let cosine: f64 = truth.iter().zip(answer).map(|(a, b)| a * b / length).sum();
        let angle = cosine.clamp(-1.0, 1.0).acos().to_degrees();
        self.sum += angle;
        self.squared += angle * angle;
        for (within, most) in self.within.iter_mut().zip([11.25, 22.5, 30.0]) {
            *within += f64::from(u8::from(angle < most));
        }
        self.count += 1.0;
    }
}

/// The place of the largest value, the first of equal ones.
fn largest(values: &[f64]) -> u16 {
    let mut best = 0;
    for (place, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = place;
        }
    }
    best as u16
}
