//! Both towers of a checkpoint; each is packed when it is first asked for, so that a query never waits for the vision
//! tower, nor an indexing run for the text tower.

use std::fmt::Display;
use std::ops::Range;

use super::kernels::buffers::Rows;
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

/// Records the first `rows` rows, without their padding.
pub(super) fn record(trace: &mut Trace, name: impl Display, values: &Rows, rows: usize, width: usize) {
    if trace.is_on() {
        let values = (0..rows).flat_map(|row| values.row::<f32>(row)[..width].to_vec()).collect();
        trace.push(name, vec![rows, width], values);
    }
}

/// Records the tokens of a batch as (B, N, W), padded with zeros to the longest sequence.
pub(super) fn record_tokens(
    trace: &mut Trace,
    name: impl Display,
    values: &Rows,
    sequences: &[Range<usize>],
    width: usize,
) {
    if trace.is_on() {
        let longest = sequences.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        let mut padded = Vec::with_capacity(sequences.len() * longest * width);
        for (i, tokens) in sequences.iter().enumerate() {
            padded.extend(tokens.clone().flat_map(|row| &values.row::<f32>(row)[..width]));
            padded.resize((i + 1) * longest * width, 0.0);
        }
        trace.push(name, vec![sequences.len(), longest, width], padded);
    }
}
