//! Multi-head self-attention, and the padding of a batch whose images have different numbers of
//! tokens.

use candle_core::{Device, Module, Result, Tensor};
use candle_nn::Linear;
use candle_nn::ops::softmax_last_dim;

use super::load::{Loaded, Loader};
use crate::config::TowerConfig;

/// Which tokens of a padded batch are real: `(B, 1, 1, N)`, 0 for a real key and -inf for padding.
pub(super) struct Padding(Tensor);

/// Self-attention of a block.
pub(super) struct Attention {
    qkv: Linear,
    out: Linear,
    heads: usize,
}

impl Padding {
    /// `None` if every image has all `n` tokens: then nothing needs a mask.
    pub fn new(lengths: &[usize], n: usize, device: &Device) -> Result<Option<Self>> {
        if lengths.iter().all(|length| *length == n) {
            return Ok(None);
        }
        let bias = lengths.iter().flat_map(|l| (0..n).map(move |i| if i < *l { 0.0 } else { f32::NEG_INFINITY }));
        Tensor::from_iter(bias, device)?.reshape((lengths.len(), 1, 1, n)).map(|bias| Some(Self(bias)))
    }

    /// Scores `(B, H, Q, N)` with those of padded keys set to -inf.
    pub fn mask(&self, scores: &Tensor) -> Result<Tensor> {
        scores.broadcast_add(&self.0)
    }
}

impl Attention {
    pub fn load(loader: &Loader, tower: &TowerConfig) -> Loaded<Self> {
        Ok(Self {
            qkv: loader.stacked_linear(&["q_proj", "k_proj", "v_proj"])?,
            out: loader.linear("out_proj")?,
            heads: tower.heads,
        })
    }

    /// `(B, N, W)` to the same shape. Rows of padding come out as anything finite.
    pub fn forward(&self, x: &Tensor, padding: Option<&Padding>) -> Result<Tensor> {
        let qkv = self.qkv.forward(x)?; // (B, N, 3W)
        let mixed = attend(&qkv, self.heads, padding)?; // (B, N, W)
        self.out.forward(&mixed)
    }
}

/// `(B, N, 3W)` packed queries, keys and values to `(B, N, W)`.
fn attend(qkv: &Tensor, heads: usize, padding: Option<&Padding>) -> Result<Tensor> {
    let (b, n, packed) = qkv.dims3()?;
    let head = packed / 3 / heads;
    let qkv = qkv.reshape((b, n, 3, heads, head))?.permute((2, 0, 3, 1, 4))?; // (3, B, H, N, D)
    let q = (qkv.get(0)?.contiguous()? / (head as f64).sqrt())?;
    let k = qkv.get(1)?.transpose(2, 3)?.contiguous()?; // (B, H, D, N)
    let v = qkv.get(2)?.contiguous()?;
    let mut scores = q.matmul(&k)?; // (B, H, N, N)
    if let Some(padding) = padding {
        scores = padding.mask(&scores)?;
    }
    let mixed = softmax_last_dim(&scores)?.matmul(&v)?; // (B, H, N, D)
    mixed.transpose(1, 2)?.reshape((b, n, heads * head))
}
