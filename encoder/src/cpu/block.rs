//! The transformer block that both towers are made of (pre-norm, arXiv 2010.11929 section 3.1).

use std::ops::Range;

use super::kernels::attention::attend;
use super::kernels::buffers::{Packed, Rows, Tiles};
use super::kernels::gemm::{Epilogue, Gelu, multiply};
use super::kernels::norm::LayerNorm;
use super::load::{Loader, gelu, new_rows, new_tiles};
use super::path::Path;
use crate::EncodeError;
use crate::config::TowerConfig;
use crate::siglip::Trace;

/// `x += attention(norm1(x)); x += mlp(norm2(x))`.
pub(super) struct Block {
    norm1: LayerNorm,
    qkv: Packed,
    out: Packed,
    mlp: Mlp,
}

/// `x += fc2(gelu(fc1(norm(x))))`.
pub(super) struct Mlp {
    norm: LayerNorm,
    fc1: Packed,
    fc2: Packed,
    gelu: Gelu,
    width: usize,
    inner: usize,
}

/// What a forward pass needs beside its result; kept between passes, since fresh memory costs page
/// faults.
pub(super) struct Workspace {
    path: Path,
    config: TowerConfig,
    rows: usize,
    /// What comes from a layer norm, (N, W).
    normed: Tiles,
    qkv: Rows,       // (N, 3W)
    attended: Tiles, // (N, W)
    hidden: Tiles,   // (N, M)
    /// The residual stream, (N, W).
    pub x: Rows,
}

impl Workspace {
    /// Room for `rows` tokens.
    pub fn new(path: Path, config: &TowerConfig, rows: usize) -> Self {
        Self {
            path,
            config: *config,
            rows,
            normed: new_tiles(path.normed(), rows, config.width),
            qkv: new_rows(path, rows, 3 * config.width),
            attended: new_tiles(path.values(), rows, config.width),
            hidden: new_tiles(path.values(), rows, config.mlp),
            x: Rows::new::<f32>(rows, config.width),
        }
    }

    /// As much room as before, or enough for `rows` tokens.
    pub fn grown(self, rows: usize) -> Self {
        if rows <= self.rows { self } else { Self::new(self.path, &self.config, rows) }
    }
}

impl Block {
    /// All blocks of a tower, first to last.
    pub fn stack(loader: &Loader, tower: &TowerConfig) -> Result<Vec<Self>, EncodeError> {
        let load = |i| {
            let block = Self::load(&loader.at(&format!("encoder.layers.{i}")), tower);
            loader.release();
            block
        };
        (0..tower.depth).map(load).collect()
    }

    fn load(loader: &Loader, tower: &TowerConfig) -> Result<Self, EncodeError> {
        let attention = loader.at("self_attn");
        Ok(Self {
            norm1: loader.layer_norm("layer_norm1", tower)?,
            qkv: attention.normed_linear(&["q_proj", "k_proj", "v_proj"])?,
            out: attention.linear("out_proj")?,
            mlp: Mlp::load(loader, "layer_norm2", tower)?,
        })
    }

    /// Changes the residual stream of `workspace`, in which each of the sequences attends to
    /// itself.
    pub fn forward(&self, workspace: &mut Workspace, sequences: &[Range<usize>], trace: &mut Trace) {
        let Workspace { path, config, normed, qkv, attended, hidden, x, .. } = workspace;
        let (path, rows) = (*path, sequences.last().map_or(0, |last| last.end));
        trace.time("layer norms", || self.norm1.to_tiles(path, x, rows, normed));
        let store = Epilogue::StoreElements(qkv.shared());
        trace.time("queries, keys, values", || multiply(path, normed, rows, &self.qkv, store));
        trace.time("attention", || attend(path, qkv, sequences, config.width, config.heads, attended));
        let add = Epilogue::Accumulate(x.shared());
        trace.time("output projection", || multiply(path, attended, rows, &self.out, add));
        self.mlp.forward(path, x, rows, normed, hidden, trace);
    }
}

impl Mlp {
    /// The MLP below `loader`, whose norm is called `norm`.
    pub fn load(loader: &Loader, norm: &str, tower: &TowerConfig) -> Result<Self, EncodeError> {
        let mlp = loader.at("mlp");
        Ok(Self {
            norm: loader.layer_norm(norm, tower)?,
            fc1: mlp.normed_linear(&["fc1"])?,
            fc2: mlp.linear("fc2")?,
            gelu: gelu(tower),
            width: tower.width,
            inner: tower.mlp,
        })
    }

    /// Changes the first `rows` rows of `x`; `normed` (N, W) and `hidden` (N, M) are for its use.
    fn forward(
        &self,
        path: Path,
        x: &mut Rows,
        rows: usize,
        normed: &mut Tiles,
        hidden: &mut Tiles,
        trace: &mut Trace,
    ) {
        trace.time("layer norms", || self.norm.to_tiles(path, x, rows, normed));
        let activate = Epilogue::Activate(self.gelu, hidden.shared());
        trace.time("fc1 and GELU", || multiply(path, normed, rows, &self.fc1, activate));
        let add = Epilogue::Accumulate(x.shared());
        trace.time("fc2", || multiply(path, hidden, rows, &self.fc2, add));
    }

    /// As [`Mlp::forward`], with memory of its own.
    pub fn forward_once(&self, path: Path, x: &mut Rows, rows: usize) {
        let mut normed = new_tiles(path.normed(), rows, self.width);
        let mut hidden = new_tiles(path.values(), rows, self.inner);
        self.forward(path, x, rows, &mut normed, &mut hidden, &mut Trace::off());
    }
}
