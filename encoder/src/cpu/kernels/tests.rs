//! Every kernel on every path of this machine beside the definition of what it computes, in f64.

use half::bf16;
use proptest::prelude::*;

use super::attention::attend;
use super::buffers::{Packed, Rows, SharedTiles, Tiles};
use super::gemm::{Epilogue, Gelu, multiply};
use super::norm::{LayerNorm, to_tiles};
use super::pooling::Pooling;
use crate::cpu::load::{f32_rows, new_rows, new_tiles};
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

/// What remains of values as operands of a path.
fn rounded(path: Path, values: &[f32]) -> Vec<f32> {
    match path.is_bf16() {
        true => values.iter().map(|value| bf16::from_f32(*value).to_f32()).collect(),
        false => values.to_vec(),
    }
}

fn packed(path: Path, weights: &[f32], inputs: usize, bias: &[f32]) -> Packed {
    let row = |i: usize, row: &mut Vec<f32>| row.extend_from_slice(&weights[i * inputs..][..inputs]);
    match path.is_bf16() {
        true => Packed::new::<bf16>(bias.len(), inputs, bias, row),
        false => Packed::new::<f32>(bias.len(), inputs, bias, row),
    }
}

fn tiled(path: Path, values: &[f32], width: usize) -> Tiles {
    let rows = values.len() / width;
    let mut tiles = new_tiles(path, rows, width);
    to_tiles(path, &f32_rows(values, rows, width), rows, width, &mut tiles);
    tiles
}

fn value(path: Path, tiles: SharedTiles, row: usize, col: usize) -> f64 {
    // SAFETY: nobody else uses the tiles meanwhile.
    unsafe {
        match path.is_bf16() {
            true => tiles.line::<bf16>(row, col / 32).add(col % 32).read().to_f64(),
            false => tiles.line::<f32>(row, col / 16).add(col % 16).read().into(),
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn check_product(m: usize, k: usize, n: usize) {
    let (a, w, bias) = (noise(1, m * k), noise(2, n * k), noise(3, n));
    for path in paths() {
        let (left, right) = (tiled(path, &a, k), packed(path, &w, k, &bias));
        let mut out = Rows::new::<f32>(m, n);
        multiply(path, &left, m, &right, Epilogue::Store(out.shared()));
        multiply(path, &left, m, &right, Epilogue::Accumulate(out.shared()));
        let (a, w) = (rounded(path, &a), rounded(path, &w));
        for i in 0..m {
            for j in 0..n {
                let expected = 2.0 * (dot(&a[i * k..][..k], &w[j * k..][..k]) + f64::from(bias[j]));
                let found = f64::from(out.row::<f32>(i)[j]);
                let tolerance = 2e-5 * (k as f64).sqrt().max(4.0);
                assert!(
                    (found - expected).abs() < tolerance,
                    "{path} {m} x {k} x {n} at {i}, {j}: {found}, not {expected}"
                );
            }
        }
    }
}

/// `softmax(scores)`-weighted mean of `values`.
fn mixed(scores: &[f64], values: impl Iterator<Item = f64>) -> f64 {
    let largest = scores.iter().copied().fold(f64::MIN, f64::max);
    let weights = scores.iter().map(|score| (score - largest).exp());
    weights.clone().zip(values).map(|(weight, value)| weight * value).sum::<f64>() / weights.sum::<f64>()
}

fn check_attention(lengths: &[usize], heads: usize, depth: usize) {
    let (tokens, width) = (lengths.iter().sum::<usize>(), heads * depth);
    let values: Vec<f32> = noise(5, tokens * 3 * width).iter().map(|value| value * 2.0).collect();
    let mut start = 0;
    let sequence = |length: &usize| {
        start += length;
        start - length..start
    };
    let sequences: Vec<_> = lengths.iter().map(sequence).collect();
    for path in paths() {
        let mut qkv = new_rows(path, tokens, 3 * width);
        let identity: Vec<f32> = (0..9 * width * width).map(|i| f32::from(i % (3 * width + 1) == 0)).collect();
        let identity = packed(path, &identity, 3 * width, &vec![0.0; 3 * width]);
        let left = tiled(path, &values, 3 * width);
        multiply(path, &left, tokens, &identity, Epilogue::StoreElements(qkv.shared()));
        let mut out = new_tiles(path, tokens, width);
        attend(path, &qkv, &sequences, width, heads, &mut out);

        let values = rounded(path, &values);
        let part = |part: usize, token: usize, head: usize| {
            &values[token * 3 * width + part * width + head * depth..][..depth]
        };
        let tolerance = if path.is_bf16() { 1.6e-2 } else { 1e-5 };
        for sequence in &sequences {
            for (query, head) in sequence.clone().flat_map(|query| (0..heads).map(move |head| (query, head))) {
                let score = |key| dot(part(0, query, head), part(1, key, head)) / (depth as f64).sqrt();
                let scores: Vec<f64> = sequence.clone().map(score).collect();
                for i in 0..depth {
                    let expected = mixed(&scores, sequence.clone().map(|key| f64::from(part(2, key, head)[i])));
                    let found = value(path, out.shared(), query, head * depth + i);
                    let place = format!("{path} {lengths:?}, heads of {depth}: query {query}, head {head}, {i}");
                    assert!((found - expected).abs() < tolerance, "{place}: {found}, not {expected}");
                }
            }
        }
    }
}

#[test]
fn products_of_model_shapes() {
    for (m, k, n) in [(1, 1152, 40), (70, 4304, 33), (729, 72, 96), (65, 588, 64)] {
        check_product(m, k, n);
    }
}

#[test]
fn attention_of_model_shapes() {
    for (lengths, heads, depth) in [(&[196, 64][..], 2, 64), (&[7, 40, 1, 33], 3, 72), (&[100], 2, 96), (&[31], 1, 23)]
    {
        check_attention(lengths, heads, depth);
    }
}

#[test]
fn gelu_in_the_epilogue() {
    let tanh = |x: f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh());
    // The error function by the midpoint rule.
    let erf = |x: f64| {
        let step = x / 2000.0;
        let sum: f64 = (0..2000).map(|i| (-((f64::from(i) + 0.5) * step).powi(2)).exp()).sum();
        sum * step * 2.0 / std::f64::consts::PI.sqrt()
    };
    let x: Vec<f32> = (0..2048).map(|i| (i as f32 - 1024.0) / 64.0).collect();
    let identity: Vec<f32> = (0..64 * 64).map(|i| f32::from(i % 65 == 0)).collect();
    for path in paths() {
        let left = tiled(path, &x, 64);
        let right = packed(path, &identity, 64, &[0.0; 64]);
        for gelu in [Gelu::Tanh, Gelu::Erf] {
            let mut out = new_tiles(path, 32, 64);
            multiply(path, &left, 32, &right, Epilogue::Activate(gelu, out.shared()));
            for (i, x) in rounded(path, &x).into_iter().map(f64::from).enumerate() {
                let expected = if gelu == Gelu::Tanh { tanh(x) } else { 0.5 * x * (1.0 + erf(x / 2f64.sqrt())) };
                let found = value(path, out.shared(), i / 64, i % 64);
                let tolerance = if path.is_bf16() { 4e-3 } else { 2e-6 } * x.abs().max(1.0);
                assert!((found - expected).abs() < tolerance, "{path} {gelu:?} of {x}: {found}, not {expected}");
            }
        }
    }
}

#[test]
fn layer_norm_keeps_its_digits_far_from_zero() {
    for width in [24, 64, 100, 1152] {
        let x: Vec<f32> = noise(9, 5 * width).iter().map(|value| value + 1000.0).collect();
        let (weight, bias) = (noise(10, width), noise(11, width));
        let norm = LayerNorm::new(weight.clone(), bias.clone(), 1e-6);
        for path in paths() {
            let mut out = Rows::new::<f32>(5, width);
            norm.to_rows(path, &f32_rows(&x, 5, width), 5, &mut out);
            for (i, row) in x.chunks(width).enumerate() {
                let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
                let mean = row.iter().sum::<f64>() / width as f64;
                let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / width as f64;
                for (j, value) in row.iter().enumerate() {
                    let normed = (value - mean) / (variance + 1e-6).sqrt();
                    let expected = normed * f64::from(weight[j]) + f64::from(bias[j]);
                    let found = f64::from(out.row::<f32>(i)[j]);
                    assert!((found - expected).abs() < 3e-4, "{path}, width {width}: {found}, not {expected}");
                }
            }
        }
    }
}

#[test]
fn pooling_weighs_tokens_by_their_scores() {
    let (heads, depth) = (3, 20);
    let (width, bias) = (heads * depth, noise(4, heads * depth));
    let (tokens, probes, values) = (noise(1, 50 * width), noise(2, heads * width), noise(3, width * width));
    let pooling = Pooling {
        probes: f32_rows(&probes, heads, width),
        values: f32_rows(&values, width, width),
        values_bias: bias.clone(),
        heads,
        width,
    };
    for path in paths() {
        let mut out = Rows::new::<f32>(2, width);
        let sequences = [0..33, 33..50];
        pooling.gather(path, &f32_rows(&tokens, 50, width), &sequences, &mut out);
        for (row, sequence) in sequences.into_iter().enumerate() {
            let token = |token: usize| &tokens[token * width..][..width];
            for i in 0..width {
                let probe = &probes[i / depth * width..][..width];
                let scores: Vec<f64> = sequence.clone().map(|at| dot(probe, token(at))).collect();
                let weight = &values[i * width..][..width];
                let expected = mixed(&scores, sequence.clone().map(|at| dot(weight, token(at)))) + f64::from(bias[i]);
                let found = f64::from(out.row::<f32>(row)[i]);
                assert!((found - expected).abs() < 1e-4, "{path}, {row}, {i}: {found}, not {expected}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn products(m in 1usize..90, k in 1usize..700, n in 1usize..130) {
        check_product(m, k, n);
    }

    #[test]
    fn attentions(a in 1usize..80, b in 1usize..40, heads in 1usize..4, depth in 1usize..100) {
        check_attention(&[a, b], heads, depth);
    }
}
