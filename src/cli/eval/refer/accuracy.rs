//! How often a box is the right one.

use serde::Serialize;

use super::super::share;

/// Sums over expressions.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(into = "Shares")]
pub struct Accuracy {
    asked: f64,
    right: f64,
    near: f64,
    overlap: f64,
}

/// Shares of expressions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shares {
    /// Boxes that overlap the true one by 0.5.
    pub acc_at_05: f64,
    /// By 0.75.
    pub acc_at_075: f64,
    /// Mean overlap.
    pub mean_iou: f64,
}

impl Accuracy {
    /// Adds a box and the true one, each left, top, width and height; none if there is no box.
    pub fn add(&mut self, found: Option<[f64; 4]>, truth: [f64; 4]) {
        let overlap = found.map_or(0.0, |found| overlap(found, truth));
        self.asked += 1.0;
        self.right += f64::from(u8::from(overlap >= 0.5));
        self.near += f64::from(u8::from(overlap >= 0.75));
        self.overlap += overlap;
    }
}

impl From<Accuracy> for Shares {
    fn from(sums: Accuracy) -> Self {
        let of = |sum: f64| share(sum, sums.asked);
        Self { acc_at_05: of(sums.right), acc_at_075: of(sums.near), mean_iou: of(sums.overlap) }
    }
}

/// Intersection over union.
fn overlap(a: [f64; 4], b: [f64; 4]) -> f64 {
    let common = |at: usize| ((a[at] + a[at + 2]).min(b[at] + b[at + 2]) - a[at].max(b[at])).max(0.0);
    let both = common(0) * common(1);
    share(both, a[2] * a[3] + b[2] * b[3] - both)
}
