//! The patch grid of an image, made when the image is looked at: heatmaps, and boxes finer than regions.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use glimpse_encoder::dense::{DenseConfig, DenseProfile, Rect, Regions};
use glimpse_encoder::image_file::{Limits, decode};
use glimpse_encoder::{DenseGrid, Embedding, Encode, EncodeError};
use glimpse_indexer::Index;
use parking_lot::Mutex;

use super::boxes::{Blob, blobs};
use super::scale::QueryScorer;
use crate::lru::Lru;
use crate::search::read_file;
use crate::{Engine, EngineError, Source};

/// Bytes of grids that are remembered: some forty images of a base model at 512 pixels.
const REMEMBERED: usize = 256 << 20;

/// How much every patch of an image shows of what was asked: the score itself, 0 to 1, row by row.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Heatmap {
    /// Patch rows.
    pub rows: usize,
    /// Patch columns.
    pub cols: usize,
    /// `rows * cols` scores.
    pub scores: Vec<f32>,
}

/// All that the model says of an image.
pub(crate) struct DenseImage {
    /// Upright width and height in pixels.
    pub size: (u32, u32),
    pub embedding: Embedding,
    pub regions: Regions,
    /// Its text-aligned vectors are those of the configured projection, of unit length.
    grid: DenseGrid,
    /// The same of the whole image read at once, if `grid` is put together of windows.
    whole: Option<DenseGrid>,
    profile: DenseProfile,
}

/// Model and settings, and the hash of an image's bytes.
type Key = (String, [u8; 32]);

/// Remembers images, and what was found out about models.
pub(crate) struct GridCache {
    images: Mutex<Lru<Key, Arc<DenseImage>>>,
    registers: Mutex<Option<(String, Vec<usize>)>>,
}

impl GridCache {
    pub fn new() -> Self {
        Self { images: Mutex::new(Lru::new(REMEMBERED)), registers: Mutex::default() }
    }
}

impl DenseImage {
    /// What is asked for at every patch: z-scores.
    pub(super) fn z_scores(&self, scorer: &QueryScorer) -> Vec<f32> {
        let patches = self.grid.aligned.chunks_exact(self.grid.dim);
        patches.map(|patch| scorer.z(scorer.scale.product(patch), 0.0)).collect()
    }

    /// What a decoder reads: the whole image at once, whatever the detail.
    pub fn whole(&self) -> &DenseGrid {
        self.whole.as_ref().unwrap_or(&self.grid)
    }

    /// The same as scores.
    pub(super) fn heatmap(&self, scorer: &QueryScorer) -> Heatmap {
        let image = scorer.of_image(Some(self.embedding.as_slice()));
        let patches = self.grid.aligned.chunks_exact(self.grid.dim);
        let scores = patches.map(|patch| scorer.score(scorer.scale.product(patch), image)).collect();
        Heatmap { rows: self.grid.rows, cols: self.grid.cols, scores }
    }

    /// Boxes of what stands out, best first.
    pub(super) fn blobs(&self, scorer: &QueryScorer) -> Vec<Blob> {
        blobs(&self.z_scores(scorer), self.grid.rows, self.grid.cols)
    }

    /// How far a box stands out for what is asked, in standard deviations.
    pub(super) fn z_of(&self, rect: &Rect, scorer: &QueryScorer, encoder: &dyn Encode) -> Result<f32, EngineError> {
        let vector = self.vector_of(rect, encoder)?;
        Ok(scorer.z(scorer.scale.product(vector.as_slice()), 0.0))
    }

    /// The vector of a box: its patches (the nearest one, if it is smaller) as a region of their own.
    pub fn vector_of(&self, rect: &Rect, encoder: &dyn Encode) -> Result<Embedding, EncodeError> {
        let DenseGrid { rows, cols, dim, .. } = self.grid;
        let inside = |cell: usize| {
            let (x, y) = ((cell % cols) as f32 + 0.5, (cell / cols) as f32 + 0.5);
            rect.contains(x / cols as f32, y / rows as f32)
        };
        let mut cells: Vec<usize> = (0..rows * cols).filter(|&cell| inside(cell)).collect();
        if cells.is_empty() {
            let (x, y) = rect.centre();
            let place = |at: f32, count: usize| ((at * count as f32) as usize).min(count - 1);
            cells.push(place(y, rows) * cols + place(x, cols));
        }
        let mut mean = vec![0.0; dim];
        for cell in &cells {
            let token = &self.grid.tokens[cell * dim..(cell + 1) * dim];
            mean.iter_mut().zip(token).for_each(|(sum, value)| *sum += value / cells.len() as f32);
        }
        Embedding::new(encoder.align(&mean, self.profile.config.projection)?)
    }
}

impl Engine {
    /// How regions are made with this model and these choices.
    pub(crate) fn dense_profile(&self, encoder: &dyn Encode, config: DenseConfig) -> Result<DenseProfile, EngineError> {
        Ok(DenseProfile { config, registers: self.registers(encoder)? })
    }

    /// The register slots of a model ([`DenseProfile::registers`]), looked for once and kept in the cache.
    pub(crate) fn registers(&self, encoder: &dyn Encode) -> Result<Vec<usize>, EngineError> {
        let fingerprint = &encoder.info().fingerprint;
        let mut held = self.grids.registers.lock();
        if let Some((_, registers)) = held.as_ref().filter(|(of, _)| of == fingerprint) {
            return Ok(registers.clone());
        }
        let path = self.settings.cache_dir().join(format!("registers-{fingerprint:.24}.txt"));
        let registers = match read_registers(&path) {
            Some(registers) => registers,
            None => {
                let registers = DenseProfile::of(encoder, DenseConfig::default())?.registers;
                let _ = write_registers(&path, &registers); // a cache that cannot be written costs time, never an answer
                registers
            }
        };
        *held = Some((fingerprint.clone(), registers.clone()));
        Ok(registers)
    }

    /// How the regions of a library are made, so that what is looked at anew can be compared with them.
    pub(crate) fn profile_of(&self, index: &Index, encoder: &dyn Encode) -> Result<DenseProfile, EngineError> {
        match index.manifest().regions {
            Some(profile) => Ok(profile),
            None => self.dense_profile(encoder, DenseConfig::default()),
        }
    }

    /// All that the model says of an image's bytes, its patches read as `profile` says.
    pub(crate) fn dense_features(
        &self,
        encoder: &dyn Encode,
        bytes: &[u8],
        profile: &DenseProfile,
    ) -> Result<Arc<DenseImage>, EngineError> {
        let key = (format!("{} {profile:?}", encoder.info().fingerprint), *blake3::hash(bytes).as_bytes());
        if let Some(dense) = self.grids.images.lock().get(&key) {
            return Ok(dense);
        }
        let image = decode(bytes, &Limits::default()).map_err(EncodeError::from)?;
        let views = profile.views(encoder, &image.pixels)?;
        let lost = || EncodeError::Backend { stage: "dense features", reason: "the model gave none".into() };
        let features = profile.encode(encoder, &[views])?.pop().ok_or_else(lost)?;
        let whole = (profile.config.detail > 1.0).then(|| features.whole().clone());
        let mut grid = features.grid;
        let regions = profile.segment(encoder, &[&grid])?.pop().ok_or_else(lost)?;
        grid.aligned = encoder.align(&grid.tokens, profile.config.projection)?;
        for patch in grid.aligned.chunks_exact_mut(grid.dim) {
            let length = glimpse_encoder::dot(patch, patch).sqrt().max(f32::MIN_POSITIVE);
            patch.iter_mut().for_each(|value| *value /= length);
        }
        let size = image.pixels.dimensions();
        let profile = profile.clone();
        let dense = Arc::new(DenseImage { size, embedding: features.embedding, regions, grid, whole, profile });
        let grids = [Some(&dense.grid), dense.whole.as_ref()].into_iter().flatten();
        let weight = grids.map(|grid| size_of::<f32>() * (grid.aligned.len() + grid.tokens.len())).sum();
        self.grids.images.lock().insert(key, Arc::clone(&dense), weight);
        Ok(dense)
    }

    /// As [`Engine::dense_features`] for an image, wherever it comes from.
    pub(crate) fn dense_features_of(
        &self,
        encoder: &dyn Encode,
        image: &Source,
        profile: &DenseProfile,
    ) -> Result<Arc<DenseImage>, EngineError> {
        self.dense_features(encoder, &self.bytes_of_source(image)?, profile)
            .map_err(|error| error.of_file(image.path()))
    }

    /// Upright width and height of an image.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn size_of(&self, source: &Source) -> Result<(u32, u32), EngineError> {
        if let Source::Image(id) = source {
            let record = self.image(*id)?;
            return Ok((record.width, record.height));
        }
        let decoded = decode(&self.bytes_of_source(source)?, &Limits::default()).map_err(EncodeError::from);
        let image = decoded.map_err(|error| EngineError::from(error).of_file(source.path()))?;
        Ok(image.pixels.dimensions())
    }

    /// The bytes of an image, wherever it comes from.
    pub(crate) fn bytes_of_source<'a>(&self, source: &'a Source) -> Result<Cow<'a, [u8]>, EngineError> {
        match source {
            Source::File(path) => Ok(read_file(path)?.into()),
            Source::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            Source::Image(id) => Ok(self.original_bytes(*id)?.into()),
            Source::Text(_) => Err(EngineError::BadRequest("a text is no image".into())),
        }
    }
}

fn read_registers(path: &Path) -> Option<Vec<usize>> {
    let text = std::fs::read_to_string(path).ok()?;
    let (slots, end) = text.split_once('.')?;
    (end == "\n").then(|| slots.split_whitespace().map(|slot| slot.parse().ok()).collect())?
}

/// Slots in a line that ends in a full stop, so that half a line is not mistaken for a whole one.
fn write_registers(path: &Path, registers: &[usize]) -> std::io::Result<()> {
    glimpse_indexer::create_private_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    let slots: Vec<String> = registers.iter().map(usize::to_string).collect();
    std::fs::write(path, format!("{}.\n", slots.join(" ")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn registers_read_back_and_half_a_file_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache/registers.txt");
        for slots in [vec![], vec![20, 384, 408]] {
            write_registers(&path, &slots).unwrap();
            assert_eq!(read_registers(&path), Some(slots));
        }
        for damaged in ["20 38", "20 x.\n", "", "20.\n5"] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(read_registers(&path), None, "{damaged}");
        }
    }
}
