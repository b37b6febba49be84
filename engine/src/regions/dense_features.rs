//! Dense features of an image, wherever it comes from, made with the engine's model and remembered.

use std::sync::Arc;

use glimpse_encoder::Encode;
use glimpse_encoder::dense::{DenseConfig, DenseProfile};
use glimpse_indexer::Index;

use super::grid::DenseImage;
use crate::search::read_file;
use crate::{Engine, EngineError, ImageBytes, Source};

impl Engine {
    /// How regions are made with this model and these choices.
    pub(crate) fn dense_profile(&self, encoder: &dyn Encode, config: DenseConfig) -> Result<DenseProfile, EngineError> {
        Ok(DenseProfile { config, registers: self.registers(encoder)? })
    }

    /// The register slots of a model ([`DenseProfile::registers`]).
    pub(crate) fn registers(&self, encoder: &dyn Encode) -> Result<Vec<usize>, EngineError> {
        self.grids.registers.of(encoder, &self.settings.cache_dir())
    }

    /// How the regions of a library are made, so that what is looked at anew can be compared with
    /// them.
    pub(crate) fn profile_of(&self, index: &Index, encoder: &dyn Encode) -> Result<DenseProfile, EngineError> {
        match index.manifest().regions {
            Some(profile) => Ok(profile),
            None => self.dense_profile(encoder, DenseConfig::default()),
        }
    }

    /// All that the model says of an image, its patches read as `profile` says.
    pub(crate) fn dense_features(
        &self,
        encoder: &dyn Encode,
        image: &ImageBytes<'_>,
        profile: &DenseProfile,
    ) -> Result<Arc<DenseImage>, EngineError> {
        self.grids.get_or_read(encoder, image, profile)
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
        let image =
            self.bytes_of_source(source)?.decode().map_err(|error| EngineError::from(error).of_file(source.path()))?;
        Ok(image.pixels.dimensions())
    }

    /// The bytes of an image, wherever it comes from.
    pub(crate) fn bytes_of_source<'a>(&self, source: &'a Source) -> Result<ImageBytes<'a>, EngineError> {
        match source {
            Source::File(path) => Ok(ImageBytes::alone(read_file(path)?)),
            Source::Bytes(bytes) => Ok(ImageBytes::alone(&bytes[..])),
            Source::Image(id) => self.original_bytes(*id),
            Source::Text(_) => Err(EngineError::BadRequest("a text is no image".into())),
        }
    }
}
