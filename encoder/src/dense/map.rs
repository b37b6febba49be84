//! The regions of one image: a label for every patch, and which leaves make up which region.

use super::config::{Affinity, DenseConfig, MAX_LEAVES};
use super::rect::Rect;
use super::ward;
use crate::{DenseGrid, Embedding};

/// Where the regions of an image are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionMap {
    rows: usize,
    cols: usize,
    /// The leaf of every cell, row by row.
    labels: Vec<u8>,
    /// The leaves of every region.
    members: Vec<u32>,
}

/// Regions and their vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Regions {
    /// Where they are.
    pub map: RegionMap,
    /// What they show, comparable with texts; one for each region.
    pub vectors: Vec<Embedding>,
}

impl RegionMap {
    /// A map from its parts; `None` if they do not fit together.
    pub fn new(rows: usize, cols: usize, labels: Vec<u8>, members: Vec<u32>) -> Option<Self> {
        let used = labels.iter().try_fold(0u32, |used, &label| Some(used | 1u32.checked_shl(label.into())?))?;
        let whole = labels.len() == rows * cols && !labels.is_empty();
        let sound = members.iter().all(|&set| set != 0 && set & !used == 0);
        (whole && sound).then_some(Self { rows, cols, labels, members })
    }

    /// Patch rows of the grid.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Patch columns of the grid.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The leaf of every patch, row by row.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The leaves of every region, as bits: leaves first, then their merges.
    pub fn members(&self) -> &[u32] {
        &self.members
    }

    /// Number of regions.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Patches of a region, row by row.
    pub fn cells(&self, region: usize) -> impl Iterator<Item = usize> + '_ {
        let set = self.members[region];
        self.labels.iter().enumerate().filter(move |(_, label)| set >> **label & 1 == 1).map(|(cell, _)| cell)
    }

    /// Share of the image that a region covers.
    pub fn area(&self, region: usize) -> f32 {
        self.cells(region).count() as f32 / self.labels.len() as f32
    }

    /// The box around a region.
    pub fn rect(&self, region: usize) -> Rect {
        let (mut top, mut left, mut bottom, mut right) = (self.rows, self.cols, 0, 0);
        for cell in self.cells(region) {
            let (row, col) = (cell / self.cols, cell % self.cols);
            (top, bottom) = (top.min(row), bottom.max(row + 1));
            (left, right) = (left.min(col), right.max(col + 1));
        }
        let (rows, cols) = (self.rows as f32, self.cols as f32);
        Rect {
            left: left as f32 / cols,
            top: top as f32 / rows,
            right: right as f32 / cols,
            bottom: bottom as f32 / rows,
        }
    }

    /// Appends the mean of a region's rows of `values`, `(rows * cols, dim)`, to `out`.
    pub(super) fn mean(&self, region: usize, values: &[f32], out: &mut Vec<f32>) {
        let dim = values.len() / self.labels.len();
        let start = out.len();
        out.resize(start + dim, 0.0);
        let mut count = 0;
        for cell in self.cells(region) {
            count += 1;
            out[start..].iter_mut().zip(&values[cell * dim..]).for_each(|(sum, value)| *sum += value);
        }
        out[start..].iter_mut().for_each(|sum| *sum /= count.max(1) as f32);
    }
}

/// Cuts a grid into nested regions.
pub(super) fn segment(grid: &DenseGrid, config: &DenseConfig) -> RegionMap {
    let (rows, cols) = (grid.rows, grid.cols);
    let features = unit_rows(
        match config.affinity {
            Affinity::Tokens => &grid.tokens,
            Affinity::Aligned => &grid.aligned,
        },
        grid.dim,
    );
    let room = (rows * cols / config.patches_per_leaf.max(1)).max(1);
    let leaves = config.leaves.clamp(1, MAX_LEAVES).min(room);
    let nested = ward::cluster(&features, rows, cols, leaves, config.smallest);
    RegionMap { rows, cols, labels: nested.labels, members: nested.members }
}

/// Rows brought to length 1, so that Ward compares directions.
fn unit_rows(values: &[f32], dim: usize) -> Vec<f32> {
    let mut rows = values.to_vec();
    for row in rows.chunks_exact_mut(dim) {
        let length = crate::dot(row, row).sqrt().max(f32::MIN_POSITIVE);
        row.iter_mut().for_each(|value| *value /= length);
    }
    rows
}
