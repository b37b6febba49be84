//! Products of int8 behind a layer norm: exact sums of what the operands hold, on every path.

use glimpse_nonempty::{Every as _, each};
use proptest::prelude::*;

use super::super::buffers::{Rows, Tiles};
use super::super::gemm::{Epilogue, Gelu, multiply};
use super::super::norm::LayerNorm;
use super::{noise, packed, paths, row_of};
use crate::cpu::load::{f32_rows, new_tiles, pack};
use crate::cpu::path::Path;

/// The paths of this machine that have int8.
fn int8_paths() -> impl Iterator<Item = Path> {
    paths().into_iter().filter(|path| path.normed() != path.values())
}

/// Rows of noise behind a layer norm that multiplies by `weight`.
fn normed(path: Path, rows: usize, weight: &[f32], bias: &[f32]) -> Tiles {
    let width = weight.len();
    let mut tiles = new_tiles(path.normed(), rows, width);
    let norm = LayerNorm::new(weight.to_vec(), bias.to_vec(), 1e-6);
    norm.to_tiles(path, &f32_rows(&noise(1, rows * width), rows, width), rows, &mut tiles);
    tiles
}

/// Whole numbers and their scale, by the definition.
fn quantised(values: &[f32]) -> (Vec<f64>, f64) {
    let scale = values.iter().fold(0f32, |largest, value| largest.max(value.abs())) / 127.0;
    (values.iter().map(|value| f64::from((value / scale).round_ties_even())).collect(), f64::from(scale))
}

pub(super) fn check_product(m: usize, k: usize, n: usize) {
    let bias = noise(3, n);
    // Outputs of very different sizes.
    let w: Vec<f32> = noise(2, n * k).iter().enumerate().map(|(i, w)| w * 10f32.powi((i / k % 7) as i32 - 4)).collect();
    for path in each(int8_paths()) {
        let mut left = normed(path, m, &noise(4, k), &noise(5, k));
        let right = pack(path.normed(), n, k, &bias, |i, row| row.extend(&w[i * k..][..k]));
        let mut out = Rows::new::<f32>(m, n);
        multiply(path, &left, m, &right, Epilogue::Store(out.shared()));
        multiply(path, &left, m, &right, Epilogue::Accumulate(out.shared()));
        let mut active = new_tiles(path.values(), m, n);
        multiply(path, &left, m, &right, Epilogue::Activate(Gelu::Tanh, active.shared()));
        for i in each(0..m) {
            let (row, scale) = (row_of(&mut left, i), f64::from(left.scales()[i]));
            let active = row_of(&mut active, i);
            assert_eq!(row[..k].iter().fold(0.0, |largest: f64, value| largest.max(value.abs())), 127.0, "{path}");
            for (j, found) in each(out.row::<f32>(i)[..n].iter().enumerate()) {
                let (column, column_scale) = quantised(&w[j * k..][..k]);
                let sum: f64 = row.iter().zip(&column).map(|(a, b)| a * b).sum();
                let (product, bias) = (sum * scale * column_scale, f64::from(bias[j]));
                let (found, expected) = (f64::from(*found) / 2.0, product + bias);
                let place = format!("{path} {m} x {k} x {n} at {i}, {j}");
                let tolerance = 3e-7 * (product.abs() + bias.abs());
                assert!((found - expected).abs() <= tolerance, "{place}: {found}, not {expected}");
                let gelu = 0.5 * expected * (1.0 + (0.797_884_56 * (expected + 0.044_715 * expected.powi(3))).tanh());
                assert!((active[j] - gelu).abs() < 1e-5 + gelu.abs() / 200.0, "{place}: {}, not {gelu}", active[j]);
            }
        }
    }
}

#[test]
fn products_of_model_shapes() {
    for (m, k, n) in [(1, 1152, 40), (1, 4304, 65), (70, 4304, 33), (729, 72, 96), (65, 720, 7), (33, 65, 31)] {
        check_product(m, k, n);
    }
}

#[test]
fn the_largest_sums_are_exact() {
    // Every factor is 127 or -127: no instruction set may saturate on the way.
    let k = 4304;
    for path in each(int8_paths()) {
        for sign in [1.0, -1.0] {
            let left = normed(path, 3, &vec![0.0; k], &vec![0.5; k]);
            let right = packed_normed(path, &vec![sign * 2.0; 40 * k], k, &[0.0; 40]);
            let mut out = Rows::new::<f32>(3, 40);
            multiply(path, &left, 3, &right, Epilogue::Store(out.shared()));
            let expected = sign * k as f32;
            for found in (0..3).flat_map(|i| out.row::<f32>(i)[..40].to_vec()) {
                assert!((found - expected).abs() <= 4e-7 * k as f32, "{path}: {found}, not {expected}");
            }
        }
    }
}

fn packed_normed(path: Path, weights: &[f32], inputs: usize, bias: &[f32]) -> super::Packed {
    pack(path.normed(), bias.len(), inputs, bias, |i, row| row.extend_from_slice(&weights[i * inputs..][..inputs]))
}

/// Results of rows behind a norm whose results are about as large as `magnitude`.
fn results(path: Path, weight: &[f32], bias: &[f32], w: &[f32]) -> Vec<f32> {
    let k = weight.len();
    let outputs = noise(3, w.len() / k);
    let left = normed(path, 5, weight, bias);
    let mut out = Rows::new::<f32>(5, outputs.len());
    multiply(path, &left, 5, &packed_normed(path, w, k, &outputs), Epilogue::Store(out.shared()));
    (0..5).flat_map(|i| out.row::<f32>(i)[..outputs.len()].to_vec()).collect()
}

#[test]
fn rows_and_weights_of_any_size_have_a_scale() {
    let (k, n) = (72, 40);
    let bias: Vec<f32> = (0..5).flat_map(|_| noise(3, n)).collect();
    for path in each(int8_paths()) {
        for (size, weight_size) in [(0.0, 1.0), (1.0, 0.0), (1e-36, 1.0), (1.0, 1e-36), (0.0, 0.0), (1e-36, 1e-36)] {
            let w: Vec<f32> = noise(2, n * k).iter().map(|w| w * weight_size).collect();
            let found = results(path, &vec![size; k], &vec![0.0; k], &w);
            let close = found.iter().zip(&bias).all(|(found, bias)| (found - bias).abs() < 1e-30);
            assert!(close, "{path}: {size} times {weight_size}");
        }
        let w = noise(2, n * k);
        let small = results(path, &vec![1e-12; k], &vec![0.0; k], &w.iter().map(|w| w * 1e12).collect::<Vec<_>>());
        let large = results(path, &vec![1e20; k], &vec![0.0; k], &w.iter().map(|w| w * 1e-20).collect::<Vec<_>>());
        for (small, large) in each(small.iter().zip(&large)) {
            assert!((small - large).abs() < 0.05 * small.abs().max(1.0), "{path}: {small} and {large}");
        }
    }
}

#[test]
fn what_is_not_a_number_stays_so() {
    let (k, n) = (72, 40);
    for path in each(int8_paths()) {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut weight = vec![1.0; k];
            weight[17] = bad;
            let found = results(path, &weight, &vec![0.0; k], &noise(2, n * k));
            assert!(found.iter().every(|value| !value.is_finite()), "{path}: {bad} in the weight of a norm");
            let mut w = noise(2, n * k);
            w[3 * k + 5] = bad;
            let found = results(path, &vec![1.0; k], &vec![0.0; k], &w);
            for (i, value) in each(found.iter().enumerate()) {
                assert_eq!(value.is_finite(), i % n != 3, "{path}: {bad} in the weights of output 3: {i}");
            }
        }
    }
}

#[test]
fn operands_of_two_kinds_are_refused() {
    for path in each(int8_paths()) {
        let left = normed(path, 4, &[1.0; 64], &[0.0; 64]);
        let (same, other) = (packed_normed(path, &[1.0; 64], 64, &[0.0]), packed(path, &[1.0; 64], 64, &[0.0]));
        let attempt = |right| {
            let mut out = Rows::new::<f32>(4, 1);
            let product =
                std::panic::AssertUnwindSafe(|| multiply(path, &left, 4, right, Epilogue::Store(out.shared())));
            std::panic::catch_unwind(product).is_err()
        };
        assert!(!attempt(&same) && attempt(&other), "{path}");
        let wrong = std::panic::catch_unwind(|| {
            let mut tiles = new_tiles(path.values(), 4, 64);
            let norm = LayerNorm::new(vec![1.0; 64], vec![0.0; 64], 1e-6);
            norm.to_tiles(path, &f32_rows(&noise(1, 4 * 64), 4, 64), 4, &mut tiles);
        });
        assert!(wrong.is_err(), "{path}: a norm to another kind of operand");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn products(m in 1usize..70, k in 1usize..700, n in 1usize..100) {
        check_product(m, k, n);
    }
}
