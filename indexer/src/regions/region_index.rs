//! The regions of a library: those in mapped files, and beside them, in memory, what came since
//! these were written. A library that is too small for files has all of them in memory.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};

use super::cells::{CellQuery, Cells};
use super::format::Stored;
use super::shape::{RegionShape, Shapes, shapes};
use super::{RegionId, ScoredRegion};
use crate::vectors::{ExactScan, Quantised, QueryPlanes, Rows, ScoredVector, VectorIndex, by_rank};
use crate::{IdSet, ImageId, IndexError, VectorId, VectorSet, fair};

/// The regions of all images, searched as vectors of their own. Images whose files are missing are
/// here too; callers ask among those that can be found.
pub struct RegionIndex {
    /// Of those in memory.
    scan: ExactScan,
    /// Of those in memory.
    shapes: RwLock<HashMap<ImageId, Shapes>>,
    cells: Option<Cells>,
    /// Images with regions, wherever these are.
    all: RwLock<IdSet>,
}

/// A region's shape and its vector, if it can be read.
#[cfg(test)]
type Region = (RegionShape, Option<Vec<f32>>);

impl RegionIndex {
    /// Regions that were read: the vectors under the keys of their regions ([`keyed`]), and where
    /// the regions are.
    pub(crate) fn of_rows(rows: Rows, shapes: HashMap<ImageId, Shapes>) -> Self {
        let all = RwLock::new(shapes.keys().copied().collect());
        Self { scan: ExactScan::of_rows(rows), shapes: RwLock::new(shapes), cells: None, all }
    }

    /// Regions in mapped files, with vectors of `dim`.
    pub(crate) fn of_cells(cells: Cells, dim: usize) -> Self {
        let mut all = IdSet::default();
        cells.each_image(|image, _, _| _ = all.insert(image));
        Self { scan: ExactScan::new(dim), shapes: RwLock::default(), cells: Some(cells), all: RwLock::new(all) }
    }

    /// Those in mapped files.
    pub(crate) fn cells(&self) -> Option<&Cells> {
        self.cells.as_ref()
    }

    fn in_memory(&self) -> RwLockReadGuard<'_, HashMap<ImageId, Shapes>> {
        fair::read(&self.shapes)
    }

    // ---- changes ----

    /// Adds the regions of an image, in place of older ones.
    pub(crate) fn put(&self, image: ImageId, stored: &Stored) -> Result<(), IndexError> {
        self.remove(image);
        for (key, vector) in keyed(image, &stored.vectors) {
            self.scan.add_quantised(key, vector)?;
        }
        self.shapes.write().insert(image, shapes(&stored.map));
        self.all.write().insert(image);
        Ok(())
    }

    /// Removes the regions of an image.
    pub(crate) fn remove(&self, image: ImageId) {
        if let Some(shapes) = self.shapes.write().remove(&image) {
            keys(image, shapes.len()).for_each(|key| _ = self.scan.remove(key));
        }
        self.cells.iter().for_each(|cells| cells.mask(image));
        self.all.write().remove(image);
    }

    /// True if the regions of an image are in the files, and made this fingerprint.
    pub(crate) fn is_filed(&self, image: ImageId, fingerprint: u32) -> bool {
        self.cells.as_ref().is_some_and(|cells| cells.has(image, fingerprint))
    }

    // ---- facts ----

    /// Number of regions.
    pub fn len(&self) -> usize {
        self.scan.len() + self.cells.as_ref().map_or(0, Cells::regions)
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of images that have regions.
    pub fn images(&self) -> usize {
        self.in_memory().len() + self.cells.as_ref().map_or(0, Cells::images)
    }

    /// True if an image has regions.
    pub fn has(&self, image: ImageId) -> bool {
        fair::read(&self.all).contains(image)
    }

    /// Number of images of a set that have regions.
    pub fn images_among(&self, images: &IdSet) -> usize {
        fair::read(&self.all).intersection(images).len()
    }

    /// Number of images of a set with a region that covers at least `min_area` of its image.
    pub fn images_with(&self, images: &IdSet, min_area: f32) -> usize {
        if min_area <= 0.0 {
            return self.images_among(images);
        }
        let mut count = 0;
        self.each_image(|image, _, areas| {
            let has_large = || areas().is_some_and(|areas| areas.iter().any(|&area| area >= min_area));
            count += usize::from(images.contains(image) && has_large());
        });
        count
    }

    /// Bytes in memory, apart from what is mapped.
    pub fn memory(&self) -> usize {
        let images = self.in_memory().len();
        let shapes = self.scan.len() * size_of::<RegionShape>() + images * size_of::<(ImageId, Shapes)>();
        shapes + self.scan.memory() + self.cells.as_ref().map_or(0, Cells::memory)
    }

    /// Number of an image's regions; `None` if it has none. Reads no file.
    pub fn count_of(&self, image: ImageId) -> Option<usize> {
        let own = self.in_memory().get(&image).map(|shapes| shapes.len());
        own.or_else(|| self.cells.as_ref()?.count_of(image))
    }

    /// Where the regions of an image are; `None` if it has none.
    pub fn shapes(&self, image: ImageId) -> Option<Arc<[RegionShape]>> {
        let own = self.in_memory().get(&image).cloned();
        own.or_else(|| Some(self.cells.as_ref()?.shapes(image)?.into()))
    }

    /// A region's stored vector (unit length, decoded from six or eight bits a component).
    pub fn vector(&self, id: RegionId) -> Option<Vec<f32>> {
        let own = self.scan.get(id.key()).map(|vector| vector.decode());
        own.or_else(|| self.cells.as_ref()?.vector(id))
    }

    /// Hands out each image with the number of its regions, in no order, and a way to ask for their
    /// areas.
    fn each_image(&self, mut take: impl FnMut(ImageId, usize, &dyn Fn() -> Option<Vec<f32>>)) {
        for (&image, shapes) in self.in_memory().iter() {
            take(image, shapes.len(), &|| Some(shapes.iter().map(|shape| shape.area).collect()));
        }
        self.cells.iter().for_each(|cells| cells.each_image(&mut take));
    }

    /// Up to `count` regions, spread evenly over images and their regions; the same ones for equal
    /// contents.
    pub fn sample(&self, count: usize) -> Vec<RegionId> {
        let mut images: Vec<(ImageId, usize)> = Vec::new();
        self.each_image(|image, regions, _| images.push((image, regions)));
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
        if min_area <= 0.0 && images.is_none_or(|images| fair::read(&self.all).is_subset(images)) {
            return None;
        }
        let mut set = VectorSet::default();
        self.each_image(|image, count, areas| {
            if !images.is_none_or(|images| images.contains(image)) {
                return;
            }
            let bits = match min_area <= 0.0 {
                true => (1 << count) - 1,
                false => areas().map_or(0, |areas| large(&areas, min_area)),
            };
            set.insert_word(image.0 as usize, bits);
        });
        Some(set)
    }

    /// All shapes and vectors.
    #[cfg(test)]
    pub(crate) fn contents(&self) -> std::collections::BTreeMap<ImageId, Vec<Region>> {
        let mut all = std::collections::BTreeMap::new();
        self.each_image(|image, _, _| _ = all.insert(image, Vec::new()));
        for (&image, regions) in &mut all {
            let shapes = self.shapes(image).unwrap_or_default();
            let vector = |region: u8| self.vector(RegionId { image, region });
            regions.extend(shapes.iter().zip(0..).map(|(shape, region)| (*shape, vector(region))));
        }
        all
    }

    /// Number of regions that no file has.
    #[cfg(test)]
    pub(crate) fn in_memory_only(&self) -> usize {
        self.scan.len()
    }

    // ---- searching ----

    /// What searches, in words.
    pub fn search_name(&self) -> String {
        let scan = format!("exact scan ({})", self.scan.kernel().name());
        match &self.cells {
            Some(cells) => {
                let (count, regions, beside) = (cells.len(), cells.regions(), self.scan.len());
                let damaged = if cells.is_damaged() { "; a part of the files is damaged and left out" } else { "" };
                format!("cells ({count} of {regions} regions, {beside} regions beside them), else {scan}{damaged}")
            }
            None => scan,
        }
    }

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
        self.search(query, k, allowed, |cells, query| cells.search(query, k, allowed))
    }

    /// As [`RegionIndex::nearest`], by comparing all: what the answers of cells are measured by.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`].
    pub fn nearest_exact(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&VectorSet>,
    ) -> Result<Vec<ScoredRegion>, IndexError> {
        self.search(query, k, allowed, |cells, query| cells.search_all(query, k, allowed))
    }

    /// Those in memory come first: a region that goes over to the files meanwhile is then found
    /// twice, and not missed.
    fn search(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&VectorSet>,
        in_cells: impl FnOnce(&Cells, &CellQuery) -> Vec<ScoredVector>,
    ) -> Result<Vec<ScoredRegion>, IndexError> {
        let mut found = self.scan.search(query, k, allowed)?;
        if let Some(cells) = &self.cells {
            found.extend(in_cells(cells, &cells.query(self.scan.prepare(query)?, &unit(query))));
            found.sort_unstable_by(by_rank);
            found.dedup_by_key(|scored| scored.id);
            found.truncate(k);
        }
        Ok(found.into_iter().map(scored).collect())
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
        let planes = self.scan.prepare(query)?;
        let ready = |cells| Ok::<_, IndexError>((cells, Cells::query(cells, self.scan.prepare(query)?, &unit(query))));
        let in_cells = self.cells.as_ref().map(ready);
        Ok(RegionQuery { regions: self, planes, in_cells: in_cells.transpose()? })
    }
}

/// A query made ready to be compared with the regions of images.
pub struct RegionQuery<'a> {
    regions: &'a RegionIndex,
    planes: QueryPlanes,
    in_cells: Option<(&'a Cells, CellQuery)>,
}

impl RegionQuery<'_> {
    /// Cosine of the query with every region of an image, in order of regions.
    pub fn score(&self, image: ImageId) -> Vec<ScoredRegion> {
        let own = self.regions.in_memory().get(&image).map(|shapes| shapes.len());
        let found = match (own, &self.in_cells) {
            (Some(count), _) => self.regions.scan.score_prepared(&self.planes, keys(image, count)),
            (None, Some((cells, query))) => cells.score(query, image),
            (None, None) => Vec::new(),
        };
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

/// A query at length 1; one without a direction was refused.
fn unit(query: &[f32]) -> Vec<f32> {
    let length = query.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    query.iter().map(|&value| (f64::from(value) / length) as f32).collect()
}

/// A bit for each region that covers as much.
fn large(areas: &[f32], min_area: f32) -> u64 {
    areas.iter().zip(0..).fold(0, |bits, (&area, region)| bits | u64::from(area >= min_area) << region)
}

/// The keys of an image's regions.
fn keys(image: ImageId, count: usize) -> impl Iterator<Item = VectorId> {
    (0..count as u8).map(move |region| RegionId { image, region }.key())
}

/// Vectors of an image's regions and the keys that they go by.
pub(crate) fn keyed(image: ImageId, vectors: &[Quantised]) -> impl Iterator<Item = (VectorId, &Quantised)> {
    vectors.iter().zip(0..).map(move |(vector, region)| (RegionId { image, region }.key(), vector))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_encoder::dense::Rect;
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
