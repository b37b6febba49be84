//! Regions in mapped files: an inverted file over their vectors.
//!
//! ```text
//! region-cells/CENTROIDS     cells, groups of cells, starts
//! region-cells/SEGMENT...    images | gone | areas | rows | starts | codes
//! ```
//!
//! - A **segment** has the regions of some images ([`segment`]): rows of int8 and shapes image by
//!   image, and codes of a few bits a component cell by cell. A search reads the codes of the cells
//!   nearest to the query, and puts in order, by their rows, those that may be among the best.
//! - Segments are never changed. What comes later is a new segment; images that it has, and those
//!   that it says are gone, count no more in older ones.
//! - In memory there are centroids, and 16 bytes an image.
//!
//! Which files count stands in the store ([`CellsEntry`]), with the revision that they hold.

mod search;
mod segment;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::RwLock;

use self::segment::Segment;
pub(crate) use self::write::{OF_EACH, SegmentWriter, StoredImage, cells_of, sweep, train, write_centroids};
use super::{RegionId, RegionShape};
use crate::snapshot::mapped::MappedFile;
use crate::snapshot::{SnapshotError, require};
use crate::store::region_cells::{CellsEntry, FORMAT};
use crate::vectors::ivf::{Centroids, Coder};
use crate::vectors::{Kernel, QueryPlanes, ScoredVector};
use crate::{IdSet, ImageId, fair};

/// Bits a component of a code. To find the nearest 2,000 of 9,000 regions of one kind, 6,400 rows
/// have to be read after codes of one bit, 4,300 after two, and 2,600 after four, which take 3, 6
/// and 12 KB an image (`benches/RESULTS-scale.md`).
const BITS: u32 = 2;
/// Of the rotation.
const SEED: u64 = 0x5eed_0fce_1150;

/// The regions of a library's images in mapped files.
pub(crate) struct Cells {
    dim: usize,
    kernel: Kernel,
    centroids: Centroids,
    coder: Coder,
    /// The oldest first.
    segments: Vec<Segment>,
    /// Images whose regions in segments count no more.
    dead: RwLock<IdSet>,
    /// Images and regions that count.
    images: AtomicUsize,
    regions: AtomicUsize,
}

/// How codes are made of vectors of `dim`.
fn coder(dim: usize) -> Coder {
    Coder::new(dim, BITS, SEED)
}

impl Cells {
    /// Maps the files of an entry, which are in `dir`.
    pub(crate) fn open(dir: &Path, entry: &CellsEntry, dim: usize) -> Result<Self, SnapshotError> {
        require(entry.format == FORMAT, "they are of another format")?;
        let (file, facts): (_, usize) = MappedFile::open(dir, &entry.centroids)?;
        require(facts == dim, "centroids are of another width")?;
        let centroids = Centroids::of_bytes(dim, [file.section(0)?, file.section(1)?, file.section(2)?]);
        let centroids = centroids.ok_or_else(|| SnapshotError("there are no centroids".to_owned()))?;
        let mut segments = Vec::with_capacity(entry.segments.len());
        let mut later = IdSet::default();
        for segment in entry.segments.iter().rev() {
            let mut segment = Segment::open(dir, &segment.manifest, dim, centroids.len())?;
            segment.count_without(&mut later);
            segments.push(segment);
        }
        segments.reverse();
        let count = |of: fn(&Segment) -> usize| AtomicUsize::new(segments.iter().map(of).sum());
        let (images, regions) = (count(Segment::images), count(Segment::regions));
        let (kernel, dead) = (Kernel::best(), RwLock::default());
        Ok(Self { dim, kernel, centroids, coder: coder(dim), segments, dead, images, regions })
    }

    /// What vectors are coded relative to.
    pub(crate) fn centroids(&self) -> &Centroids {
        &self.centroids
    }

    /// Number of images whose regions count.
    pub(crate) fn images(&self) -> usize {
        self.images.load(Relaxed)
    }

    /// Number of regions that count.
    pub(crate) fn regions(&self) -> usize {
        self.regions.load(Relaxed)
    }

    /// Number of cells.
    pub(crate) fn len(&self) -> usize {
        self.centroids.len()
    }

    /// Bytes in memory, apart from what is mapped.
    pub(crate) fn memory(&self) -> usize {
        self.centroids.memory() + self.segments.iter().map(Segment::memory).sum::<usize>()
    }

    /// True if something that was read was damaged.
    pub(crate) fn is_damaged(&self) -> bool {
        self.segments.iter().any(|segment| segment.file().is_damaged())
    }

    /// Reads all that is mapped; how many blocks are damaged.
    pub(crate) fn damaged_blocks(&self) -> usize {
        self.segments.iter().map(|segment| segment.file().damaged_blocks()).sum()
    }

    // ---- images ----

    /// Where the regions of an image are that counts.
    fn locate(&self, image: ImageId) -> Option<(&Segment, std::ops::Range<usize>)> {
        if fair::read(&self.dead).contains(image) {
            return None;
        }
        self.segments.iter().rev().find_map(|segment| Some((segment, segment.rows_of(image)?)))
    }

    /// Number of an image's regions; `None` if it has none here.
    pub(crate) fn count_of(&self, image: ImageId) -> Option<usize> {
        self.locate(image).map(|(_, rows)| rows.len())
    }

    /// Where the regions of an image are; `None` if it has none here, or they are damaged.
    pub(crate) fn shapes(&self, image: ImageId) -> Option<Vec<RegionShape>> {
        let (segment, rows) = self.locate(image)?;
        segment.prefetch_rows(rows.clone());
        rows.map(|row| segment.shape(row)).collect()
    }

    /// A region's vector.
    pub(crate) fn vector(&self, id: RegionId) -> Option<Vec<f32>> {
        let (segment, rows) = self.locate(id.image)?;
        let (row, scale) =
            segment.row(rows.start + usize::from(id.region)).filter(|_| usize::from(id.region) < rows.len())?;
        Some(row[..self.dim].iter().map(|&offset| f32::from((offset ^ 0x80).cast_signed()) * scale).collect())
    }

    /// Cosine of a query with each region of an image.
    pub(crate) fn score(&self, query: &QueryPlanes, image: ImageId) -> Vec<ScoredVector> {
        let Some((segment, rows)) = self.locate(image) else { return Vec::new() };
        segment.prefetch_rows(rows.clone());
        let score = |(row, region): (usize, u8)| {
            let (row, scale) = segment.row(row)?;
            let id = RegionId { image, region }.key();
            Some(ScoredVector { id, score: query.cosine(self.kernel, row, scale) })
        };
        rows.zip(0..).filter_map(score).collect()
    }

    /// True if the regions of an image are here that made this fingerprint.
    pub(crate) fn has(&self, image: ImageId, fingerprint: u32) -> bool {
        self.locate(image).is_some_and(|(segment, _)| segment.fingerprint(image) == Some(fingerprint))
    }

    /// The regions of an image count no more.
    pub(crate) fn mask(&self, image: ImageId) {
        if let Some((_, rows)) = self.locate(image)
            && self.dead.write().insert(image)
        {
            self.images.fetch_sub(1, Relaxed);
            self.regions.fetch_sub(rows.len(), Relaxed);
        }
    }

    /// Hands out each image that counts, segment by segment, with the number of its regions, and
    /// the areas of these to be asked for; `None` for those that are damaged.
    pub(crate) fn each_image(&self, mut take: impl FnMut(ImageId, usize, &dyn Fn() -> Option<Vec<f32>>)) {
        let dead = fair::read(&self.dead);
        for segment in &self.segments {
            for (image, rows) in segment.counting().filter(|(image, _)| !dead.contains(*image)) {
                take(image, rows.len(), &|| segment.areas(rows.clone()));
            }
        }
    }

    /// The images of the segments from one on, by number, that still count.
    pub(crate) fn images_from(&self, segment: usize) -> Vec<ImageId> {
        let dead = fair::read(&self.dead);
        let images = self.segments[segment..].iter().flat_map(Segment::counting).map(|(image, _)| image);
        let mut images: Vec<ImageId> = images.filter(|&image| !dead.contains(image)).collect();
        images.sort_unstable();
        images
    }

    /// Images that the segments from one on say are gone.
    pub(crate) fn gone_from(&self, segment: usize) -> Vec<ImageId> {
        self.segments[segment..].iter().flat_map(|segment| segment.gone().iter().map(|&id| ImageId(id))).collect()
    }

    /// True if segments before one have regions of an image, counting or not.
    pub(crate) fn is_before(&self, segment: usize, image: ImageId) -> bool {
        self.segments[..segment].iter().any(|segment| segment.holds(image))
    }
}
