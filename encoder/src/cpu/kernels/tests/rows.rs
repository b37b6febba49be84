//! Layer norm, and pooling.

use glimpse_nonempty::each;
use proptest::prelude::*;

use super::super::buffers::Rows;
use super::super::element::Values;
use super::super::norm::LayerNorm;
use super::super::pooling::Pooling;
use super::{dot, noise, paths, rounding, row_of, sequences, softmax};
use crate::cpu::load::{f32_rows, new_tiles};

/// Rows whose spread is 1 round `offset`.
pub(super) fn check_norm(count: usize, width: usize, offset: f32, seed: u64) {
    let x: Vec<f32> = noise(seed, count * width).iter().map(|value| value + offset).collect();
    let (weight, bias) = (noise(seed + 1, width), noise(seed + 2, width));
    let norm = LayerNorm::new(weight.clone(), bias.clone(), 1e-6);
    for path in each(paths()) {
        let from = f32_rows(&x, count, width);
        let (mut rows, mut tiles) = (Rows::new::<f32>(count, width), new_tiles(path.normed(), count, width));
        norm.to_rows(path, &from, count, &mut rows);
        norm.to_tiles(path, &from, count, &mut tiles);
        for (i, row) in each(x.chunks(width).enumerate()) {
            let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
            let mean = row.iter().sum::<f64>() / width as f64;
            let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / width as f64;
            // Values with a scale are rounded to whole numbers.
            let scale = tiles.scales().get(i).map(|scale| f64::from(*scale));
            let operands: Vec<f64> = row_of(&mut tiles, i).iter().map(|value| value * scale.unwrap_or(1.0)).collect();
            for (j, value) in each(row.iter().enumerate()) {
                let (weight, bias) = (f64::from(weight[j]), f64::from(bias[j]));
                let normed = (value - mean) / (variance + 1e-6).sqrt();
                let expected = normed * weight + bias;
                let tolerance = 1e-5 * ((normed * weight).abs() + bias.abs()) + 1e-6;
                let found = f64::from(rows.row::<f32>(i)[j]);
                let place = format!("{path}, width {width}, offset {offset}: {i}, {j}");
                assert!((found - expected).abs() <= tolerance, "{place}: {found}, not {expected}");
                let apart = (operands[j] - expected).abs();
                let rounding = scale.map_or_else(|| rounding(path, expected), |scale| 0.5001 * scale);
                assert!(apart <= 1.01 * tolerance + rounding, "{place}: {}, not {expected}", operands[j]);
            }
            let filled = operands[width..].iter().all(|value| *value == 0.0);
            assert!(filled || path.normed() == Values::OffsetU8, "{path}, width {width}: what fills up a line");
        }
    }
}

pub(super) fn check_pooling(lengths: &[usize], heads: usize, depth: usize) {
    let (count, width) = (lengths.iter().sum::<usize>(), heads * depth);
    let (tokens, probes, values) = (noise(1, count * width), noise(2, heads * width), noise(3, width * width));
    // As large as probes through a key projection are: scores of some units.
    let probes: Vec<f32> = probes.iter().map(|value| value * 4.0 / (width as f32).sqrt()).collect();
    let bias = noise(4, width);
    let pooling = Pooling {
        probes: f32_rows(&probes, heads, width),
        values: f32_rows(&values, width, width),
        values_bias: bias.clone(),
        heads,
        width,
    };
    let sequences = sequences(lengths);
    for path in each(paths()) {
        let mut out = Rows::new::<f32>(lengths.len(), width);
        pooling.gather(path, &f32_rows(&tokens, count, width), &sequences, &mut out);
        for (row, sequence) in each(sequences.iter().enumerate()) {
            let token = |token: usize| &tokens[token * width..][..width];
            for head in each(0..heads) {
                let probe = &probes[head * width..][..width];
                let scores: Vec<f64> = sequence.clone().map(|at| dot(probe, token(at))).collect();
                let weights = softmax(scores.into_iter());
                let mut mean = vec![0.0; width];
                for (at, weight) in sequence.clone().zip(weights) {
                    mean.iter_mut().zip(token(at)).for_each(|(sum, value)| *sum += weight * f64::from(*value));
                }
                for i in each(head * depth..(head + 1) * depth) {
                    let value: f64 = values[i * width..].iter().zip(&mean).map(|(a, b)| f64::from(*a) * b).sum();
                    let (found, expected) = (f64::from(out.row::<f32>(row)[i]), value + f64::from(bias[i]));
                    assert!((found - expected).abs() < 1e-4, "{path} {lengths:?}, {row}, {i}: {found}, not {expected}");
                }
            }
        }
    }
}

#[test]
fn norms_of_model_shapes() {
    for (width, offset) in [(768, 0.0), (1152, 1000.0), (1151, -1000.0), (4304, 999.0), (1, 7.0), (17, 1000.0)] {
        check_norm(5, width, offset, 9);
    }
    check_norm(729, 72, 300.0, 9);
}

#[test]
fn pooling_of_model_shapes() {
    check_pooling(&[729], 2, 72);
    check_pooling(&[33, 1, 16], 16, 72);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn norms(count in 1usize..40, width in 8usize..400, offset in -1000f32..1000.0, seed in 0u64..1000) {
        check_norm(count, width, offset, seed);
    }

    #[test]
    fn poolings(a in 1usize..60, b in 1usize..40, heads in 1usize..5, depth in 1usize..50) {
        check_pooling(&[a, b], heads, depth);
    }
}
