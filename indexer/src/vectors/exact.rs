//! The exact scan: every vector is compared with the query. Where more than a plane of int8 is
//! kept, the first plane is compared, and the nearest [`candidates`] by it are put in order by all
//! that is kept.
//!
//! It is the reference that graphs are measured by, what they take their scores from, and the
//! faster way wherever few vectors are left after filtering.

mod flat;
mod residual;

use std::collections::HashMap;
use std::ops::Range;

use parking_lot::{RwLock, RwLockReadGuard};
use rayon::prelude::*;

pub(crate) use self::flat::Plane;
use self::residual::ResidualRows;
use super::arena::{Arena, LINE};
use super::dot::MAX_WIDTH;
use super::top::Top;
use super::{
    Kernel, Planes, Quantised, QueryPlanes, ScoredVector, Slot, VectorIndex, VectorStorage, check_width, no_direction,
};
use crate::{IndexError, VectorId, VectorSet, fair};

/// Bytes of vectors above which a scan is spread over threads: below, handing out the work takes
/// longer than the scan.
const PARALLEL_BYTES: usize = 2 << 20;
/// Rows that a thread takes at once.
const BLOCK_ROWS: usize = 1024;
/// How many turns before its own a row that lies anywhere is asked of memory.
const AHEAD: usize = 8;

/// int8 vectors in memory, scanned whole.
#[derive(Debug)]
pub struct ExactScan {
    dim: usize,
    storage: VectorStorage,
    kernel: Kernel,
    rows: RwLock<Rows>,
}

/// Vectors and their owners. A vector stays in its slot for as long as it is there; slots that were
/// given up are used again.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The first planes.
    arena: Arena,
    /// What is kept beside them, if anything is.
    residual: Option<ResidualRows>,
    owners: Vec<Option<VectorId>>,
    slots: HashMap<VectorId, Slot>,
    free: Vec<Slot>,
}

impl ExactScan {
    /// An empty scan for vectors of `dim` components in one plane of int8.
    ///
    /// # Panics
    /// If `dim` is 0 or above 65,536.
    pub fn new(dim: usize) -> Self {
        Self::stored_as(VectorStorage::Int8, dim)
    }

    /// As [`ExactScan::new`] with vectors kept in a given way.
    ///
    /// # Panics
    /// As [`ExactScan::new`].
    pub fn stored_as(storage: VectorStorage, dim: usize) -> Self {
        Self::with(storage, dim, Kernel::best())
    }

    /// As [`ExactScan::new`] with a given kernel, for comparisons.
    ///
    /// # Panics
    /// As [`ExactScan::new`].
    pub fn with_kernel(dim: usize, kernel: Kernel) -> Self {
        Self::with(VectorStorage::Int8, dim, kernel)
    }

    fn with(storage: VectorStorage, dim: usize, kernel: Kernel) -> Self {
        assert!((1..=MAX_WIDTH).contains(&dim), "vectors of {dim} components");
        Self { dim, storage, kernel, rows: RwLock::new(Rows::new(storage, dim)) }
    }

    /// Components of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How vectors are kept.
    pub fn storage(&self) -> VectorStorage {
        self.storage
    }

    /// The kernel in use.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Adds or replaces a vector that is quantised already, as when an index is opened.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`], or if there is no memory for it.
    pub fn add_quantised(&self, id: VectorId, vector: &Quantised) -> Result<(), IndexError> {
        check_width(self.dim, vector.values.len())?;
        self.rows.write().put(id, vector)
    }

    /// Rows like those of this scan, with `slots` slots that nobody owns.
    pub(crate) fn rows_like(&self, slots: usize) -> Result<Rows, IndexError> {
        Rows::with_slots(self.storage, self.dim, slots)
    }

    /// Takes up rows that were filled already, as when an index is opened. What was here is gone.
    pub(crate) fn fill(&self, rows: Rows) {
        *self.rows.write() = rows;
    }

    /// A scan of rows in one plane of int8 that were filled already.
    pub(crate) fn of_rows(rows: Rows) -> Self {
        let scan = Self::new(rows.arena.dim());
        scan.fill(rows);
        scan
    }

    /// A vector as this scan keeps them; `None` if it has no direction.
    pub fn encode(&self, vector: &[f32]) -> Option<Quantised> {
        Quantised::encode_as(self.storage, vector)
    }

    /// The stored vector of an image.
    pub fn get(&self, id: VectorId) -> Option<Quantised> {
        let rows = self.read();
        rows.slots.get(&id).map(|&slot| rows.get(slot))
    }

    /// True if the image has a vector here.
    pub fn contains(&self, id: VectorId) -> bool {
        self.read().slots.contains_key(&id)
    }

    /// Every image with a vector, in no order.
    pub fn ids(&self) -> Vec<VectorId> {
        self.read().slots.keys().copied().collect()
    }

    /// Cosine of `query` with every vector, in no order.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`], or if the query has no direction.
    pub fn score_all(&self, query: &[f32]) -> Result<Vec<ScoredVector>, IndexError> {
        let rows = self.read();
        let scan = self.scan(&rows, query)?;
        let score = |slot: Slot| {
            Some(ScoredVector { id: rows.owner(slot)?, score: rows.cosine(&scan.query, self.kernel, slot) })
        };
        let parts = scan.over_blocks(rows.len(), |slots| slots.map(Slot::at).filter_map(score).collect::<Vec<_>>());
        Ok(parts.concat())
    }

    /// Cosine of `query` with the given images, in their order; images without a vector are left
    /// out.
    ///
    /// # Errors
    /// As [`ExactScan::score_all`].
    pub fn score_these(
        &self,
        query: &[f32],
        ids: impl IntoIterator<Item = VectorId>,
    ) -> Result<Vec<ScoredVector>, IndexError> {
        Ok(self.score_prepared(&self.prepare(query)?, ids))
    }

    /// Makes a query ready to be compared with a few vectors at a time.
    ///
    /// # Errors
    /// As [`ExactScan::score_all`].
    pub(crate) fn prepare(&self, query: &[f32]) -> Result<QueryPlanes, IndexError> {
        check_width(self.dim, query.len())?;
        let planes = QueryPlanes::new(query, self.dim.next_multiple_of(LINE), self.storage.residual());
        planes.ok_or_else(|| no_direction(self.dim))
    }

    /// As [`ExactScan::score_these`] for a query that was made ready.
    pub(crate) fn score_prepared(
        &self,
        query: &QueryPlanes,
        ids: impl IntoIterator<Item = VectorId>,
    ) -> Vec<ScoredVector> {
        let rows = self.read();
        let slots: Vec<Slot> = ids.into_iter().filter_map(|id| rows.slot(id)).collect();
        let score =
            |slot: Slot| Some(ScoredVector { id: rows.owner(slot)?, score: rows.cosine(query, self.kernel, slot) });
        rows.ahead(self.kernel, &slots).filter_map(score).collect()
    }

    /// The vectors, which stay as they are meanwhile.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Rows> {
        fair::read(&self.rows)
    }

    /// Bytes of vectors that are mapped from a file, and not in memory.
    pub(crate) fn mapped(&self) -> usize {
        let rows = self.read();
        rows.arena.in_file() + rows.residual.as_ref().map_or(0, |residual| residual.arena.in_file())
    }

    fn scan<'a>(&self, rows: &'a Rows, query: &[f32]) -> Result<Scan<'a>, IndexError> {
        Ok(Scan { rows, query: self.prepare(query)?, kernel: self.kernel })
    }
}

impl VectorIndex for ExactScan {
    fn add(&self, id: VectorId, vector: &[f32]) -> Result<(), IndexError> {
        check_width(self.dim, vector.len())?;
        self.add_quantised(id, &self.encode(vector).ok_or_else(|| no_direction(self.dim))?)
    }

    fn remove(&self, id: VectorId) -> bool {
        self.rows.write().take(id)
    }

    fn search(&self, query: &[f32], k: usize, allowed: Option<&VectorSet>) -> Result<Vec<ScoredVector>, IndexError> {
        let rows = self.read();
        let scan = self.scan(&rows, query)?;
        let count = if rows.residual.is_some() { candidates(k) } else { k };
        let top = match allowed {
            Some(allowed) if looks_up(allowed.len(), rows.slots.len()) => {
                let ids: Vec<VectorId> = allowed.iter().collect();
                let slots = |block: Range<usize>| ids[block].iter().filter_map(|&id| rows.slot(id)).collect();
                scan.top_of_blocks(count, ids.len(), slots)
            }
            Some(allowed) => {
                let passes = |slot: &Slot| rows.owner(*slot).is_some_and(|id| allowed.contains(id));
                scan.top_of_blocks(count, rows.len(), |block| block.map(Slot::at).filter(passes).collect())
            }
            None => {
                let tops = scan.over_blocks(rows.len(), |slots| scan.top(count, slots.map(Slot::at)));
                tops.into_iter().fold(Top::new(count), Top::merge)
            }
        };
        Ok(if rows.residual.is_some() { scan.again(top, k) } else { top }.into_sorted())
    }

    fn len(&self) -> usize {
        self.read().slots.len()
    }

    fn memory(&self) -> usize {
        let rows = self.read();
        let slot = size_of::<(VectorId, Slot)>() + 1; // a bucket of the map and its control byte
        rows.arena.memory()
            + rows.residual.as_ref().map_or(0, |residual| residual.arena.memory())
            + rows.owners.capacity() * size_of::<Option<VectorId>>()
            + rows.slots.capacity() * slot * 8 / 7
            + rows.free.capacity() * size_of::<Slot>()
    }
}

impl Rows {
    fn new(storage: VectorStorage, dim: usize) -> Self {
        let residual = ResidualRows::new(storage.residual(), dim);
        Self { arena: Arena::new(dim), residual, owners: Vec::new(), slots: HashMap::new(), free: Vec::new() }
    }

    /// The first planes of the vectors, by slot.
    pub(crate) fn arena(&self) -> &Arena {
        &self.arena
    }

    /// Slots in use, and those that were given up.
    pub(crate) fn len(&self) -> usize {
        self.owners.len()
    }

    /// Who owns a slot; `None` if nobody does.
    #[inline]
    pub(crate) fn owner(&self, slot: Slot) -> Option<VectorId> {
        self.owners.get(slot.index()).copied().flatten()
    }

    /// The slot of an image.
    pub(crate) fn slot(&self, id: VectorId) -> Option<Slot> {
        self.slots.get(&id).copied()
    }

    /// Slots in their order, each asked of memory some turns before it comes, for rows that lie
    /// anywhere.
    pub(super) fn ahead<'a>(&'a self, kernel: Kernel, slots: &'a [Slot]) -> impl Iterator<Item = Slot> + 'a {
        let ask = move |slot: &Slot| kernel.prefetch(self.arena.row(*slot));
        slots.iter().take(AHEAD).for_each(ask);
        slots.iter().enumerate().map(move |(i, &slot)| {
            slots.get(i + AHEAD).into_iter().for_each(ask);
            slot
        })
    }

    /// The cosine of a query with all that is known of the vector in a slot.
    #[inline]
    pub(crate) fn cosine(&self, query: &QueryPlanes, kernel: Kernel, slot: Slot) -> f32 {
        let (row, scale) = (self.arena.row(slot), self.arena.scale(slot));
        match &self.residual {
            Some(residual) if residual.has(slot) => residual.cosine(query, kernel, row, slot),
            _ => query.cosine(kernel, row, scale),
        }
    }

    /// `slots` slots that nobody owns, to be filled by [`Rows::place`].
    pub(crate) fn with_slots(storage: VectorStorage, dim: usize, slots: usize) -> Result<Self, IndexError> {
        let mut rows = Self::new(storage, dim);
        rows.grow(slots)?;
        Ok(rows)
    }

    fn grow(&mut self, slots: usize) -> Result<(), IndexError> {
        if slots > Slot::MOST {
            return Err(IndexError::TooMany { most: Slot::MOST });
        }
        self.arena.grow(slots).map_err(no_memory)?;
        self.residual.as_mut().map_or(Ok(()), |residual| residual.arena.grow(slots)).map_err(no_memory)?;
        self.owners.resize(slots, None);
        Ok(())
    }

    fn set(&mut self, slot: Slot, vector: Planes<'_>) {
        self.arena.write(slot, vector.scale, vector.values);
        if let Some(residual) = &mut self.residual {
            residual.write(slot, vector);
        }
    }

    fn get(&self, slot: Slot) -> Quantised {
        let residual = self.residual.as_ref().map(|residual| residual.get(slot)).unwrap_or_default();
        Quantised { residual, ..self.arena.get(slot) }
    }

    /// Gives a vector of the right width a slot that nobody owns, among those that the rows began
    /// with.
    pub(crate) fn place(&mut self, id: VectorId, slot: Slot, vector: Planes<'_>) {
        self.set(slot, vector);
        self.own(id, slot);
    }

    /// Lets slots that nobody owns be used for new vectors; until then these go behind all slots.
    pub(crate) fn free_unowned(&mut self) {
        self.free = (0..self.owners.len()).map(Slot::at).filter(|&slot| self.owner(slot).is_none()).collect();
    }

    /// Takes up a vector of the right width, in place of the owner's older one.
    pub(crate) fn put(&mut self, id: VectorId, vector: &Quantised) -> Result<(), IndexError> {
        let slot = match self.slots.get(&id).copied().or_else(|| self.free.pop()) {
            Some(slot) => slot,
            None => {
                self.grow(self.len() + 1)?;
                Slot::at(self.len() - 1)
            }
        };
        self.place(id, slot, vector.planes());
        Ok(())
    }

    fn own(&mut self, id: VectorId, slot: Slot) {
        self.owners[slot.index()] = Some(id);
        self.slots.insert(id, slot);
    }

    fn take(&mut self, id: VectorId) -> bool {
        let Some(slot) = self.slots.remove(&id) else { return false };
        self.owners[slot.index()] = None;
        self.free.push(slot);
        true
    }
}

fn no_memory(error: std::io::Error) -> IndexError {
    IndexError::Store { dir: "memory".into(), what: "making room for vectors", reason: error.to_string() }
}

/// How many of the nearest by the first plane are compared again to find `k`.
pub(crate) fn candidates(k: usize) -> usize {
    k.saturating_mul(2).saturating_add(16)
}

/// Whether a scan of few among all looks each one up, rather than to look who owns each row.
pub(crate) fn looks_up(few: usize, all: usize) -> bool {
    few < all / 4
}

/// One query against the rows.
struct Scan<'a> {
    rows: &'a Rows,
    query: QueryPlanes,
    kernel: Kernel,
}

impl Scan<'_> {
    /// By the first plane; `None` for a slot that nobody owns.
    #[inline]
    fn score(&self, slot: Slot) -> Option<ScoredVector> {
        let arena = &self.rows.arena;
        let id = self.rows.owner(slot)?;
        Some(ScoredVector { id, score: self.query.cosine(self.kernel, arena.row(slot), arena.scale(slot)) })
    }

    /// The best `k` of candidates, by all that is kept.
    fn again(&self, candidates: Top<VectorId>, k: usize) -> Top<VectorId> {
        let mut top = Top::new(k);
        for ScoredVector { id, score } in candidates.into_sorted() {
            let slot = self.rows.slot(id);
            let score = slot.map_or(score, |slot| self.rows.cosine(&self.query, self.kernel, slot));
            top.push(ScoredVector { id, score });
        }
        top
    }

    fn top(&self, k: usize, slots: impl Iterator<Item = Slot>) -> Top<VectorId> {
        let mut top = Top::new(k);
        slots.filter_map(|slot| self.score(slot)).for_each(|scored| top.push(scored));
        top
    }

    /// The best `k` of slots that lie anywhere; `slots` gives those of a range among `all`.
    fn top_of_blocks(&self, k: usize, all: usize, slots: impl Fn(Range<usize>) -> Vec<Slot> + Sync) -> Top<VectorId> {
        let tops = self.over_blocks(all, |block| self.top(k, self.rows.ahead(self.kernel, &slots(block))));
        tops.into_iter().fold(Top::new(k), Top::merge)
    }

    /// `work` on ranges that cover so many rows, in parallel where that pays.
    fn over_blocks<T: Send>(&self, rows: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
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
