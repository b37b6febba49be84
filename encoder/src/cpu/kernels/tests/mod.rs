//! Every kernel on every path of this machine beside the definition of what it computes, in f64.

mod attention;
mod gemm;
mod int8;
mod patches;
mod rows;
mod small;

use std::ops::Range;

use half::bf16;

use super::buffers::{Packed, Tiles};
use super::element::{OffsetU8, Split, Values};
use super::norm::to_tiles;
use super::tile::TILE;
use crate::cpu::load::{f32_rows, new_tiles, pack};
use crate::cpu::path::Path;

/// The paths of this machine.
fn paths() -> Vec<Path> {
    let there = |path: &Path| match path.refusal() {
        None => true,
        Some(reason) => {
            eprintln!("SKIPPED: {path}: {reason}");
            false
        }
    };
    Path::ALL.into_iter().filter(there).collect()
}

/// Noise between -1 and 1.
fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Sequences of these lengths, one behind the other.
fn sequences(lengths: &[usize]) -> Vec<Range<usize>> {
    let mut start = 0;
    let sequence = |length: &usize| {
        start += length;
        start - length..start
    };
    lengths.iter().map(sequence).collect()
}

/// What remains of values as operands of a path, but for those behind layer norms.
fn rounded(path: Path, values: &[f32]) -> Vec<f32> {
    let upper = |value: f32| bf16::from_f32(value).to_f32();
    let hold = |value: &f32| match path.values() {
        Values::F32 => *value,
        Values::Bf16 => upper(*value),
        Values::Split => upper(*value) + upper(value - upper(*value)),
        Values::Int8 | Values::OffsetU8 => unreachable!("only behind layer norms"),
    };
    values.iter().map(hold).collect()
}

/// How far a value may be from the operand that holds it: half a unit in the last of the eight bits
/// of bf16, or of sixteen.
fn rounding(path: Path, value: f64) -> f64 {
    match path.values() {
        Values::F32 => 0.0,
        Values::Bf16 => value.abs() / 256.0,
        Values::Split => value.abs() / 65_536.0,
        Values::Int8 | Values::OffsetU8 => unreachable!("only behind layer norms"),
    }
}

fn packed(path: Path, weights: &[f32], inputs: usize, bias: &[f32]) -> Packed {
    pack(path.values(), bias.len(), inputs, bias, |i, row| row.extend_from_slice(&weights[i * inputs..][..inputs]))
}

fn tiled(path: Path, values: &[f32], width: usize) -> Tiles {
    let rows = values.len() / width;
    let mut tiles = new_tiles(path.values(), rows, width);
    to_tiles(path, &f32_rows(values, rows, width), rows, width, &mut tiles);
    tiles
}

/// A row of an operand, with the columns that fill it up to whole lines; whole numbers if it has a
/// scale.
fn row_of(tiles: &mut Tiles, row: usize) -> Vec<f64> {
    let (steps, values, tiles) = (tiles.steps(), tiles.values(), tiles.shared());
    let value = |col: usize| {
        // SAFETY: callers ask for rows that there are, and nobody else uses the tiles meanwhile.
        unsafe {
            match values {
                Values::F32 => tiles.line::<f32>(row, col / 16).add(col % 16).read().into(),
                Values::Bf16 => tiles.line::<bf16>(row, col / 32).add(col % 32).read().to_f64(),
                Values::Split => {
                    let upper = tiles.line::<Split>(row, col / 32).add(col % 32);
                    upper.read().0.to_f64() + upper.add(TILE * 32).read().0.to_f64()
                }
                Values::Int8 => tiles.line::<i8>(row, col / 64).add(col % 64).read().into(),
                Values::OffsetU8 => f64::from(tiles.line::<OffsetU8>(row, col / 64).add(col % 64).read().0) - 128.0,
            }
        }
    };
    (0..steps * values.line()).map(value).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Weights of a softmax.
fn softmax(scores: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let largest = scores.clone().fold(f64::MIN, f64::max);
    let weights: Vec<f64> = scores.map(|score| (score - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}
