//! A segment: the regions of some images in one mapped file.

use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use bytemuck::{Pod, Zeroable};
use glimpse_encoder::dense::{MAX_REGIONS, Rect};

use super::super::{RegionId, RegionShape};
use super::coder;
use crate::snapshot::mapped::MappedFile;
use crate::snapshot::{SnapshotError, SnapshotManifest, require};
use crate::vectors::ivf::RowCoder;
use crate::{IdSet, ImageId};

/// Sections in their order.
pub(super) mod section {
    /// `rows`: row by row a vector ([`RowCoder`]) and the region's shape.
    pub const ROWS: usize = 0;
    /// `images`: [`super::PlacedImage`] by number.
    pub const IMAGES: usize = 1;
    /// `gone`: images (u64) that count no more in older segments.
    pub const GONE: usize = 2;
    /// `areas`: that of each row (f32).
    pub const AREAS: usize = 3;
    /// `starts`: where the codes of each cell begin (u32), and their number.
    pub const STARTS: usize = 4;
    /// `codes`: cell by cell a code with its factor and bound, and its [`super::Owner`].
    pub const CODES: usize = 5;
    /// `images`, `gone` and `starts` once more, since nothing else can be read without them.
    pub const AGAIN: [(usize, usize); 3] = [(IMAGES, 6), (GONE, 7), (STARTS, 8)];
}

/// What is said of the whole.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Facts {
    pub dim: usize,
    /// Bytes of a code with all that stands beside it.
    pub record: usize,
    pub rows: usize,
    pub images: usize,
}

/// An image, and which rows are its regions': from here to those of the next.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct PlacedImage {
    pub image: u64,
    pub first: u32,
    /// Of what the store has of its regions.
    pub fingerprint: u32,
}

/// What a file has of the codes of an image, region by region.
pub(crate) struct FiledCodes {
    /// The cell of each.
    pub(crate) cells: Vec<u32>,
    /// Codes with what stands beside them, that they belong to a place in the old file included.
    pub(crate) records: Vec<u8>,
}

/// Bytes of a row: vector and shape.
pub(super) fn row_bytes(dim: usize) -> usize {
    vector_bytes(dim) + 24
}

/// Bytes of a vector.
pub(super) fn vector_bytes(dim: usize) -> usize {
    RowCoder::bytes(dim)
}

/// Bytes of a code with all that stands beside it.
pub(super) fn record_bytes(dim: usize) -> usize {
    coder(dim).bytes() + size_of::<Owner>()
}

/// Whose a code is: the image's place among those of the segment, and the region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Owner(u32);

impl Owner {
    const REGION_BITS: u32 = 6;
    /// Images that a segment has room for.
    pub const MOST_IMAGES: usize = 1 << (u32::BITS - Self::REGION_BITS);

    pub fn new(place: usize, region: usize) -> Self {
        Self((place << Self::REGION_BITS | region) as u32)
    }

    /// Of the record of a code, which it ends.
    #[inline]
    pub fn of(record: &[u8]) -> Self {
        Self(record.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes)))
    }

    pub fn to_bytes(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    #[inline]
    fn place(self) -> usize {
        (self.0 >> Self::REGION_BITS) as usize
    }

    #[inline]
    fn region(self) -> u8 {
        (self.0 & ((1 << Self::REGION_BITS) - 1)) as u8
    }
}

/// The place of a code that cannot be read.
const NOWHERE: u32 = u32::MAX;

pub(super) struct Segment {
    file: MappedFile,
    dim: usize,
    record: usize,
    rows: usize,
    images: Vec<PlacedImage>,
    gone: Vec<u64>,
    starts: Vec<u32>,
    /// Images whose regions here count no more, since later segments have or lack them.
    stale: IdSet,
    stale_regions: usize,
    without_codes: OnceLock<Vec<(RegionId, u32)>>,
}

impl Segment {
    pub(super) fn open(dir: &Path, manifest: &SnapshotManifest, dim: usize) -> Result<Self, SnapshotError> {
        let (file, facts): (_, Facts) = MappedFile::open(dir, manifest)?;
        let Facts { rows, record, .. } = facts;
        let lengths = |section: usize, each: usize, count: usize| {
            Ok::<_, SnapshotError>(Some(file.len(section)?) == each.checked_mul(count))
        };
        let fits = facts.dim == dim
            && record == record_bytes(dim)
            && lengths(section::ROWS, row_bytes(dim), rows)?
            && lengths(section::AREAS, 4, rows)?
            && lengths(section::CODES, record, rows)?;
        require(fits, "a section has another length")?;
        let images: Vec<PlacedImage> = values(&file, section::IMAGES)?;
        let starts: Vec<u32> = values(&file, section::STARTS)?;
        let gone: Vec<u64> = values(&file, section::GONE)?;
        let firsts = images.iter().map(|placed| placed.first as usize).chain([rows]);
        let counts: Vec<usize> =
            firsts.clone().zip(firsts.clone().skip(1)).map(|(first, next)| next.wrapping_sub(first)).collect();
        let sound = images.is_sorted_by(|a, b| a.image < b.image)
            && images.last().is_none_or(|last| last.image < 1 << 57)
            && gone.iter().all(|&image| image < 1 << 57)
            && firsts.clone().next() == Some(0)
            && counts.iter().all(|count| (1..=MAX_REGIONS).contains(count))
            && starts.len() > 1
            && starts.is_sorted()
            && starts.first() == Some(&0)
            && starts.last().is_some_and(|&last| last as usize == rows);
        require(sound, "images, regions and cells do not belong together")?;
        let (stale, stale_regions, without_codes) = (IdSet::default(), 0, OnceLock::new());
        Ok(Self { file, dim, record, rows, images, gone, starts, stale, stale_regions, without_codes })
    }

    /// Number of cells that its codes lie in.
    pub(super) fn cells(&self) -> usize {
        self.starts.len() - 1
    }

    pub(super) fn file(&self) -> &MappedFile {
        &self.file
    }

    /// Lets images not count that later segments have or lack, and adds to these.
    pub(super) fn count_without(&mut self, later: &mut IdSet) {
        if !later.is_empty() {
            let stale = self.images.iter().map(|placed| ImageId(placed.image)).filter(|&image| later.contains(image));
            self.stale = stale.collect();
            self.stale_regions = self.stale.iter().filter_map(|image| Some(self.place(image)?.1.len())).sum();
        }
        let images = self.images.iter().map(|placed| placed.image).chain(self.gone.iter().copied());
        images.for_each(|image| _ = later.insert(ImageId(image)));
    }

    /// Number of images that count.
    pub(super) fn images(&self) -> usize {
        self.images.len() - self.stale.len()
    }

    /// Number of regions that count.
    pub(super) fn regions(&self) -> usize {
        self.rows - self.stale_regions
    }

    pub(super) fn gone(&self) -> &[u64] {
        &self.gone
    }

    pub(super) fn memory(&self) -> usize {
        self.file.memory() + size_of_val(self.images.as_slice()) + 4 * self.starts.len() + 8 * self.gone.len()
    }

    // ---- images ----

    fn place(&self, image: ImageId) -> Option<(usize, Range<usize>)> {
        let place = self.images.binary_search_by_key(&image.0, |placed| placed.image).ok()?;
        Some((place, self.rows_at(place)))
    }

    fn rows_at(&self, place: usize) -> Range<usize> {
        let end = self.images.get(place + 1).map_or(self.rows, |next| next.first as usize);
        self.images[place].first as usize..end
    }

    pub(super) fn holds(&self, image: ImageId) -> bool {
        self.place(image).is_some()
    }

    /// The rows of an image that counts.
    pub(super) fn rows_of(&self, image: ImageId) -> Option<Range<usize>> {
        self.place(image).filter(|_| !self.is_stale(image)).map(|(_, rows)| rows)
    }

    pub(super) fn fingerprint(&self, image: ImageId) -> Option<u32> {
        self.place(image).map(|(place, _)| self.images[place].fingerprint)
    }

    #[inline]
    pub(super) fn is_stale(&self, image: ImageId) -> bool {
        !self.stale.is_empty() && self.stale.contains(image)
    }

    /// Images that count, and their rows.
    pub(super) fn counting(&self) -> impl Iterator<Item = (ImageId, Range<usize>)> + '_ {
        let all = self.images.iter().enumerate().map(|(place, placed)| (ImageId(placed.image), self.rows_at(place)));
        all.filter(|(image, _)| !self.is_stale(*image))
    }

    // ---- rows ----

    fn row_range(&self, rows: Range<usize>) -> Range<usize> {
        rows.start * row_bytes(self.dim)..rows.end * row_bytes(self.dim)
    }

    pub(super) fn prefetch_rows(&self, rows: Range<usize>) {
        self.file.prefetch_unread(section::ROWS, self.row_range(rows));
    }

    /// A vector; `None` if it is damaged.
    #[inline]
    pub(super) fn row(&self, row: usize) -> Option<&[u8]> {
        let bytes = self.file.bytes(section::ROWS, self.row_range(row..row.checked_add(1)?))?;
        Some(&bytes[..vector_bytes(self.dim)])
    }

    /// The vectors of rows, one behind the other; `None` if one is damaged.
    pub(super) fn vectors(&self, rows: Range<usize>) -> Option<Vec<u8>> {
        self.prefetch_rows(rows.clone());
        let mut vectors = Vec::with_capacity(rows.len() * vector_bytes(self.dim));
        for row in rows {
            vectors.extend(self.row(row)?);
        }
        Some(vectors)
    }

    /// The region of a code, and its row; `None` if there is no such region.
    #[inline]
    pub(super) fn region(&self, owner: Owner) -> Option<(RegionId, usize)> {
        let placed = self.images.get(owner.place())?;
        let region = RegionId { image: ImageId(placed.image), region: owner.region() };
        Some((region, placed.first as usize + usize::from(region.region)))
    }

    pub(super) fn shape(&self, row: usize) -> Option<RegionShape> {
        let bytes = self.file.bytes(section::ROWS, self.row_range(row..row.checked_add(1)?))?;
        let fields = bytes[vector_bytes(self.dim)..].as_chunks::<4>().0;
        let [left, top, right, bottom, area] = std::array::from_fn(|i| f32::from_le_bytes(fields[i]));
        Some(RegionShape { rect: Rect { left, top, right, bottom }, area, leaves: u32::from_le_bytes(fields[5]) })
    }

    pub(super) fn areas(&self, rows: Range<usize>) -> Option<Vec<f32>> {
        match self.file.bytes(section::AREAS, 4 * rows.start..4 * rows.end) {
            Some(bytes) => Some(bytes.as_chunks().0.iter().map(|area| f32::from_le_bytes(*area)).collect()),
            None => rows.map(|row| Some(self.shape(row)?.area)).collect(), // which says the same
        }
    }

    // ---- codes ----

    /// Bytes of a code with all that stands beside it.
    pub(super) fn record(&self) -> usize {
        self.record
    }

    /// Number of codes of a cell.
    pub(super) fn size(&self, cell: usize) -> usize {
        (self.starts[cell + 1] - self.starts[cell]) as usize
    }

    fn code_range(&self, cell: usize) -> Range<usize> {
        self.starts[cell] as usize * self.record..self.starts[cell + 1] as usize * self.record
    }

    /// Where the code of each row lies among all; [`NOWHERE`] for those that are damaged.
    pub(super) fn code_places(&self) -> Vec<u32> {
        let mut places = vec![NOWHERE; self.rows];
        for cell in 0..self.cells() {
            self.prefetch_codes(cell);
            let records = self.codes(cell).unwrap_or_default().chunks_exact(self.record);
            for (place, record) in (self.starts[cell]..).zip(records) {
                let row = self.region(Owner::of(record)).and_then(|(_, row)| places.get_mut(row));
                row.into_iter().for_each(|row| *row = place);
            }
        }
        places
    }

    /// The regions whose codes are damaged, and their rows; looked for once.
    pub(super) fn without_codes(&self) -> &[(RegionId, u32)] {
        self.without_codes.get_or_init(|| {
            let places = self.code_places();
            let regions = self.images.iter().enumerate().flat_map(|(place, placed)| {
                self.rows_at(place)
                    .zip(0..)
                    .map(|(row, region)| (RegionId { image: ImageId(placed.image), region }, row as u32))
            });
            regions.filter(|&(_, row)| places[row as usize] == NOWHERE).collect()
        })
    }

    /// The codes in some places of all; `None` if one is damaged.
    pub(super) fn codes_at(&self, places: &[u32]) -> Option<FiledCodes> {
        let mut codes = FiledCodes { cells: Vec::new(), records: Vec::new() };
        for &place in places {
            let cell = self.starts.partition_point(|&start| start <= place).checked_sub(1)?;
            let start = usize::try_from(place).ok()?.checked_mul(self.record)?;
            codes.records.extend(self.file.bytes(section::CODES, start..start.checked_add(self.record)?)?);
            codes.cells.push(u32::try_from(cell).ok()?);
        }
        Some(codes)
    }

    pub(super) fn prefetch_codes(&self, cell: usize) {
        self.file.prefetch(section::CODES, self.code_range(cell));
    }

    /// The codes of a cell; `None` if they are damaged.
    pub(super) fn codes(&self, cell: usize) -> Option<&[u8]> {
        self.file.bytes(section::CODES, self.code_range(cell))
    }
}

/// A section that stands there twice.
fn values<T: Pod>(file: &MappedFile, section: usize) -> Result<Vec<T>, SnapshotError> {
    let again = section::AGAIN.into_iter().find(|(first, _)| *first == section);
    let second = |error| again.map_or(Err(error), |(_, again)| file.section(again));
    let bytes = file.section(section).or_else(second)?;
    require(bytes.len().is_multiple_of(size_of::<T>()), "a section ends within a value")?;
    Ok(bytemuck::pod_collect_to_vec(bytes))
}
