//! Making the files, in passes that hold no more than a few bytes a region: rows are written as
//! they come from the store, codes go to a file beside them, and from there, cell by cell, behind
//! the rows.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use glimpse_encoder::dense::RegionMap;
use rayon::prelude::*;

use super::super::RegionShape;
use super::segment::{Facts, FiledCodes, Owner, PlacedImage, record_bytes, row_bytes, vector_bytes};
use super::{SEED, coder, row_coder};
use crate::ImageId;
use crate::snapshot::SnapshotManifest;
use crate::snapshot::mapped::{FileMap, MappedWriter};
use crate::store::region_cells::SegmentEntry;
use crate::vectors::ivf::{Centroids, Coder, RowCoder, Sample, Scratch};
use crate::vectors::{Kernel, Planes, Quantised};

/// Vectors of a sample for each cell.
pub(crate) const OF_EACH: usize = 32;

/// The regions of an image as the store has them, or another file.
pub(crate) struct StoredImage {
    pub(crate) image: ImageId,
    pub(crate) fingerprint: u32,
    pub(crate) map: RegionMap,
    pub(crate) vectors: RegionRows,
}

/// The vectors of an image's regions, and what a file has of them already.
pub(crate) enum RegionRows {
    /// Nothing.
    New(Vec<Quantised>),
    /// Their rows.
    Filed(Vec<Quantised>, Vec<u8>),
    /// Rows, and codes of the same cells.
    Coded(Vec<u8>, FiledCodes),
}

impl RegionRows {
    /// The vectors, where they were needed.
    pub(crate) fn vectors(&self) -> &[Quantised] {
        match self {
            Self::New(vectors) | Self::Filed(vectors, _) => vectors,
            Self::Coded(..) => &[],
        }
    }
}

/// How many cells so many regions are put into.
pub(crate) fn cells_of(regions: usize) -> usize {
    (2.0 * (regions as f64).sqrt()).ceil() as usize
}

/// Cells for a sample, which is not empty.
pub(crate) fn train(sample: &Sample, cells: usize) -> io::Result<Centroids> {
    Centroids::train(sample, cells, SEED)
}

/// Writes the file of centroids.
pub(crate) fn write_centroids(dir: &Path, dim: usize, centroids: &Centroids) -> io::Result<SnapshotManifest> {
    let mut writer = MappedWriter::begin(dir)?;
    for section in centroids.to_bytes() {
        writer.section()?;
        writer.append(&section)?;
    }
    writer.finish(dir, dim)
}

/// Removes all files but these.
pub(crate) fn sweep<'a>(dir: &Path, keep: impl Iterator<Item = &'a SnapshotManifest>) {
    let keep: Vec<&str> = keep.map(SnapshotManifest::name).collect();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if !keep.iter().any(|&name| entry.file_name() == name) {
            // What cannot be removed now, since it is mapped perhaps, is removed next time.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A segment that is being written.
pub(crate) struct SegmentWriter<'a> {
    dir: PathBuf,
    dim: usize,
    centroids: &'a Centroids,
    coder: Coder,
    row_coder: RowCoder,
    file: MappedWriter,
    /// Codes in the order of rows.
    codes: BufWriter<tempfile::NamedTempFile>,
    /// The cell of each row.
    cells: Vec<u32>,
    areas: Vec<f32>,
    images: Vec<PlacedImage>,
}

/// What becomes of an image's regions.
struct Encoded {
    rows: Vec<u8>,
    codes: Vec<u8>,
    cells: Vec<u32>,
    areas: Vec<f32>,
}

impl<'a> SegmentWriter<'a> {
    /// Begins a segment in `dir`, which is made if need be.
    pub(crate) fn begin(dir: &Path, dim: usize, centroids: &'a Centroids) -> io::Result<Self> {
        let mut file = MappedWriter::begin(dir)?;
        file.section()?;
        let codes = BufWriter::with_capacity(1 << 20, tempfile::NamedTempFile::new_in(dir)?);
        let (cells, areas, images) = (Vec::new(), Vec::new(), Vec::new());
        let (coder, row_coder) = (coder(dim), row_coder(dim));
        Ok(Self { dir: dir.to_path_buf(), dim, centroids, coder, row_coder, file, codes, cells, areas, images })
    }

    /// Adds images with regions, behind all others by number; on all threads of the current pool.
    pub(crate) fn add(&mut self, images: &[StoredImage]) -> io::Result<()> {
        let mut first = self.cells.len();
        let mut places = Vec::with_capacity(images.len());
        for image in images {
            places.push(first);
            first += image.map.len();
        }
        if u32::try_from(first).is_err() || self.images.len() + images.len() > Owner::MOST_IMAGES {
            return Err(io::Error::other("a segment has room for 4,294,967,295 regions of 67,108,864 images"));
        }
        let place = self.images.len();
        let vectors: Vec<Planes<'_>> =
            images.iter().flat_map(|image| image.vectors.vectors()).map(Quantised::planes).collect();
        let nearest = self.centroids.cells_of(Kernel::best(), &vectors);
        let mut rest = nearest.as_slice();
        let cells: Vec<&[u32]> =
            images.iter().filter_map(|image| rest.split_off(..image.vectors.vectors().len())).collect();
        let encode = |(turn, (image, cells)): (usize, (&StoredImage, &&[u32]))| self.encode(image, place + turn, cells);
        let encoded: Vec<Encoded> = images.par_iter().zip(&cells).enumerate().map(encode).collect();
        for ((image, first), mut encoded) in images.iter().zip(places).zip(encoded) {
            self.file.append(&encoded.rows)?;
            self.codes.write_all(&encoded.codes)?;
            self.cells.append(&mut encoded.cells);
            self.areas.append(&mut encoded.areas);
            let StoredImage { image, fingerprint, .. } = image;
            self.images.push(PlacedImage { image: image.0, first: first as u32, fingerprint: *fingerprint });
        }
        Ok(())
    }

    /// `place` is that of the image in the segment, and `cells` are those of vectors that have no
    /// codes yet.
    fn encode(&self, image: &StoredImage, place: usize, cells: &[u32]) -> Encoded {
        let vectors: Cow<'_, [u8]> = match &image.vectors {
            RegionRows::New(vectors) => Cow::Owned(self.rows_of(vectors)),
            RegionRows::Filed(_, rows) | RegionRows::Coded(rows, _) => Cow::Borrowed(rows),
        };
        let (cells, mut codes) = match &image.vectors {
            RegionRows::New(vectors) | RegionRows::Filed(vectors, _) => (cells.to_vec(), self.codes_of(vectors, cells)),
            RegionRows::Coded(_, FiledCodes { cells, records }) => (cells.clone(), records.clone()),
        };
        let (mut rows, mut areas) = (Vec::with_capacity(cells.len() * row_bytes(self.dim)), Vec::new());
        let records = codes.chunks_exact_mut(record_bytes(self.dim));
        for (region, (vector, record)) in vectors.chunks_exact(vector_bytes(self.dim)).zip(records).enumerate() {
            let shape = RegionShape::of(&image.map, region);
            let rect = [shape.rect.left, shape.rect.top, shape.rect.right, shape.rect.bottom, shape.area];
            rows.extend(vector);
            rows.extend(rect.iter().flat_map(|value| value.to_le_bytes()));
            rows.extend(shape.leaves.to_le_bytes());
            areas.push(shape.area);
            let owner = record.last_chunk_mut();
            owner.into_iter().for_each(|owner| *owner = Owner::new(place, region).to_bytes());
        }
        Encoded { rows, codes, cells, areas }
    }

    fn rows_of(&self, vectors: &[Quantised]) -> Vec<u8> {
        let mut rows = Vec::with_capacity(vectors.len() * vector_bytes(self.dim));
        vectors.iter().for_each(|vector| self.row_coder.encode(vector.planes(), &mut rows));
        rows
    }

    /// The codes of vectors in their cells, of which it is not said yet whose they are.
    fn codes_of(&self, vectors: &[Quantised], cells: &[u32]) -> Vec<u8> {
        let record = record_bytes(self.dim);
        let mut codes = vec![0; vectors.len() * record];
        let (mut residual, mut scratch) = (Vec::new(), Scratch::default());
        for ((vector, &cell), record) in vectors.iter().zip(cells).zip(codes.chunks_exact_mut(record)) {
            self.centroids.residual(vector.planes(), cell, &mut residual);
            let code = self.coder.bytes();
            self.coder.encode(&mut residual, &mut scratch, &mut record[..code]);
        }
        codes
    }

    /// Ends the segment, in which older ones learn that these images are gone, and syncs it. It
    /// counts as soon as its entry does.
    pub(crate) fn finish(mut self, gone: &[ImageId]) -> io::Result<SegmentEntry> {
        let gone: Vec<u64> = gone.iter().map(|image| image.0).collect();
        let (starts, order) = by_cell(&self.cells, self.centroids.len());
        let [images, gone, starts]: [&[u8]; 3] =
            [bytemuck::cast_slice(&self.images), bytemuck::cast_slice(&gone), bytemuck::cast_slice(&starts)];
        for section in [images, gone, bytemuck::cast_slice(&self.areas), starts] {
            self.file.section()?;
            self.file.append(section)?;
        }
        self.file.section()?;
        let record = record_bytes(self.dim);
        let codes = self.codes.into_inner().map_err(io::IntoInnerError::into_error)?;
        if !order.is_empty() {
            let codes = FileMap::of(codes.as_file())?;
            for row in order {
                let start = row as usize * record;
                self.file.append(&codes[start..start + record])?;
            }
        }
        for section in [images, gone, starts] {
            self.file.section()?;
            self.file.append(section)?;
        }
        let facts = Facts { dim: self.dim, record, rows: self.cells.len(), images: self.images.len() };
        let manifest = self.file.finish(&self.dir, facts)?;
        Ok(SegmentEntry { images: self.images.len(), regions: self.cells.len(), manifest })
    }
}

/// Where the rows of each cell begin among all in order of cells, and this order.
fn by_cell(cells: &[u32], count: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; count + 1];
    cells.iter().for_each(|&cell| starts[cell as usize + 1] += 1);
    (0..count).for_each(|cell| starts[cell + 1] += starts[cell]);
    let (mut next, mut order) = (starts.clone(), vec![0; cells.len()]);
    for (row, &cell) in (0u32..).zip(cells) {
        order[next[cell as usize] as usize] = row;
        next[cell as usize] += 1;
    }
    (starts, order)
}
