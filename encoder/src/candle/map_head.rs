//! Attention pooling: one learned query, the probe, gathers the tokens of an image into its
//! embedding.

use candle_core::{Module, Result, Tensor};
use candle_nn::Linear;
use candle_nn::ops::softmax_last_dim;

use super::attention::Padding;
use super::block::Mlp;
use super::load::{Loaded, Loader};
use super::norm::LayerNorm;
use super::record;
use crate::Projection;
use crate::config::TowerConfig;
use crate::siglip::Trace;

/// Multi-head attention pooling (`MAPHead` in big_vision, `models/vit.py`). The probe has no
/// residual.
pub(super) struct MapHead {
    query: Tensor, // (H, 1, D), scaled
    key_value: Linear,
    out: Linear,
    norm: LayerNorm,
    mlp: Mlp,
}

/// What the head gives.
pub(super) struct Pooled {
    /// `(B, W)`, the embedding before normalisation.
    pub pooled: Tensor,
    /// `(B, N, W)`, what each token would contribute.
    pub values: Tensor,
}

impl MapHead {
    pub fn load(loader: &Loader, tower: &TowerConfig) -> Loaded<Self> {
        let (width, heads) = (tower.width, tower.heads);
        // Rows of the packed projection: query, key, value (torch.nn.MultiheadAttention).
        let mut weight = loader.values("attention.in_proj_weight")?;
        let mut bias = loader.values("attention.in_proj_bias")?;
        let key_value_weight = loader.place(weight.split_off(width * width), &[2 * width, width])?;
        let key_value_bias = loader.place(bias.split_off(width), &[2 * width])?;
        let query = Linear::new(loader.place(weight, &[width, width])?, Some(loader.place(bias, &[width])?));
        // The probe is the same for every image, so its projection is a constant.
        let probe = loader.place(loader.values("probe")?, &[1, width])?;
        let scale = (tower.head_width() as f64).sqrt();
        let query = query.forward(&probe).and_then(|q| (q / scale)?.reshape((heads, 1, ())));
        Ok(Self {
            query: query.map_err(|e| super::backend("loading", &e))?,
            key_value: Linear::new(key_value_weight, Some(key_value_bias)),
            out: loader.linear("attention.out_proj")?,
            norm: loader.layer_norm("layernorm", tower)?,
            mlp: Mlp::load(&loader.at("mlp"), tower)?,
        })
    }

    /// Pools tokens `(B, N, W)`.
    pub fn forward(&self, tokens: &Tensor, padding: Option<&Padding>, trace: &mut Trace) -> Result<Pooled> {
        let (b, n, width) = tokens.dims3()?;
        let (heads, _, head) = self.query.dims3()?;
        let key_value = self.key_value.forward(tokens)?.reshape((b, n, 2, heads, head))?;
        let keys = key_value.narrow(2, 0, 1)?.squeeze(2)?.permute((0, 2, 3, 1))?.contiguous()?; // (B, H, D, N)
        let values = key_value.narrow(2, 1, 1)?.squeeze(2)?; // (B, N, H, D)

        let query = self.query.broadcast_left(b)?.contiguous()?; // (B, H, 1, D)
        let mut scores = query.matmul(&keys)?; // (B, H, 1, N)
        if let Some(padding) = padding {
            scores = padding.mask(&scores)?;
        }
        let mixed = softmax_last_dim(&scores)?.matmul(&values.transpose(1, 2)?.contiguous()?)?; // (B, H, 1, D)
        let gathered = self.out.forward(&mixed.reshape((b, width))?)?; // (B, W)
        record(trace, "vision.map_attention", &gathered)?;
        let pooled = self.finish(&gathered)?;
        record(trace, "vision.pooled", &pooled)?;
        Ok(Pooled { pooled, values: values.reshape((b, n, width))? })
    }

    /// Brings each token into the space of embeddings: what the head gives if that token is the
    /// only one, since a softmax over one token is 1. `(B, N, W)` [`Pooled::values`] to the same
    /// shape.
    pub fn align(&self, values: &Tensor) -> Result<Tensor> {
        self.finish(&self.out.forward(values)?)
    }

    /// As [`MapHead::align`] from raw tokens `(N, W)` to the same shape.
    pub fn project(&self, tokens: &Tensor, projection: Projection) -> Result<Tensor> {
        let width = tokens.dim(1)?;
        let values = self.key_value.forward(tokens)?.narrow(1, width, width)?.contiguous()?;
        let gathered = self.out.forward(&values)?;
        match projection {
            Projection::Linear => Ok(gathered),
            Projection::Full => self.finish(&gathered),
        }
    }

    fn finish(&self, gathered: &Tensor) -> Result<Tensor> {
        gathered + self.mlp.forward(&self.norm.forward(gathered)?)?
    }
}
