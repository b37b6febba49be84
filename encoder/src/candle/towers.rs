//! Both towers of a checkpoint on one of candle's devices.

use candle_core::{Device, Tensor};

use super::load::Loader;
use super::text::TextTower;
use super::vision::{VisionOutput, VisionTower};
use super::{backend, device};
use crate::config::ModelConfig;
use crate::siglip::{Features, HEAD, TEXT, Trace, VISION};
use crate::weights::Checkpoint;
use crate::{EncodeError, Outputs, PixelInput, Projection};

pub(crate) struct CandleTowers {
    vision: VisionTower,
    text: TextTower,
    device: Device,
    width: usize,
}

impl CandleTowers {
    /// Towers of a checkpoint whose tensors were compared with `config`, on a device of this name;
    /// and what to call it.
    ///
    /// # Errors
    /// If there is no such device, or it has no room for them.
    pub fn load(checkpoint: &Checkpoint, config: &ModelConfig, name: &str) -> Result<(Self, String), EncodeError> {
        let (device, name) = device::open(name)?;
        let loader = Loader::new(checkpoint, &device);
        let vision = VisionTower::load(&loader.at("vision_model"), &config.vision)?;
        let text = TextTower::load(&loader.at("text_model"), &config.text)?;
        Ok((Self { vision, text, width: config.dim(), device }, name))
    }

    /// Prepared images to features.
    ///
    /// # Errors
    /// If the device fails.
    pub fn images(
        &self,
        batch: &[PixelInput],
        outputs: Outputs,
        trace: &mut Trace,
    ) -> Result<Vec<Features>, EncodeError> {
        let output = self.vision.forward(batch, outputs, &self.device, trace).and_then(features);
        output.map_err(|error| backend(VISION, &error))
    }

    /// Token ids to embeddings before normalisation.
    ///
    /// # Errors
    /// If the device fails.
    pub fn texts(&self, ids: &[Vec<u32>], trace: &mut Trace) -> Result<Vec<Vec<f32>>, EncodeError> {
        let output = self.text.forward(ids, &self.device, trace).and_then(|pooled| rows(&pooled));
        output.map_err(|error| backend(TEXT, &error))
    }

    /// Tokens, a whole number of rows, through the value path of the pooling head.
    ///
    /// # Errors
    /// If the device fails.
    pub fn align(&self, tokens: &[f32], projection: Projection) -> Result<Vec<f32>, EncodeError> {
        let projected = Tensor::from_slice(tokens, (tokens.len() / self.width, self.width), &self.device)
            .and_then(|tokens| self.vision.project(&tokens, projection))
            .and_then(|projected| projected.flatten_all()?.to_vec1());
        projected.map_err(|error| backend(HEAD, &error))
    }
}

/// The output of the vision tower, image by image.
fn features(output: VisionOutput) -> candle_core::Result<Vec<Features>> {
    let mut features: Vec<Features> =
        rows(&output.pooled)?.into_iter().map(|pooled| Features { pooled, dense: None }).collect();
    if let Some(dense) = output.dense {
        let dense = rows(&dense.tokens)?.into_iter().zip(rows(&dense.aligned)?).zip(rows(&dense.norms)?);
        for (features, ((tokens, aligned), norms)) in features.iter_mut().zip(dense) {
            features.dense = Some((tokens, aligned, norms));
        }
    }
    Ok(features)
}

/// The values of each entry of a batch.
fn rows(batch: &Tensor) -> candle_core::Result<Vec<Vec<f32>>> {
    batch.flatten_from(1)?.to_vec2()
}
