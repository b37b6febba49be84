//! From patch features to regions: what an image shows, and where.
//!
//! ```text
//! image -> Views        the whole, and windows of it if more detail is wanted       views.rs
//!         -> DenseGrid    one grid of tokens; register tokens mended                  registers.rs
//!         -> RegionMap    nested, connected regions of similar patches                ward.rs, map.rs
//!         -> Regions      each with a vector that texts can be compared with
//! ```
//!
//! The vector of a region is what the attention-pooling head gives if it attends to the region
//! evenly: the mean token goes through the value projection, the output projection and (if
//! [`DenseConfig::projection`] says so) the MLP. The probe's own attention, confined to a region,
//! sits on a patch or two and says little of the rest.
//!
//! Beside regions, which are made without a query, there are maps of pixels for queries that are
//! known:
//!
//! ```text
//! image -> PixelFeatures  windows that overlap, each with its patches                 pixels.rs
//!         -> map of a text, its edges those of the image                              guide.rs
//!         -> Mask         the runs that COCO keeps                                    mask.rs
//! ```

mod config;
mod features;
mod guide;
mod map;
mod mask;
mod pixels;
mod rect;
mod registers;
mod views;
mod ward;

use image::RgbImage;

pub use config::{Affinity, DenseConfig, MAX_LEAVES, MAX_REGIONS, MAX_SIDE};
pub use features::DenseFeatures;
pub use guide::Guide;
pub use map::{RegionMap, Regions};
pub use mask::Mask;
pub use pixels::{PixelConfig, PixelFeatures, Products};
pub use rect::Rect;
pub use views::{Views, detail_limit};

use crate::{DenseGrid, Embedding, Encode, EncodeError, Outputs};

/// How the patches of one model become regions.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DenseProfile {
    /// The choices.
    pub config: DenseConfig,
    /// Patches, by place in the grid, in which the model keeps global information (registers); see
    /// [`DenseProfile::of`].
    pub registers: Vec<usize>,
}

impl DenseProfile {
    /// Looks at a model: some twenty images of noise tell its register slots.
    ///
    /// # Errors
    /// If the model fails.
    pub fn of(encoder: &dyn Encode, config: DenseConfig) -> Result<Self, EncodeError> {
        Ok(Self { config, registers: registers::find(encoder)? })
    }

    /// What the model has to see of an image. Cheap beside encoding, and made for other threads.
    ///
    /// # Errors
    /// [`EncodeError::Image`] for an image without pixels.
    pub fn views(&self, encoder: &dyn Encode, image: &RgbImage) -> Result<Views, EncodeError> {
        Views::of(encoder, image, self.config.detail)
    }

    /// Embeddings and grids of a batch, in order: windows put together, register slots mended.
    ///
    /// # Errors
    /// If the model fails.
    pub fn encode(&self, encoder: &dyn Encode, batch: &[Views]) -> Result<Vec<DenseFeatures>, EncodeError> {
        let prepared: Vec<_> = batch.iter().flat_map(Views::prepared).cloned().collect();
        let mut features = encoder.encode_images(&prepared, Outputs::Dense)?;
        if features.len() != prepared.len() {
            return Err(short(features.len(), prepared.len()));
        }
        for grid in features.iter_mut().filter_map(|features| features.dense.as_mut()) {
            registers::inpaint_registers(grid, &self.registers);
        }
        let mut features = features.into_iter();
        batch.iter().map(|views| views.join(&mut features)).collect()
    }

    /// Regions of grids, in order.
    ///
    /// # Errors
    /// If the model fails, or gives a region no direction.
    pub fn segment(&self, encoder: &dyn Encode, grids: &[&DenseGrid]) -> Result<Vec<Regions>, EncodeError> {
        let (mut maps, mut means) = (Vec::with_capacity(grids.len()), Vec::new());
        for grid in grids {
            let grid = views::fit(grid);
            let map = map::segment(&grid, &self.config);
            (0..map.len()).for_each(|region| map.mean(region, &grid.tokens, &mut means));
            maps.push(map);
        }
        let aligned = encoder.align(&means, self.config.projection)?;
        if aligned.len() != means.len() {
            return Err(short(aligned.len(), means.len()));
        }
        let dim = encoder.info().dim;
        let mut vectors = aligned.chunks_exact(dim).map(|row| Embedding::new(row.to_vec()));
        let regions = maps.into_iter().map(|map| {
            let vectors = vectors.by_ref().take(map.len()).collect::<Result<_, _>>()?;
            Ok(Regions { map, vectors })
        });
        regions.collect()
    }
}

fn short(found: usize, expected: usize) -> EncodeError {
    EncodeError::Backend { stage: "regions", reason: format!("{found} results, {expected} were asked for") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
