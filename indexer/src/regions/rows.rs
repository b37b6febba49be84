//! Regions in memory: one vector index over all of them, and where each one is.

use std::collections::HashMap;
use std::sync::Arc;

use glimpse_encoder::dense::{Rect, RegionMap};
use parking_lot::{RwLock, RwLockReadGuard};
use rayon::prelude::*;

use super::format::Stored;
use super::linked::Linked;
use super::{RegionId, ScoredRegion};
use crate::vectors::{ExactScan, Quantised, QueryPlanes, Rows, ScoredVector, VectorIndex};
use crate::{IdSet, ImageId, IndexError, VectorId, VectorSet, fair};

/// Where a region is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionShape {
    /// The box around it.
    pub rect: Rect,
    /// Share of the image that it covers.
    pub area: f32,
    /// Its leaves, as bits: regions that share one are nested.
    pub leaves: u32,
}

impl RegionShape {
    /// Where a region of a map is.
    pub fn of(map: &RegionMap, region: usize) -> Self {
        Self { rect: map.rect(region), area: map.area(region), leaves: map.members()[region] }
    }
}

/// The regions of all images, searched as vectors of their own. Images whose files are missing are
/// here too; callers ask among those that can be found.
pub struct RegionIndex {
    pub(super) scan: Arc<ExactScan>,
    shapes: RwLock<HashMap<ImageId, Shapes>>,
    pub(super) linked: RwLock<Linked>,
}

/// Where the regions of an image are, in their order.
pub(crate) type Shapes = Arc<[RegionShape]>;

impl RegionIndex {
    /// Regions that were read: the vectors under the keys of their regions ([`keyed`]), and where
    /// the regions are.
    pub(crate) fn of_rows(rows: Rows, shapes: HashMap<ImageId, Shapes>) -> Self {
        let scan = Arc::new(ExactScan::of_rows(rows));
        Self { scan, shapes: RwLock::new(shapes), linked: RwLock::default() }
    }

    /// Where the regions of each image are.
    pub(crate) fn all_shapes(&self) -> RwLockReadGuard<'_, HashMap<ImageId, Shapes>> {
        fair::read(&self.shapes)
    }

    /// True if there are as many regions as this, and each has a vector.
    pub(crate) fn is_whole(&self, regions: usize) -> bool {
        let (rows, shapes) = (self.scan.read(), self.all_shapes());
        let whole = |(&image, shapes): (&ImageId, &Shapes)| {
            (0..shapes.len() as u8).all(|region| rows.slot(RegionId { image, region }.key()).is_some())
        };
        self.len() == regions && shapes.par_iter().all(whole)
    }

    /// The vectors, under the keys of their regions.
    pub(crate) fn vectors(&self) -> &Arc<ExactScan> {
        &self.scan
    }

    // ---- changes ----

    /// Adds the regions of an image, in place of older ones.
    pub(crate) fn put(&self, image: ImageId, stored: &Stored) -> Result<(), IndexError> {
        self.remove(image);
        for (key, vector) in keyed(image, &stored.vectors) {
            self.scan.add_quantised(key, vector)?;
            self.linked.write().note_new(key);
        }
        self.shapes.write().insert(image, shapes(&stored.map));
        Ok(())
    }

    /// Removes the regions of an image; their nodes are gone already ([`RegionIndex::unlink`]).
    pub(crate) fn remove(&self, image: ImageId) {
        let keys: Vec<VectorId> = self.keys(image).collect();
        self.shapes.write().remove(&image);
        for key in keys {
            self.scan.remove(key);
            self.linked.write().unlinked.remove(key);
        }
    }

    /// The keys of an image's regions.
    pub(super) fn keys(&self, image: ImageId) -> impl Iterator<Item = VectorId> + use<> {
        let count = self.shapes(image).map_or(0, |shapes| shapes.len());
        (0..count as u8).map(move |region| RegionId { image, region }.key())
    }

    // ---- facts ----

    /// Number of regions.
    pub fn len(&self) -> usize {
        self.scan.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of images that have regions.
    pub fn images(&self) -> usize {
        self.shapes.read().len()
    }

    /// Bytes in memory.
    pub fn memory(&self) -> usize {
        let shapes = self.len() * size_of::<RegionShape>() + self.images() * size_of::<(ImageId, Shapes)>();
        shapes + self.graph().map_or_else(|| self.scan.memory(), |graph| graph.memory())
    }

    /// Where the regions of an image are; `None` if it has none.
    pub fn shapes(&self, image: ImageId) -> Option<Arc<[RegionShape]>> {
        self.shapes.read().get(&image).cloned()
    }

    /// A region's stored vector (unit length, decoded from int8).
    pub fn vector(&self, id: RegionId) -> Option<Vec<f32>> {
        self.scan.get(id.key()).map(|vector| vector.decode())
    }

    /// Up to `count` regions, spread evenly over images and their regions; the same ones for equal
    /// contents.
    pub fn sample(&self, count: usize) -> Vec<RegionId> {
        let mut images: Vec<(ImageId, usize)> =
            self.shapes.read().iter().map(|(&image, shapes)| (image, shapes.len())).collect();
        images.sort_unstable();
        let total: usize = images.iter().map(|(_, regions)| regions).sum();
        let count = count.min(total);
        let mut ids = Vec::with_capacity(count);
        let mut before = 0;
        for (image, regions) in images {
            while ids.len() < count && ids.len() * total / count < before + regions {
                let region = (ids.len() * total / count - before) as u8;
                ids.push(RegionId { image, region });
            }
            before += regions;
        }
        ids
    }

    /// The regions of `images` (of all, if `None`) that cover at least `min_area` of their image;
    /// `None` if that is all regions there are.
    pub fn select(&self, images: Option<&IdSet>, min_area: f32) -> Option<VectorSet> {
        let shapes = self.shapes.read();
        if min_area <= 0.0 && images.is_none_or(|images| shapes.keys().all(|&image| images.contains(image))) {
            return None;
        }
        let asked = shapes.iter().filter(|(image, _)| images.is_none_or(|images| images.contains(**image)));
        let regions = asked.flat_map(|(&image, shapes)| {
            let large = shapes.iter().zip(0..).filter(move |(shape, _)| shape.area >= min_area);
            large.map(move |(_, region)| RegionId { image, region }.key())
        });
        Some(regions.collect())
    }

    // ---- searching ----

    /// The `k` regions nearest to `query` (cosine, falling), among `allowed`
    /// ([`RegionIndex::select`]) if given.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`].
    pub fn nearest(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&VectorSet>,
    ) -> Result<Vec<ScoredRegion>, IndexError> {
        Ok(self.search(query, k, allowed)?.into_iter().map(scored).collect())
    }

    /// As [`RegionIndex::nearest`], by comparing all: what the graph's answers are measured by.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`].
    pub fn nearest_exact(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&VectorSet>,
    ) -> Result<Vec<ScoredRegion>, IndexError> {
        Ok(self.scan.search(query, k, allowed)?.into_iter().map(scored).collect())
    }

    /// Cosine of `query` with every region of an image, in order of regions.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`].
    pub fn score(&self, query: &[f32], image: ImageId) -> Result<Vec<ScoredRegion>, IndexError> {
        Ok(self.prepare(query)?.score(image))
    }

    /// Makes a query ready, for the regions of many images one after the other.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`].
    pub fn prepare(&self, query: &[f32]) -> Result<RegionQuery<'_>, IndexError> {
        Ok(RegionQuery { regions: self, planes: self.scan.prepare(query)? })
    }
}

/// A query made ready to be compared with the regions of images.
pub struct RegionQuery<'a> {
    regions: &'a RegionIndex,
    planes: QueryPlanes,
}

impl RegionQuery<'_> {
    /// Cosine of the query with every region of an image, in order of regions.
    pub fn score(&self, image: ImageId) -> Vec<ScoredRegion> {
        let found = self.regions.scan.score_prepared(&self.planes, self.regions.keys(image));
        found.into_iter().map(scored).collect()
    }

    /// The highest of these; `None` for an image without regions.
    pub fn best(&self, image: ImageId) -> Option<f32> {
        self.score(image).into_iter().map(|scored| scored.score).reduce(f32::max)
    }
}

fn scored(scored: ScoredVector) -> ScoredRegion {
    ScoredRegion { id: RegionId::of_key(scored.id), score: scored.score }
}

/// Vectors of an image's regions and the keys that they go by.
pub(crate) fn keyed(image: ImageId, vectors: &[Quantised]) -> impl Iterator<Item = (VectorId, &Quantised)> {
    vectors.iter().zip(0..).map(move |(vector, region)| (RegionId { image, region }.key(), vector))
}

pub(crate) fn shapes(map: &RegionMap) -> Shapes {
    (0..map.len()).map(|region| RegionShape::of(map, region)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::Every as _;

    use super::super::format::tests::halves;
    use super::*;

    fn empty() -> RegionIndex {
        RegionIndex::of_rows(Rows::with_slots(crate::vectors::VectorStorage::Int8, 4, 0).unwrap(), HashMap::new())
    }

    fn index() -> RegionIndex {
        let index = empty();
        for image in 0..3 {
            let mut left = [0.1; 4];
            left[image] = 1.0;
            let stored = Stored::of(&halves(2, 4, &left, &[0.0, 0.0, 0.0, 1.0])).unwrap();
            index.put(ImageId(image as u64), &stored).unwrap();
        }
        index
    }

    #[test]
    fn the_region_that_shows_it_is_found_and_says_where() {
        let index = index();
        let found = index.nearest(&[0.0, 1.0, 0.0, 0.0], 1, None).unwrap();
        assert_eq!(found[0].id, RegionId { image: ImageId(1), region: 0 });
        let shape = index.shapes(ImageId(1)).unwrap()[0];
        assert_eq!((shape.rect, shape.area), (Rect { right: 0.5, ..Rect::WHOLE }, 0.5));
        assert_eq!(index.score(&[0.0, 1.0, 0.0, 0.0], ImageId(1)).unwrap().len(), 3);
    }

    #[test]
    fn selections_keep_small_regions_and_other_images_out() {
        let index = index();
        let query = [0.0, 1.0, 0.0, 0.0];
        let large = index.select(None, 0.9).unwrap();
        assert!(index.nearest(&query, 9, Some(&large)).unwrap().iter().every(|hit| hit.id.region == 2));
        let others: IdSet = [ImageId(0), ImageId(2)].into_iter().collect();
        let allowed = index.select(Some(&others), 0.0).unwrap();
        assert_eq!(index.nearest(&query, 99, Some(&allowed)).unwrap().len(), 6);
        let all: IdSet = (0..3).map(ImageId).collect();
        assert!(index.select(Some(&all), 0.0).is_none());
    }

    #[test]
    fn a_replaced_or_removed_image_leaves_nothing_behind() {
        let index = index();
        let stored = Stored::of(&halves(1, 2, &[1.0, 0.0, 0.0, 0.0], &[0.0, 1.0, 0.0, 0.0])).unwrap();
        index.put(ImageId(1), &stored).unwrap();
        assert_eq!((index.len(), index.images()), (9, 3));
        index.remove(ImageId(1));
        assert_eq!((index.len(), index.images()), (6, 2));
        assert!(index.shapes(ImageId(1)).is_none());
        assert!(index.score(&[1.0, 0.0, 0.0, 0.0], ImageId(1)).unwrap().is_empty());
    }

    #[test]
    fn a_sample_is_spread_over_all() {
        let index = index();
        assert_eq!(index.sample(100).len(), 9);
        let three: Vec<u64> = index.sample(3).iter().map(|id| id.image.0).collect();
        assert_eq!(three, [0, 1, 2]);
        assert!(empty().sample(5).is_empty());
    }
}
