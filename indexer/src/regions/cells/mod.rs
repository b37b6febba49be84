//! Regions in mapped files: an inverted file over their vectors.
//!
//! ```text
//! region-cells/CENTROIDS     cells, groups of cells, starts
//! region-cells/SEGMENT...    rows | images | gone | areas | starts | codes | images | gone | starts
//! ```
//!
//! - A **segment** has the regions of some images ([`segment`]): rows of six bits a component and
//!   shapes image by image, and codes of one bit a component cell by cell. A search reads the codes
//!   of the cells nearest to the query, and puts in order, by their rows, those that may be among
//!   the best.
//! - Segments are never changed. What comes later is a new segment; images that it has, and those
//!   that it says are gone, count no more in older ones.
//! - In memory there are centroids, and 16 bytes an image.
//! - Rows are the only place of their vectors once the store gave these up. A damaged block costs
//!   the images in it, a segment that cannot be read all of its images, and centroids only time.
//!
//! Which files count stands in the store ([`CellsEntry`]), with the revision that they hold.

mod codes;
mod search;
mod segment;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::RwLock;

pub(crate) use self::codes::CodePlaces;
use self::segment::{Facts, Segment};
pub(crate) use self::write::{
    OF_EACH, RegionRows, SegmentWriter, StoredImage, cells_of, sweep, train, write_centroids,
};
use super::{RegionId, RegionShape};
use crate::snapshot::SnapshotManifest;
use crate::snapshot::mapped::MappedFile;
use crate::snapshot::{SnapshotError, require};
use crate::store::region_cells::{CellsEntry, FORMAT, SegmentEntry};
use crate::vectors::ivf::{Centroids, CodeQuery, Coder, RowCoder, RowQuery};
use crate::vectors::{Kernel, Quantised, QueryPlanes, ScoredVector};
use crate::{IdSet, ImageId, fair};

/// Bits a component of a code. To find the nearest 2,000 of 9,000 regions of one kind, 6,400 rows
/// have to be read after codes of one bit, 4,300 after two, and 2,600 after four, which take 3, 6
/// and 12 KB an image (`benches/RESULTS-scale.md`).
const BITS: u32 = 1;
/// Of the rotation.
const SEED: u64 = 0x5eed_0fce_1150;

/// The regions of a library's images in mapped files.
pub(crate) struct Cells {
    dim: usize,
    kernel: Kernel,
    /// Without them all rows are compared.
    centroids: Option<Centroids>,
    coder: Coder,
    rows: RowCoder,
    /// The oldest first.
    segments: Vec<Segment>,
    faults: Vec<String>,
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

fn read_centroids(dir: &Path, manifest: &SnapshotManifest, dim: usize) -> Result<Centroids, SnapshotError> {
    let (file, facts): (_, usize) = MappedFile::open(dir, manifest)?;
    require(facts == dim, "centroids are of another width")?;
    let centroids = Centroids::of_bytes(dim, [file.section(0)?, file.section(1)?, file.section(2)?]);
    centroids.ok_or_else(|| SnapshotError("there are no centroids".to_owned()))
}

/// Images and regions of the segment of a manifest; `None` if it is none that can be read.
pub(crate) fn about_segment(dir: &Path, manifest: &SnapshotManifest) -> Option<(usize, usize)> {
    let (_, Facts { rows, images, .. }) = MappedFile::open(dir, manifest).ok()?;
    Some((images, rows))
}

/// The width of the centroids of a manifest; `None` if they are none that can be read.
pub(crate) fn about_centroids(dir: &Path, manifest: &SnapshotManifest) -> Option<usize> {
    Some(MappedFile::open(dir, manifest).ok()?.1)
}

/// How rows are made of vectors of `dim`.
fn row_coder(dim: usize) -> RowCoder {
    RowCoder::new(dim, SEED)
}

/// A query made ready for the files.
pub(crate) struct CellQuery {
    /// For centroids.
    planes: QueryPlanes,
    codes: CodeQuery,
    rows: RowQuery,
}

impl Cells {
    /// Maps the files of an entry, which are in `dir`. Those that cannot be read are left out
    /// ([`Cells::faults`]).
    ///
    /// # Errors
    /// If they are of a format that is not this one.
    pub(crate) fn open(dir: &Path, entry: &CellsEntry, dim: usize) -> Result<Self, SnapshotError> {
        require(entry.format == FORMAT, "they are of another format")?;
        let mut faults = Vec::new();
        let mut fault = |manifest: &SnapshotManifest, reason| {
            faults.push(format!("{}: {reason}", dir.join(manifest.name()).display()));
        };
        let mut segments = Vec::with_capacity(entry.segments.len());
        let mut later = IdSet::default();
        for SegmentEntry { manifest, .. } in entry.segments.iter().rev() {
            match Segment::open(dir, manifest, dim) {
                Ok(mut segment) => {
                    segment.count_without(&mut later);
                    segments.push(segment);
                }
                Err(reason) => fault(manifest, reason),
            }
        }
        segments.reverse();
        let fits = |centroids: &Centroids| segments.iter().all(|segment| segment.cells() == centroids.len());
        let centroids = read_centroids(dir, &entry.centroids, dim).and_then(|centroids| {
            require(fits(&centroids), "it has other cells than the segments")?;
            Ok(centroids)
        });
        let centroids = centroids.map_err(|reason| fault(&entry.centroids, reason)).ok();
        let count = |of: fn(&Segment) -> usize| AtomicUsize::new(segments.iter().map(of).sum());
        let (images, regions) = (count(Segment::images), count(Segment::regions));
        let (kernel, dead) = (Kernel::best(), RwLock::default());
        Ok(Self {
            dim,
            kernel,
            centroids,
            coder: coder(dim),
            rows: row_coder(dim),
            segments,
            faults,
            dead,
            images,
            regions,
        })
    }

    /// What of the files cannot be read as a whole, in words.
    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }

    /// What vectors are coded relative to.
    pub(crate) fn centroids(&self) -> Option<&Centroids> {
        self.centroids.as_ref()
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
        self.centroids.as_ref().map_or(0, Centroids::len)
    }

    /// Bytes in memory, apart from what is mapped.
    pub(crate) fn memory(&self) -> usize {
        self.centroids.as_ref().map_or(0, Centroids::memory) + self.segments.iter().map(Segment::memory).sum::<usize>()
    }

    /// True if a file cannot be read, or something that was read was damaged.
    pub(crate) fn is_damaged(&self) -> bool {
        !self.faults.is_empty() || self.segments.iter().any(|segment| segment.file().is_damaged())
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

    /// A region's vector, of length 1.
    pub(crate) fn vector(&self, id: RegionId) -> Option<Vec<f32>> {
        let (segment, rows) = self.locate(id.image)?;
        let row = segment.row(rows.start + usize::from(id.region)).filter(|_| usize::from(id.region) < rows.len())?;
        Some(self.rows.decode(row))
    }

    /// Makes a query ready; `unit` is it at length 1.
    pub(crate) fn query(&self, planes: QueryPlanes, unit: &[f32]) -> CellQuery {
        CellQuery { planes, codes: self.coder.query(unit), rows: self.rows.query(unit) }
    }

    /// Cosine of a query with each region of an image.
    pub(crate) fn score(&self, query: &CellQuery, image: ImageId) -> Vec<ScoredVector> {
        let Some((segment, rows)) = self.locate(image) else { return Vec::new() };
        segment.prefetch_rows(rows.clone());
        let score = |(row, region): (usize, u8)| {
            let id = RegionId { image, region }.key();
            Some(ScoredVector { id, score: query.rows.cosine(self.kernel, segment.row(row)?) })
        };
        rows.zip(0..).filter_map(score).collect()
    }

    /// The rows of an image's regions that were stored under this fingerprint; `None` if they are
    /// not here, or damaged.
    pub(crate) fn rows_of(&self, image: ImageId, fingerprint: u32) -> Option<Vec<u8>> {
        let (segment, rows) = self.locate(image)?;
        (segment.fingerprint(image) == Some(fingerprint)).then(|| segment.vectors(rows)).flatten()
    }

    /// The vectors of rows.
    pub(crate) fn vectors_of(&self, rows: &[u8]) -> Option<Vec<Quantised>> {
        rows.chunks_exact(RowCoder::bytes(self.dim)).map(|row| Quantised::encode(&self.rows.decode(row))).collect()
    }

    /// The rows that vectors become.
    pub(crate) fn encoded(&self, vectors: &[Quantised]) -> Vec<u8> {
        let mut rows = Vec::with_capacity(vectors.len() * RowCoder::bytes(self.dim));
        vectors.iter().for_each(|vector| self.rows.encode(vector.planes(), &mut rows));
        rows
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
