//! What is asked of the regions of a library, wherever their vectors are.

use std::sync::Arc;

use super::{RegionId, RegionIndex, RegionQuery, RegionShape, ScoredRegion};
use crate::{Among, Filter, IdSet, ImageId, IndexError, VectorSet};

/// The regions of all images.
pub trait RegionLibrary: Send + Sync {
    /// Number of regions.
    fn len(&self) -> usize;

    /// True if there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of images that have regions.
    fn images(&self) -> usize;

    /// True if an image has regions.
    fn has(&self, image: ImageId) -> bool;

    /// Number of images of a set that have regions.
    fn images_among(&self, images: &IdSet) -> usize;

    /// Number of images of a set with a region that covers at least `min_area` of its image.
    fn images_with(&self, images: &IdSet, min_area: f32) -> usize;

    /// Number of an image's regions; `None` if it has none.
    fn count_of(&self, image: ImageId) -> Option<usize>;

    /// Where the regions of an image are; `None` if it has none.
    fn shapes(&self, image: ImageId) -> Option<Arc<[RegionShape]>>;

    /// A region's stored vector (unit length, decoded from int8).
    fn vector(&self, id: RegionId) -> Option<Vec<f32>>;

    /// Regions among which a search looks; `None` for all.
    fn select(&self, among: &Among<'_>) -> Option<RegionSelection>;

    /// The `k` regions nearest to `query` (cosine, falling), among those selected if given.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`], [`IndexError::Vectors`].
    fn nearest(
        &self,
        query: &[f32],
        k: usize,
        among: Option<&RegionSelection>,
    ) -> Result<Vec<ScoredRegion>, IndexError>;

    /// Makes a query ready, for the regions of many images one after the other.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`].
    fn prepare(&self, query: &[f32]) -> Result<Box<dyn RegionScorer + '_>, IndexError>;
}

/// A query made ready to be compared with the regions of images.
pub trait RegionScorer: Send + Sync {
    /// Cosine of the query with every region of an image, in order of regions.
    fn score(&self, image: ImageId) -> Vec<ScoredRegion>;

    /// The highest of these; `None` for an image without regions.
    fn best(&self, image: ImageId) -> Option<f32> {
        self.score(image).into_iter().map(|scored| scored.score).reduce(f32::max)
    }
}

/// Some of the regions.
#[derive(Debug, Clone)]
pub struct RegionSelection {
    /// Of these images, where a server searches.
    pub(crate) images: IdSet,
    /// Which images they are, in words for a server.
    pub(crate) filter: Option<Filter>,
    pub(crate) min_area: f32,
    /// One by one, where this process searches.
    pub(crate) vectors: Option<VectorSet>,
    pub(crate) len: usize,
}

impl RegionSelection {
    /// Number of regions; of those that cover enough of their image no less, where a server
    /// searches.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl RegionLibrary for RegionIndex {
    fn len(&self) -> usize {
        self.len()
    }

    fn images(&self) -> usize {
        self.images()
    }

    fn has(&self, image: ImageId) -> bool {
        self.has(image)
    }

    fn images_among(&self, images: &IdSet) -> usize {
        self.images_among(images)
    }

    fn images_with(&self, images: &IdSet, min_area: f32) -> usize {
        self.images_with(images, min_area)
    }

    fn count_of(&self, image: ImageId) -> Option<usize> {
        self.count_of(image)
    }

    fn shapes(&self, image: ImageId) -> Option<Arc<[RegionShape]>> {
        self.shapes(image)
    }

    fn vector(&self, id: RegionId) -> Option<Vec<f32>> {
        self.vector(id)
    }

    fn select(&self, among: &Among<'_>) -> Option<RegionSelection> {
        let vectors = self.select(among.images, among.min_area)?;
        let len = vectors.len();
        let images = IdSet::default();
        Some(RegionSelection { images, filter: None, min_area: among.min_area, vectors: Some(vectors), len })
    }

    fn nearest(
        &self,
        query: &[f32],
        k: usize,
        among: Option<&RegionSelection>,
    ) -> Result<Vec<ScoredRegion>, IndexError> {
        self.nearest(query, k, among.and_then(|among| among.vectors.as_ref()))
    }

    fn prepare(&self, query: &[f32]) -> Result<Box<dyn RegionScorer + '_>, IndexError> {
        Ok(Box::new(self.prepare(query)?))
    }
}

impl RegionScorer for RegionQuery<'_> {
    fn score(&self, image: ImageId) -> Vec<ScoredRegion> {
        self.score(image)
    }
}
