//! From stored tensors to layers on a device.

use candle_core::{Device, Tensor};
use candle_nn::Linear;

use super::norm::LayerNorm;
use crate::EncodeError;
use crate::config::TowerConfig;
use crate::weights::{Checkpoint, StoredTensor};

/// What loading gives; computing gives candle's own result.
pub(super) type Loaded<T> = Result<T, EncodeError>;

/// Reads the tensors below one name. Shapes were compared with the configuration before: see
/// [`Checkpoint::check`].
#[derive(Clone)]
pub(super) struct Loader<'a> {
    checkpoint: &'a Checkpoint,
    device: &'a Device,
    prefix: String,
}

impl<'a> Loader<'a> {
    pub fn new(checkpoint: &'a Checkpoint, device: &'a Device) -> Self {
        Self { checkpoint, device, prefix: String::new() }
    }

    /// The part of the model called `name` below this one.
    pub fn at(&self, name: &str) -> Self {
        Self { prefix: format!("{}{name}.", self.prefix), ..self.clone() }
    }

    pub fn stored(&self, name: &str) -> Loaded<&'a StoredTensor> {
        self.checkpoint.get(&format!("{}{name}", self.prefix))
    }

    /// The values as f32 on the CPU.
    pub fn values(&self, name: &str) -> Loaded<Vec<f32>> {
        Ok(self.stored(name)?.to_vec())
    }

    pub fn tensor(&self, name: &str) -> Loaded<Tensor> {
        let stored = self.stored(name)?;
        self.place(stored.to_vec(), stored.shape())
    }

    pub fn place(&self, values: Vec<f32>, shape: &[usize]) -> Loaded<Tensor> {
        Tensor::from_vec(values, shape, self.device).map_err(|e| super::backend("loading", &e))
    }

    /// `name.weight` (outputs, inputs) and `name.bias` (outputs).
    pub fn linear(&self, name: &str) -> Loaded<Linear> {
        let at = self.at(name);
        Ok(Linear::new(at.tensor("weight")?, Some(at.tensor("bias")?)))
    }

    /// Several linear layers of one input, stacked into one: a single product instead of several.
    pub fn stacked_linear(&self, names: &[&str]) -> Loaded<Linear> {
        let (mut weight, mut bias, mut inputs) = (Vec::new(), Vec::new(), 0);
        for name in names {
            let at = self.at(name);
            let stored = at.stored("weight")?;
            let (count, outputs) = (stored.shape().iter().product(), stored.shape()[0]);
            stored.read(0..count, &mut weight);
            at.stored("bias")?.read(0..outputs, &mut bias);
            inputs = stored.shape()[1];
        }
        let outputs = bias.len();
        Ok(Linear::new(self.place(weight, &[outputs, inputs])?, Some(self.place(bias, &[outputs])?)))
    }

    pub fn layer_norm(&self, name: &str, tower: &TowerConfig) -> Loaded<LayerNorm> {
        let at = self.at(name);
        Ok(LayerNorm::new(at.tensor("weight")?, at.tensor("bias")?, tower.layer_norm_eps))
    }
}
