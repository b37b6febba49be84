//! Vector search behind one trait: an exact scan, and graphs that are faster than it on large
//! libraries.
//!
//! Vectors are kept as int8 with one scale ([`Quantised`], a quarter of f32; those of whole images
//! with a second plane of int8, half of f32, by which what a search found is put in order, or in
//! another way: [`VectorStorage`]). The scan's arenas are the one copy that every score comes from,
//! so that a graph and the scan give equal scores for equal images.

mod arena;
mod dot;
pub(crate) mod exact;
mod hnsw_rs;
pub(crate) mod ivf;
mod quant;
mod query;
mod storage;
mod top;

use glimpse_encoder::EncodeError;
use rayon::prelude::*;

pub use self::hnsw_rs::HnswRs;
pub(crate) use arena::{Arena, Slot};
pub use dot::Kernel;
pub(crate) use dot::{CodeProbe, LikeBits, Probe, RowPlanes, SIDE_BY_SIDE, bits_of, pack};
pub(crate) use dot::{pack_planes, packed_bytes, unpack_planes};
pub use exact::ExactScan;
pub(crate) use exact::{Plane, Rows, candidates, looks_up};
pub(crate) use quant::Planes;
pub use quant::Quantised;
pub(crate) use query::QueryPlanes;
pub(crate) use storage::Residual;
pub use storage::VectorStorage;
pub(crate) use top::{Top, by_rank};

use crate::{ImageId, IndexError, VectorId, VectorSet};

/// An image, or something else, and its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored<Id = ImageId> {
    /// What was scored.
    pub id: Id,
    /// Cosine or BM25, higher is better.
    pub score: f32,
}

/// A vector and its score.
pub type ScoredVector = Scored<VectorId>;

impl ScoredVector {
    /// The image whose vector this is, in an index of vectors of whole images.
    pub fn of_image(self) -> Scored {
        Scored { id: self.id.image(), score: self.score }
    }
}

/// A set of unit vectors that can be searched while it grows.
pub trait VectorIndex: Send + Sync {
    /// Adds or replaces a vector.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`]; a vector with a value that is not finite is refused as well.
    fn add(&self, id: VectorId, vector: &[f32]) -> Result<(), IndexError>;

    /// Removes a vector; false if it was not there.
    fn remove(&self, id: VectorId) -> bool;

    /// The `k` nearest by cosine, falling, ties by id; only those in `allowed` if given.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`].
    fn search(&self, query: &[f32], k: usize, allowed: Option<&VectorSet>) -> Result<Vec<ScoredVector>, IndexError>;

    /// As [`VectorIndex::search`] for many queries at once, on all threads of the current pool.
    ///
    /// # Errors
    /// As [`VectorIndex::search`]; the first error of all.
    fn search_many(
        &self,
        queries: &[&[f32]],
        k: usize,
        allowed: Option<&VectorSet>,
    ) -> Result<Vec<Vec<ScoredVector>>, IndexError> {
        queries.par_iter().map(|query| self.search(query, k, allowed)).collect()
    }

    /// Number of vectors.
    fn len(&self) -> usize;

    /// True if there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes in memory, links included.
    fn memory(&self) -> usize;
}

/// Refuses what cannot be compared with vectors of width `dim`.
pub(crate) fn check_width(dim: usize, found: usize) -> Result<(), IndexError> {
    if found == dim { Ok(()) } else { Err(IndexError::WrongDimension { expected: dim, found }) }
}

/// The error for a vector without a direction: a value that is not finite, or nothing but zeros.
pub(crate) fn no_direction(dim: usize) -> IndexError {
    IndexError::Encode(EncodeError::NotAVector { dim })
}
