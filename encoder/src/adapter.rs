//! LoRA adapters (arXiv 2106.09685) in the layout of peft: `adapter_model.safetensors` with
//! `adapter_config.json` beside it, merged into a checkpoint's weights when these are read.
//!
//! For each adapted layer the file has `base_model.model.NAME.lora_A.weight` (rank, inputs) and
//! `lora_B.weight` (outputs, rank); the layer's weight becomes W + scaling B A, where scaling is
//! `lora_alpha` / `r`, or / sqrt(`r`) of rslora. Biases, if the configuration has them, take the
//! place of the model's. What would be read wrongly is refused by name.

mod config;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use self::config::AdapterConfig;
use crate::EncodeError;
use crate::weights::{Checkpoint, LowRank, StoredTensor};

/// Name of the weights file.
const WEIGHTS: &str = "adapter_model.safetensors";
/// Begins every name in it.
const PREFIX: &str = "base_model.model.";
/// Stands in names where an adapted layer keeps what it was.
const INNER: &str = ".base_layer";
const A: &str = ".lora_A.weight";
const B: &str = ".lora_B.weight";

/// An adapter whose files were opened.
pub(crate) struct Adapter {
    path: PathBuf,
    config: AdapterConfig,
    tensors: Checkpoint,
}

/// What an adapter changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Adapted {
    /// Vectors of images, and the tokens that a decoder reads.
    pub images: bool,
}

impl Adapter {
    /// Opens an adapter: its folder, or the safetensors file in it.
    ///
    /// # Errors
    /// [`EncodeError`] that names the file and the field that is wrong, or that is not read.
    pub fn open(path: &Path) -> Result<Self, EncodeError> {
        let path = if path.is_dir() { path.join(WEIGHTS) } else { path.to_owned() };
        let tensors = Checkpoint::open_file(&path)?;
        let config = AdapterConfig::load(path.parent().unwrap_or(Path::new(".")))?;
        Ok(Self { path, config, tensors })
    }

    /// Merges it into a checkpoint under the names of Hugging Face. Nothing is computed yet: the
    /// adapter's own values are all that is held in memory.
    ///
    /// # Errors
    /// [`EncodeError::Tensor`] names the first tensor that the model has no place for, or that has
    /// another shape than the model's; [`EncodeError::Config`] if the file has no tensors of a
    /// layer that the configuration names.
    pub fn apply(&self, checkpoint: &mut Checkpoint) -> Result<Adapted, EncodeError> {
        let (mut adapted, mut layers) = (Adapted::default(), Vec::new());
        for stored_name in self.tensors.names() {
            let Some(name) = stored_name.strip_prefix(PREFIX) else {
                return Err(self.error(stored_name, &format!("a name that begins with `{PREFIX}`")));
            };
            let name = name.replace(INNER, "");
            if name.ends_with(A) {
                self.tensors.get(&stored_name.replace(A, B))?; // with which it is merged
                continue;
            }
            let changed = match name.strip_suffix(B) {
                Some(layer) => {
                    layers.push(layer.to_owned());
                    self.add_low_rank(checkpoint, layer, stored_name)?
                }
                None => self.replace_bias(checkpoint, &name, stored_name)?,
            };
            adapted.images |= changed && name.starts_with("vision_model.");
        }
        self.config.check_targets(&layers)?;
        Ok(adapted)
    }

    /// Merges the matrices of a layer into its weight; gives false if they add nothing.
    fn add_low_rank(&self, checkpoint: &mut Checkpoint, layer: &str, b_name: &str) -> Result<bool, EncodeError> {
        let (b, a) = (self.values(b_name)?, self.tensors.get(&b_name.replace(B, A))?);
        // peft (0.21) adds what this layer learnt twice, other programs once: there is no right way
        // to read one that says something.
        if layer.ends_with("attention.out_proj") && b_name.contains(INNER) {
            return match b.iter().all(|value| *value == 0.0) {
                true => Ok(false),
                false => Err(self.error(b_name, "zeros, as the output of the pooling head's attention is not adapted")),
            };
        }
        let names = ["weight", "in_proj_weight"].map(|part| format!("{layer}.{part}"));
        let Some(name) = names.into_iter().find(|name| checkpoint.get(name).is_ok_and(|w| w.shape().len() == 2)) else {
            return Err(self.error(b_name, "a linear layer or an attention of the model"));
        };
        let weight = checkpoint.remove(&name)?;
        let (outputs, inputs, rank) = (weight.shape()[0], weight.shape()[1], self.config.rank);
        self.expect_shape(b_name, &[outputs, rank])?;
        self.expect_shape(&b_name.replace(B, A), &[rank, inputs])?;
        let low_rank = LowRank::new(self.finite(&b_name.replace(B, A), a)?, b, inputs, self.config.scaling);
        checkpoint.insert(&name, weight.plus(low_rank));
        Ok(true)
    }

    /// Puts a bias in the place of the model's.
    fn replace_bias(&self, checkpoint: &mut Checkpoint, name: &str, stored: &str) -> Result<bool, EncodeError> {
        let is_bias = name.rsplit('.').next().is_some_and(|last| last.ends_with("bias"));
        if !is_bias || !self.config.biases {
            let biases = if self.config.biases { ", or a bias" } else { "" };
            return Err(self.error(stored, &format!("the matrices lora_A and lora_B of a layer{biases}")));
        }
        let Ok(old) = checkpoint.get(name) else {
            return Err(self.error(stored, "a bias of the model"));
        };
        self.expect_shape(stored, old.shape())?;
        let bias = self.tensors.get(stored)?;
        let changed = self.finite(stored, bias)? != old.to_vec();
        checkpoint.insert(name, bias.clone());
        Ok(changed)
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, EncodeError> {
        self.finite(name, self.tensors.get(name)?)
    }

    /// The values of a tensor, if all of them are numbers.
    fn finite(&self, name: &str, tensor: &StoredTensor) -> Result<Vec<f32>, EncodeError> {
        if !tensor.is_float() {
            return Err(self.error(name, "F32, F16 or BF16"));
        }
        let values = tensor.to_vec();
        if values.iter().all(|value| value.is_finite()) { Ok(values) } else { Err(self.error(name, "finite values")) }
    }

    fn expect_shape(&self, name: &str, shape: &[usize]) -> Result<(), EncodeError> {
        let fits = self.tensors.get(name)?.shape() == shape;
        if fits { Ok(()) } else { Err(self.error(name, &format!("{shape:?}"))) }
    }

    fn error(&self, tensor: &str, expected: &str) -> EncodeError {
        let found = self.tensors.get(tensor).map_or("no such tensor".to_owned(), StoredTensor::describe);
        EncodeError::Tensor { path: self.path.clone(), tensor: tensor.to_owned(), expected: expected.to_owned(), found }
    }
}
