//! Panoptic quality (Kirillov et al., CVPR 2019), with the rules of panopticapi: segments match
//! from an overlap above one half, void pixels leave unions, and what lies mostly on void or on a
//! crowd of its category is no false alarm.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::super::pixel_truth::TrueSegment;

/// Counts of each category.
pub struct PanopticQuality {
    counts: Vec<Counts>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    matched: u64,
    /// Sum of the overlaps of what matched.
    overlap: f64,
    false_alarms: u64,
    missed: u64,
}

/// Means over categories.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Quality {
    /// Segmentation quality times recognition quality, category by category.
    pub pq: f64,
    /// Mean overlap of what matched.
    pub sq: f64,
    /// F1 of what matched.
    pub rq: f64,
    /// Categories that are there or predicted.
    pub categories: usize,
}

/// A predicted segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictedSegment {
    /// In the list of pixels.
    pub id: u32,
    pub category: usize,
}

impl PanopticQuality {
    pub fn new(categories: usize) -> Self {
        Self { counts: vec![Counts::default(); categories] }
    }

    /// Adds an image: the segment of each pixel, 0 for none, and what the segments are. Pixels of
    /// predictions that are not listed count as none.
    pub fn add(&mut self, truth: (&[u32], &[TrueSegment]), predicted: (&[u32], &[PredictedSegment])) {
        let mut common: HashMap<(u32, u32), u64> = HashMap::new();
        let mut areas: HashMap<u32, u64> = HashMap::new();
        for (&of_truth, &of_prediction) in truth.0.iter().zip(predicted.0) {
            *common.entry((of_truth, of_prediction)).or_default() += 1;
            *areas.entry(of_prediction).or_default() += 1;
        }
        let shared = |of_truth: u32, of_prediction: u32| common.get(&(of_truth, of_prediction)).copied().unwrap_or(0);
        let area = |segment: &PredictedSegment| areas.get(&segment.id).copied().unwrap_or(0);
        let (mut found, mut explained) = (HashSet::new(), HashSet::new());
        for segment in truth.1.iter().filter(|segment| !segment.is_crowd) {
            for other in predicted.1.iter().filter(|other| other.category == segment.category) {
                let both = shared(segment.id, other.id);
                let union = (area(other) + segment.area).saturating_sub(both + shared(0, other.id));
                let overlap = both as f64 / union.max(1) as f64;
                if overlap > 0.5 {
                    let counts = &mut self.counts[segment.category];
                    counts.matched += 1;
                    counts.overlap += overlap;
                    found.insert(segment.id);
                    explained.insert(other.id);
                }
            }
        }
        let mut crowds: HashMap<usize, u32> = HashMap::new();
        for segment in truth.1.iter().filter(|segment| !found.contains(&segment.id)) {
            match segment.is_crowd {
                true => _ = crowds.insert(segment.category, segment.id),
                false => self.counts[segment.category].missed += 1,
            }
        }
        for other in predicted.1.iter().filter(|other| !explained.contains(&other.id) && area(other) > 0) {
            let crowd = crowds.get(&other.category).map_or(0, |&crowd| shared(crowd, other.id));
            let excused = shared(0, other.id) + crowd;
            if excused as f64 / area(other) as f64 <= 0.5 {
                self.counts[other.category].false_alarms += 1;
            }
        }
    }

    /// The quality of one category; `None` if it is neither there nor predicted.
    pub fn of(&self, category: usize) -> Option<Quality> {
        let Counts { matched, overlap, false_alarms, missed } = self.counts[category];
        if matched + false_alarms + missed == 0 {
            return None;
        }
        let all = matched as f64 + 0.5 * false_alarms as f64 + 0.5 * missed as f64;
        let sq = if matched > 0 { overlap / matched as f64 } else { 0.0 };
        Some(Quality { pq: overlap / all, sq, rq: matched as f64 / all, categories: 1 })
    }

    /// The means over some categories.
    pub fn mean(&self, is_meant: impl Fn(usize) -> bool) -> Quality {
        let all =
            (0..self.counts.len()).filter(|&category| is_meant(category)).filter_map(|category| self.of(category));
        let mut mean = all.fold(Quality::default(), |sum, one| Quality {
            pq: sum.pq + one.pq,
            sq: sum.sq + one.sq,
            rq: sum.rq + one.rq,
            categories: sum.categories + 1,
        });
        let count = mean.categories.max(1) as f64;
        for value in [&mut mean.pq, &mut mean.sq, &mut mean.rq] {
            *value /= count;
        }
        mean
    }
}
