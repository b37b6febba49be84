//! The patch grid of an image, made when the image is looked at: its regions, vectors of boxes, and
//! what a decoder reads.

use std::sync::Arc;

use glimpse_encoder::dense::{DenseProfile, Rect, Regions};
use glimpse_encoder::{DenseGrid, Embedding, Encode, EncodeError};
use parking_lot::Mutex;

use super::registers::RegisterCache;
use super::scale::QueryScorer;
use crate::lru::Lru;
use crate::{EngineError, ImageBytes};

/// Bytes of grids that are remembered: some forty images of a base model at 512 pixels.
const REMEMBERED: usize = 256 << 20;

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

/// What an image is read with (model and settings), the hash of its bytes, and how they are turned.
type Key = (String, [u8; 32], Option<u8>);

/// Remembers images, and what was found out about models.
pub(crate) struct GridCache {
    images: Mutex<Lru<Key, Arc<DenseImage>>>,
    pub registers: RegisterCache,
}

impl GridCache {
    pub fn new() -> Self {
        Self { images: Mutex::new(Lru::new(REMEMBERED)), registers: RegisterCache::default() }
    }

    /// All that the model says of an image, its patches read as `profile` says.
    ///
    /// # Errors
    /// If the bytes are no image, or the model fails.
    pub fn get_or_read(
        &self,
        encoder: &dyn Encode,
        image: &ImageBytes<'_>,
        profile: &DenseProfile,
    ) -> Result<Arc<DenseImage>, EngineError> {
        let read_with = format!("{} {profile:?}", encoder.info().fingerprint);
        let key: Key = (read_with, *blake3::hash(&image.bytes).as_bytes(), image.orientation);
        if let Some(dense) = self.images.lock().get(&key) {
            return Ok(dense);
        }
        let dense = Arc::new(DenseImage::read(encoder, image, profile)?);
        self.images.lock().insert(key, Arc::clone(&dense), dense.bytes());
        Ok(dense)
    }
}

impl DenseImage {
    fn read(encoder: &dyn Encode, image: &ImageBytes<'_>, profile: &DenseProfile) -> Result<Self, EngineError> {
        let image = image.decode()?;
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
        let (size, embedding) = (image.pixels.dimensions(), features.embedding);
        Ok(Self { size, embedding, regions, grid, whole, profile: profile.clone() })
    }

    /// What its grids take in memory.
    fn bytes(&self) -> usize {
        let grids = [Some(&self.grid), self.whole.as_ref()].into_iter().flatten();
        grids.map(|grid| size_of::<f32>() * (grid.aligned.len() + grid.tokens.len())).sum()
    }

    /// What a decoder reads: the whole image at once, whatever the detail.
    pub fn whole(&self) -> &DenseGrid {
        self.whole.as_ref().unwrap_or(&self.grid)
    }

    /// The score of the patch that shows most of what is asked.
    pub(super) fn best_patch(&self, scorer: &QueryScorer) -> f32 {
        let image = scorer.of_image(Some(self.embedding.as_slice()));
        let patches = self.grid.aligned.chunks_exact(self.grid.dim);
        patches.map(|patch| scorer.score(scorer.scale.product(patch), image)).fold(0.0, f32::max)
    }

    /// The vector of a box: its patches (the nearest one, if it is smaller) as a region of their
    /// own.
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
