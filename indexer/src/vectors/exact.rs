//! The exact scan: every vector is compared with the query.
//!
//! It is the reference that graphs are measured by, what they take their scores from, and the faster way wherever few
//! vectors are left after filtering.

use std::collections::HashMap;
use std::ops::Range;

use parking_lot::{RwLock, RwLockReadGuard};
use rayon::prelude::*;

use super::arena::{Arena, BLOCK_ROWS};
use super::dot::MAX_WIDTH;
use super::quant::QueryPlanes;
use super::top::Top;
use super::{Kernel, Quantised, Scored, VectorIndex, check_width, no_direction};
use crate::{IdSet, ImageId, IndexError};

/// Bytes of vectors above which a scan is spread over threads: below, handing out the work takes longer than the scan.
const PARALLEL_BYTES: usize = 2 << 20;

/// int8 vectors in memory, scanned whole.
#[derive(Debug)]
pub struct ExactScan {
    dim: usize,
    kernel: Kernel,
    rows: RwLock<Rows>,
}

#[derive(Debug)]
struct Rows {
    arena: Arena,
    /// Who owns a slot.
    ids: Vec<ImageId>,
    slots: HashMap<ImageId, usize>,
}

impl ExactScan {
    /// An empty scan for vectors of `dim` components.
    ///
    /// # Panics
    /// If `dim` is 0 or above 65,536.
    pub fn new(dim: usize) -> Self {
        Self::with_kernel(dim, Kernel::best())
    }

    /// As [`ExactScan::new`] with a given kernel, for comparisons.
    ///
    /// # Panics
    /// If `dim` is 0 or above 65,536.
    pub fn with_kernel(dim: usize, kernel: Kernel) -> Self {
        assert!((1..=MAX_WIDTH).contains(&dim), "vectors of {dim} components");
        let rows = Rows { arena: Arena::new(dim), ids: Vec::new(), slots: HashMap::new() };
        Self { dim, kernel, rows: RwLock::new(rows) }
    }

    /// Components of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The kernel in use.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Adds or replaces a vector that is quantised already, as when an index is opened.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`].
    pub fn add_quantised(&self, id: ImageId, vector: &Quantised) -> Result<(), IndexError> {
        check_width(self.dim, vector.values.len())?;
        self.rows.write().put(id, vector);
        Ok(())
    }

    /// The stored vector of a picture.
    pub fn get(&self, id: ImageId) -> Option<Quantised> {
        let rows = self.read();
        rows.slots.get(&id).map(|&slot| rows.arena.get(slot))
    }

    /// True if the picture has a vector here.
    pub fn contains(&self, id: ImageId) -> bool {
        self.read().slots.contains_key(&id)
    }

    /// Every picture with a vector, in no order.
    pub fn ids(&self) -> Vec<ImageId> {
        self.read().ids.clone()
    }

    /// Cosine of `query` with every vector, in no order.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`], or if the query has no direction.
    pub fn score_all(&self, query: &[f32]) -> Result<Vec<Scored>, IndexError> {
        let rows = self.read();
        let scan = self.scan(&rows, query)?;
        let parts = scan.over_blocks(|slots| slots.map(|slot| scan.score(slot)).collect::<Vec<_>>());
        Ok(parts.concat())
    }

    /// Cosine of `query` with the given pictures, in their order; pictures without a vector are left out.
    ///
    /// # Errors
    /// As [`ExactScan::score_all`].
    pub fn score_these(
        &self,
        query: &[f32],
        ids: impl IntoIterator<Item = ImageId>,
    ) -> Result<Vec<Scored>, IndexError> {
        let rows = self.read();
        let scan = self.scan(&rows, query)?;
        Ok(ids.into_iter().filter_map(|id| rows.slots.get(&id)).map(|&slot| scan.score(slot)).collect())
    }

    /// Readers pass waiting writers: a reader that spreads its work over the thread pool must not wait for a writer
    /// that waits for another reader on the same pool. Writers hold the lock for the copy of one row.
    fn read(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read_recursive()
    }

    fn scan<'a>(&self, rows: &'a Rows, query: &[f32]) -> Result<Scan<'a>, IndexError> {
        check_width(self.dim, query.len())?;
        let mut query = QueryPlanes::new(query).ok_or_else(|| no_direction(self.dim))?;
        query.coarse.resize(rows.arena.stride(), 0);
        query.fine.resize(rows.arena.stride(), 0);
        Ok(Scan { rows, query, kernel: self.kernel })
    }
}

impl VectorIndex for ExactScan {
    fn add(&self, id: ImageId, vector: &[f32]) -> Result<(), IndexError> {
        check_width(self.dim, vector.len())?;
        self.add_quantised(id, &Quantised::encode(vector).ok_or_else(|| no_direction(self.dim))?)
    }

    fn remove(&self, id: ImageId) -> bool {
        self.rows.write().take(id)
    }

    fn search(&self, query: &[f32], k: usize, allowed: Option<&IdSet>) -> Result<Vec<Scored>, IndexError> {
        let rows = self.read();
        let scan = self.scan(&rows, query)?;
        let top = match allowed {
            // Looking up a slot costs about as much as the comparison itself.
            Some(allowed) if allowed.len() < rows.ids.len() / 4 => {
                let slots = allowed.iter().filter_map(|id| rows.slots.get(&id).copied());
                scan.top(k, slots)
            }
            Some(allowed) => scan
                .over_blocks(|slots| scan.top(k, slots.filter(|&slot| allowed.contains(rows.ids[slot]))))
                .into_iter()
                .fold(Top::new(k), Top::merge),
            None => scan.over_blocks(|slots| scan.top(k, slots)).into_iter().fold(Top::new(k), Top::merge),
        };
        Ok(top.into_sorted())
    }

    fn len(&self) -> usize {
        self.read().ids.len()
    }

    fn memory(&self) -> usize {
        let rows = self.read();
        let slot = size_of::<(ImageId, usize)>() + 1; // a bucket of the map and its control byte
        rows.arena.memory() + rows.ids.capacity() * size_of::<ImageId>() + rows.slots.capacity() * slot * 8 / 7
    }
}

impl Rows {
    fn put(&mut self, id: ImageId, vector: &Quantised) {
        if let Some(&slot) = self.slots.get(&id) {
            self.arena.set(slot, vector);
        } else {
            self.slots.insert(id, self.arena.push(vector));
            self.ids.push(id);
        }
    }

    fn take(&mut self, id: ImageId) -> bool {
        let Some(slot) = self.slots.remove(&id) else { return false };
        self.arena.swap_remove(slot);
        self.ids.swap_remove(slot);
        if let Some(&moved) = self.ids.get(slot) {
            self.slots.insert(moved, slot);
        }
        true
    }
}

/// One query against the rows.
struct Scan<'a> {
    rows: &'a Rows,
    query: QueryPlanes,
    kernel: Kernel,
}

impl Scan<'_> {
    #[inline]
    fn score(&self, slot: usize) -> Scored {
        let arena = &self.rows.arena;
        let dots = self.kernel.dot_two(arena.row(slot), &self.query.coarse, &self.query.fine);
        Scored { id: self.rows.ids[slot], score: self.query.cosine(dots, arena.scale(slot)) }
    }

    fn top(&self, k: usize, slots: impl Iterator<Item = usize>) -> Top {
        let mut top = Top::new(k);
        slots.for_each(|slot| top.push(self.score(slot)));
        top
    }

    /// `work` on ranges of slots that cover all rows, in parallel where that pays.
    fn over_blocks<T: Send>(&self, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
        let rows = self.rows.arena.len();
        if rows * self.rows.arena.stride() < PARALLEL_BYTES {
            return vec![work(0..rows)];
        }
        (0..rows.div_ceil(BLOCK_ROWS))
            .into_par_iter()
            .map(|block| work(block * BLOCK_ROWS..rows.min((block + 1) * BLOCK_ROWS)))
            .collect()
    }
}

#[cfg(test)]
#[path = "exact_tests.rs"]
pub(crate) mod tests;
