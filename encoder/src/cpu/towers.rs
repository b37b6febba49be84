//! Both towers of a checkpoint; each is packed when it is first asked for, so that a query never
//! waits for the vision tower, nor an indexing run for the text tower.

use super::load::Loader;
use super::path::Path;
use super::text::TextTower;
use super::vision::VisionTower;
use crate::config::ModelConfig;
use crate::siglip::{Features, LazyLoad, Trace};
use crate::weights::Checkpoint;
use crate::{EncodeError, Outputs, PixelInput, Projection};

/// The towers of a checkpoint on one path.
pub(crate) struct CpuTowers {
    path: Path,
    config: ModelConfig,
    checkpoint: Checkpoint,
    vision: LazyLoad<VisionTower>,
    text: LazyLoad<TextTower>,
}

impl CpuTowers {
    /// Towers of a checkpoint whose tensors were compared with `config`.
    pub fn new(config: ModelConfig, checkpoint: Checkpoint, path: Path) -> Self {
        Self { path, config, checkpoint, vision: LazyLoad::new(), text: LazyLoad::new() }
    }

    /// Prepared images to features.
    ///
    /// # Errors
    /// If the weights cannot be read.
    pub fn images(
        &self,
        batch: &[PixelInput],
        outputs: Outputs,
        trace: &mut Trace,
    ) -> Result<Vec<Features>, EncodeError> {
        Ok(self.vision()?.forward(batch, outputs, trace))
    }

    /// Token ids to embeddings before normalisation.
    ///
    /// # Errors
    /// If the weights cannot be read.
    pub fn texts(&self, ids: &[Vec<u32>], trace: &mut Trace) -> Result<Vec<Vec<f32>>, EncodeError> {
        Ok(self.text()?.forward(ids, trace))
    }

    /// Packs the text tower if that was not done yet.
    ///
    /// # Errors
    /// If the weights cannot be read.
    pub fn prepare_texts(&self) -> Result<(), EncodeError> {
        self.text().map(drop)
    }

    /// Text-aligned vectors of tokens.
    ///
    /// # Errors
    /// If the weights cannot be read.
    pub fn align(&self, tokens: &[f32], projection: Projection) -> Result<Vec<f32>, EncodeError> {
        Ok(self.vision()?.project(tokens, projection))
    }

    fn text(&self) -> Result<&TextTower, EncodeError> {
        let load = || TextTower::load(&self.loader("text_model"), &self.config.text, self.config.dim());
        self.text.get_or_load(load)
    }

    fn vision(&self) -> Result<&VisionTower, EncodeError> {
        self.vision.get_or_load(|| VisionTower::load(&self.loader("vision_model"), &self.config.vision))
    }

    fn loader(&self, tower: &str) -> Loader<'_> {
        Loader::new(&self.checkpoint, self.path).at(tower)
    }
}
