//! The network: pre-norm blocks of causal self-attention, cross-attention to the image's tokens,
//! and an MLP.
//!
//! Letters of shapes: `T` tokens so far, `N` tokens of the image, `W` width, `V` vocabulary.

use std::f32::consts::PI;

use super::config::{Config, OCTAVES};
use super::layers::{LayerNorm, Linear, gelu, softmax};
use crate::weights::Checkpoint;
use crate::{DenseGrid, EncodeError, dot};

pub(super) struct Net {
    tokens: Vec<f32>,    // (V, W)
    positions: Vec<f32>, // (length, W)
    expression: Linear,  // (vision_size) to (W)
    place: Linear,       // (4 * octaves) to (vision_size)
    blocks: Vec<Block>,
    final_norm: LayerNorm,
    output: Linear,
    config: Config,
}

struct Block {
    norm1: LayerNorm,
    own: Attention,
    norm2: LayerNorm,
    cross: Attention,
    norm3: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    heads: usize,
}

/// Keys and values of a sequence, row by row.
#[derive(Debug, Clone, Default)]
struct KvCache {
    keys: Vec<f32>,
    values: Vec<f32>,
}

/// Keys and values of one image's patches, for the cross-attention of each block.
pub(super) struct CrossAttentionCache(Vec<KvCache>);

/// A token to append.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub id: u32,
    /// The embedding (vision_size) of the expression whose box is asked for, with the task that
    /// asks.
    pub expression: Option<&'a [f32]>,
}

impl From<u32> for Token<'_> {
    fn from(id: u32) -> Self {
        Self { id, expression: None }
    }
}

/// A sequence that is being generated: the self-attention cache of each block.
#[derive(Debug, Clone)]
pub(super) struct Sequence {
    caches: Vec<KvCache>,
    length: usize,
}

impl CrossAttentionCache {
    /// Keys and values of an image's patches: each is its token and its place, beside its
    /// text-aligned vector.
    pub fn new(net: &Net, grid: &DenseGrid) -> Result<Self, EncodeError> {
        let size = net.config.vision_size;
        if grid.dim != size || grid.tokens.is_empty() {
            let reason = format!("it reads tokens of {size} values, these have {}", grid.dim);
            return Err(EncodeError::Decoder { reason });
        }
        if grid.aligned.len() != grid.tokens.len() {
            return Err(EncodeError::Decoder { reason: "the patches have no text-aligned vectors".into() });
        }
        let mut tokens = net.place.forward(&fourier_features(grid.rows, grid.cols)); // (N, vision_size)
        add(&mut tokens, &grid.tokens);
        let pairs = tokens.chunks_exact(size).zip(grid.aligned.chunks_exact(size));
        let seen: Vec<f32> = pairs.flat_map(|(token, aligned)| [token.to_vec(), rms_norm(aligned)].concat()).collect();
        Ok(Self(net.blocks.iter().map(|block| block.cross.project(&seen)).collect())) // (N, 2 * vision_size)
    }
}

impl Net {
    pub fn load(checkpoint: &Checkpoint, config: &Config) -> Result<Self, EncodeError> {
        let block = |i: usize| {
            let norm =
                |n: usize| LayerNorm::load(checkpoint, &format!("layers.{i}.layer_norm{n}"), config.layer_norm_eps);
            let linear = |name: &str| Linear::load(checkpoint, &format!("layers.{i}.{name}"));
            let attention = |name: &str| {
                let part = |part: &str| linear(&format!("{name}.{part}_proj"));
                let (query, key, value, out) = (part("q")?, part("k")?, part("v")?, part("out")?);
                Ok::<_, EncodeError>(Attention { query, key, value, out, heads: config.num_attention_heads })
            };
            Ok::<_, EncodeError>(Block {
                norm1: norm(1)?,
                own: attention("self_attn")?,
                norm2: norm(2)?,
                cross: attention("cross_attn")?,
                norm3: norm(3)?,
                fc1: linear("mlp.fc1")?,
                fc2: linear("mlp.fc2")?,
            })
        };
        Ok(Self {
            tokens: checkpoint.get("token_embedding.weight")?.to_vec(),
            positions: checkpoint.get("position_embedding.weight")?.to_vec(),
            expression: Linear::load_plain(checkpoint, "expression")?,
            place: Linear::load_plain(checkpoint, "place")?,
            blocks: (0..config.num_hidden_layers).map(block).collect::<Result<_, _>>()?,
            final_norm: LayerNorm::load(checkpoint, "final_layer_norm", config.layer_norm_eps)?,
            output: Linear::load(checkpoint, "output")?,
            config: config.clone(),
        })
    }

    /// An empty sequence.
    pub fn begin(&self) -> Sequence {
        Sequence { caches: vec![KvCache::default(); self.blocks.len()], length: 0 }
    }

    /// Appends a token; returns the logits (V) of the next one.
    ///
    /// The sequence must be shorter than the decoder's length, and the token's id one of its
    /// vocabulary.
    pub fn step(&self, cross_cache: &CrossAttentionCache, sequence: &mut Sequence, token: Token<'_>) -> Vec<f32> {
        let width = self.config.hidden_size;
        let row = |table: &[f32], i: usize| table[i * width..(i + 1) * width].to_vec();
        let mut x = row(&self.tokens, token.id as usize); // (W)
        add(&mut x, &row(&self.positions, sequence.length));
        if let Some(text) = token.expression {
            add(&mut x, &self.expression.forward(&rms_norm(text)));
        }
        sequence.length += 1;
        for ((block, own), image) in self.blocks.iter().zip(&mut sequence.caches).zip(&cross_cache.0) {
            block.forward(&mut x, own, image);
        }
        self.output.forward(&self.final_norm.forward(&x)) // (V)
    }
}

impl Block {
    fn forward(&self, x: &mut [f32], own: &mut KvCache, image: &KvCache) {
        let h = self.norm1.forward(x);
        let new = self.own.project(&h);
        own.keys.extend(new.keys);
        own.values.extend(new.values);
        add(x, &self.own.attend(&h, own));
        add(x, &self.cross.attend(&self.norm2.forward(x), image));
        let mut inner = self.fc1.forward(&self.norm3.forward(x));
        gelu(&mut inner);
        add(x, &self.fc2.forward(&inner));
    }
}

impl Attention {
    fn project(&self, rows: &[f32]) -> KvCache {
        KvCache { keys: self.key.forward(rows), values: self.value.forward(rows) }
    }

    /// One query (W) over all that is remembered.
    fn attend(&self, x: &[f32], cache: &KvCache) -> Vec<f32> {
        let query = self.query.forward(x); // (W)
        let (width, head) = (query.len(), query.len() / self.heads);
        let scale = 1.0 / (head as f32).sqrt();
        let mut mixed = vec![0f32; width];
        for (start, mixed) in (0..width).step_by(head).zip(mixed.chunks_exact_mut(head)) {
            let part = start..start + head;
            let keys = cache.keys.chunks_exact(width).map(|key| scale * dot(&query[part.clone()], &key[part.clone()]));
            let mut shares: Vec<f32> = keys.collect(); // (T) or (N)
            softmax(&mut shares);
            for (share, value) in shares.iter().zip(cache.values.chunks_exact(width)) {
                for (mixed, value) in mixed.iter_mut().zip(&value[part.clone()]) {
                    *mixed += share * value;
                }
            }
        }
        self.out.forward(&mixed)
    }
}

/// Fourier features of the centres of patches: sines and cosines, x before y, an octave apart. //
/// (N, 4 * octaves)
fn fourier_features(rows: usize, cols: usize) -> Vec<f32> {
    let centre = |i: usize, count: usize| (i as f32 + 0.5) / count as f32;
    let waves =
        |at: f32| (0..OCTAVES).map(move |octave| at * PI * (1 << octave) as f32).flat_map(|a| [a.sin(), a.cos()]);
    let cells = (0..rows).flat_map(|row| (0..cols).map(move |col| (col, row)));
    cells.flat_map(|(col, row)| waves(centre(col, cols)).chain(waves(centre(row, rows)))).collect()
}

/// RMS norm without weights: a vector divided by its root mean square.
fn rms_norm(vector: &[f32]) -> Vec<f32> {
    let factor = (vector.len() as f32).sqrt() / dot(vector, vector).sqrt().max(1e-12);
    vector.iter().map(|v| factor * v).collect()
}

fn add(x: &mut [f32], more: &[f32]) {
    x.iter_mut().zip(more).for_each(|(x, more)| *x += more);
}
