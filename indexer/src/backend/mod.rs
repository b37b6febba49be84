//! Where vectors are, if not in this process: the seam behind which a server of vectors stands.
//!
//! The store of a library holds every record and vector, wherever they are searched. A library that
//! outgrows a machine has its *searches* elsewhere: a [`VectorBackend`] is asked for what is
//! nearest to a query, and fed from the store's list of changes. What is asked of single vectors
//! (one by its number, scores of a few, a sample) is read from the store, which has them on this
//! machine.
//!
//! Two stand behind the trait: what is in this process ([`crate::Index::backend`]), and, with the
//! cargo feature `milvus`, a Milvus server. No type of a client of such a server leaves this
//! folder.

#[cfg(feature = "milvus")]
mod milvus;
mod place;
mod row;

#[cfg(feature = "milvus")]
pub(crate) use milvus::Milvus;
pub use place::{IndexType, VectorsAt};
pub use row::{Facts as RowFacts, Row};

use crate::vectors::ScoredVector;
use crate::{Among, ImageId, IndexError, VectorId};

/// Which vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One of each image and frame; a vector's number is its image's.
    Images,
    /// Those of regions; a vector's number is its image's times 64, plus its place in the image.
    Regions,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Images, Self::Regions];

    /// The image that a vector belongs to.
    pub fn image_of(self, vector: VectorId) -> ImageId {
        match self {
            Self::Images => vector.image(),
            Self::Regions => crate::regions::RegionId::of_key(vector).image,
        }
    }
}

/// What a backend can do by itself. What it cannot is done on this side of the seam.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Its name and version.
    pub name: String,
    /// It takes conditions on facts, and not only sets of images.
    pub filters: bool,
    /// Most vectors that one search gives; `None` for all.
    pub most_found: Option<usize>,
}

/// What engine and indexer ask of vectors. All calls may be made from any thread.
///
/// Vectors have length 1, and scores are cosines; those of a backend that keeps vectors in another
/// way than this program are as exact as that is.
pub trait VectorBackend: Send + Sync {
    /// What it can do.
    ///
    /// # Errors
    /// [`IndexError::Vectors`] if it does not answer, or is too old.
    fn capabilities(&self) -> Result<Capabilities, IndexError>;

    /// Number of vectors that it holds.
    ///
    /// # Errors
    /// [`IndexError::Vectors`].
    fn len(&self, of: Kind) -> Result<usize, IndexError>;

    /// The `k` vectors nearest to `query`, best first, ties by number.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`], [`IndexError::Vectors`].
    fn search(&self, of: Kind, query: &[f32], k: usize, among: &Among<'_>) -> Result<Vec<ScoredVector>, IndexError>;

    /// Vectors by their numbers, in the order asked for; `None` for those that it does not hold.
    ///
    /// # Errors
    /// [`IndexError::Vectors`].
    fn vectors(&self, of: Kind, ids: &[VectorId]) -> Result<Vec<Option<Vec<f32>>>, IndexError>;

    /// Cosines of `query` with vectors of these numbers, in the order asked for; those that it does
    /// not hold are left out.
    ///
    /// # Errors
    /// As [`VectorBackend::vectors`].
    fn scores(&self, of: Kind, query: &[f32], ids: &[VectorId]) -> Result<Vec<ScoredVector>, IndexError> {
        let length = query.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt() as f32;
        let score = |vector: Vec<f32>| glimpse_encoder::dot(query, &vector) / length;
        let found = self.vectors(of, ids)?;
        Ok(ids.iter().zip(found).filter_map(|(&id, vector)| Some(ScoredVector { id, score: score(vector?) })).collect())
    }

    /// Up to `count` numbers of vectors after `after`, rising: all of them, a page at a time.
    ///
    /// # Errors
    /// [`IndexError::Vectors`].
    fn ids(&self, of: Kind, after: Option<VectorId>, count: usize) -> Result<Vec<VectorId>, IndexError>;
}

/// A backend that does not take part in the transactions of the store, and is fed from its changes.
/// Each call may be made again, whole or in part, and comes to the same.
pub trait FedBackend: VectorBackend {
    /// Makes what holds the vectors, unless it is there. True if it was made: then it is empty.
    ///
    /// # Errors
    /// [`IndexError::Vectors`].
    fn prepare(&self) -> Result<bool, IndexError>;

    /// Adds images with their regions, in place of what it held of them.
    ///
    /// # Errors
    /// [`IndexError::Vectors`].
    fn upsert(&self, rows: &[Row]) -> Result<(), IndexError>;

    /// Removes images with their regions; unknown ones are no error.
    ///
    /// # Errors
    /// [`IndexError::Vectors`].
    fn delete(&self, images: &[ImageId]) -> Result<(), IndexError>;

    /// After bulk changes: what is held is written where it belongs, and indexed.
    ///
    /// # Errors
    /// [`IndexError::Vectors`].
    fn flush(&self) -> Result<(), IndexError>;

    /// Removes what holds the vectors.
    ///
    /// # Errors
    /// [`IndexError::Vectors`].
    fn drop_all(&self) -> Result<(), IndexError>;
}
