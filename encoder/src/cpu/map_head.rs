//! Attention pooling: one learned query, the probe, gathers the tokens of an image into its
//! embedding.

use std::ops::Range;

use super::block::Mlp;
use super::kernels::buffers::{Packed, Rows};
use super::kernels::gemm::{Epilogue, multiply};
use super::kernels::norm::to_tiles;
use super::kernels::pooling::Pooling;
use super::load::{Loader, f32_rows, new_tiles};
use super::path::Path;
use crate::config::TowerConfig;
use crate::{EncodeError, Projection};

/// Multi-head attention pooling (`MAPHead` in big_vision, `models/vit.py`). The probe has no
/// residual.
pub(super) struct MapHead {
    path: Path,
    width: usize,
    pooling: Pooling,
    values: Packed,
    out: Packed,
    mlp: Mlp,
}

impl MapHead {
    pub fn load(loader: &Loader, tower: &TowerConfig) -> Result<Self, EncodeError> {
        let (width, heads) = (tower.width, tower.heads);
        // Rows of the packed projection: query, key, value (torch.nn.MultiheadAttention).
        let weight = loader.values("attention.in_proj_weight")?;
        let bias = loader.values("attention.in_proj_bias")?;
        let (query, rest) = weight.split_at(width * width);
        let (key, value) = rest.split_at(width * width);
        let probes = fold_probe(&loader.values("probe")?, query, &bias[..width], key, tower);
        let values_bias = bias[2 * width..].to_vec();
        Ok(Self {
            path: loader.path,
            width,
            values: loader.pack(width, width, &values_bias, |i, row| row.extend(&value[i * width..][..width])),
            pooling: Pooling {
                probes: f32_rows(&probes, heads, width),
                values: f32_rows(value, width, width),
                values_bias,
                heads,
                width,
            },
            out: loader.linear("attention.out_proj")?,
            mlp: Mlp::load(loader, "layernorm", tower)?,
        })
    }

    /// Attention of the probe to the tokens (N, W) of each image, through the output projection:
    /// (B, W).
    pub fn gather(&self, tokens: &Rows, sequences: &[Range<usize>]) -> Rows {
        let mut mixed = Rows::new::<f32>(sequences.len(), self.width);
        self.pooling.gather(self.path, tokens, sequences, &mut mixed);
        let mut operands = new_tiles(self.path.values(), sequences.len(), self.width);
        to_tiles(self.path, &mixed, sequences.len(), self.width, &mut operands);
        multiply(self.path, &operands, sequences.len(), &self.out, Epilogue::Store(mixed.shared()));
        mixed
    }

    /// The MLP with its residual, for the first `rows` rows of what was gathered.
    pub fn finish(&self, gathered: &mut Rows, rows: usize) {
        self.mlp.forward_once(self.path, gathered, rows);
    }

    /// Brings each of the first `rows` tokens (N, W) into the space of embeddings, as if it were
    /// the only token: a softmax over one token is 1.
    pub fn align(&self, tokens: &Rows, rows: usize, projection: Projection) -> Rows {
        let mut operands = new_tiles(self.path.values(), rows, self.width);
        to_tiles(self.path, tokens, rows, self.width, &mut operands);
        let mut values = new_tiles(self.path.values(), rows, self.width);
        multiply(self.path, &operands, rows, &self.values, Epilogue::StoreTiles(values.shared()));
        let mut aligned = Rows::new::<f32>(rows, self.width);
        multiply(self.path, &values, rows, &self.out, Epilogue::Store(aligned.shared()));
        if projection == Projection::Full {
            self.finish(&mut aligned, rows);
        }
        aligned
    }
}

/// `K_h^T q_h / sqrt(D)` for each head `h`, where `q` is the projected probe: (H, W). The bias of
/// the keys adds the same to all scores of a head, which softmax does not see.
fn fold_probe(probe: &[f32], query: &[f32], query_bias: &[f32], key: &[f32], tower: &TowerConfig) -> Vec<f32> {
    let (width, depth) = (tower.width, tower.head_width());
    let scale = 1.0 / (depth as f32).sqrt();
    let mut folded = vec![0.0; tower.heads * width];
    for i in 0..width {
        let q = (crate::dot(&query[i * width..][..width], probe) + query_bias[i]) * scale;
        for (to, from) in folded[i / depth * width..][..width].iter_mut().zip(&key[i * width..]) {
            *to += q * from;
        }
    }
    folded
}
