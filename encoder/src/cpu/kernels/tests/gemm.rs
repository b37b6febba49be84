//! Products with every epilogue.

use glimpse_nonempty::{each, if_any};
use proptest::prelude::*;

use super::super::buffers::{Rows, Tiles};
use super::super::gemm::{Epilogue, Gelu, multiply};
use super::{dot, noise, packed, paths, rounded, rounding, row_of, tiled};
use crate::cpu::load::new_tiles;
use crate::cpu::path::Path;

/// `left * right + bias` in f64, of what a path's operands hold.
fn exact(path: Path, (m, k): (usize, usize), left: &[f32], right: &[f32], bias: &[f32]) -> Vec<Vec<f64>> {
    let (left, right) = (rounded(path, left), rounded(path, right));
    let value = |i: usize, j: usize| dot(&left[i * k..][..k], &right[j * k..][..k]) + f64::from(bias[j]);
    (0..m).map(|i| (0..bias.len()).map(|j| value(i, j)).collect()).collect()
}

fn tolerance(k: usize) -> f64 {
    1e-5 * (k as f64).sqrt().max(4.0)
}

pub(super) fn check_product(m: usize, k: usize, n: usize) {
    let (a, w, bias) = (noise(1, m * k), noise(2, n * k), noise(3, n));
    for path in each(paths()) {
        let (left, right) = (tiled(path, &a, k), packed(path, &w, k, &bias));
        let mut out = Rows::new::<f32>(m, n);
        multiply(path, &left, m, &right, Epilogue::Store(out.shared()));
        multiply(path, &left, m, &right, Epilogue::Accumulate(out.shared()));
        for (i, expected) in each(exact(path, (m, k), &a, &w, &bias).iter().enumerate()) {
            for (j, (found, expected)) in each(out.row::<f32>(i).iter().zip(expected).enumerate()) {
                let (found, expected) = (f64::from(*found), 2.0 * expected);
                let place = format!("{path} {m} x {k} x {n} at {i}, {j}");
                assert!((found - expected).abs() < 2.0 * tolerance(k), "{place}: {found}, not {expected}");
            }
        }
    }
}

/// Epilogues whose output is the operand of the next product; `spread` is about the largest result.
pub(super) fn check_operands(m: usize, k: usize, n: usize, spread: f32) {
    let scale = spread / (k as f32).sqrt();
    let (a, bias) = (noise(4, m * k), noise(6, n));
    let w: Vec<f32> = noise(5, n * k).iter().map(|value| value * scale).collect();
    for path in each(paths()) {
        let (left, right) = (tiled(path, &a, k), packed(path, &w, k, &bias));
        let exact = exact(path, (m, k), &a, &w, &bias);
        let check = |what: &str, out: &mut Tiles, function: &dyn Fn(f64) -> f64| {
            for (i, expected) in each(exact.iter().enumerate()) {
                let found = row_of(out, i);
                for (j, x) in each(expected.iter().enumerate()) {
                    let (found, expected) = (found[j], function(*x));
                    let tolerance =
                        tolerance(k) * f64::from(scale).max(1.0) + 2e-6 * x.abs() + rounding(path, expected);
                    let place = format!("{path} {m} x {k} x {n}, {what} of {x} at {i}, {j}");
                    assert!((found - expected).abs() < tolerance, "{place}: {found}, not {expected}");
                }
                // What fills up the last line would spoil the next product.
                assert!(if_any(&found[n..]).all(|value| *value == 0.0), "{path} {m} x {k} x {n}, {what}: {found:?}");
            }
        };
        let mut out = new_tiles(path.values(), m, n);
        multiply(path, &left, m, &right, Epilogue::StoreTiles(out.shared()));
        check("tiles", &mut out, &|x| x);
        multiply(path, &left, m, &right, Epilogue::Activate(Gelu::Tanh, out.shared()));
        check("tanh GELU", &mut out, &gelu_tanh);
        multiply(path, &left, m, &right, Epilogue::Activate(Gelu::Erf, out.shared()));
        check("GELU", &mut out, &gelu_erf);
    }
}

fn gelu_tanh(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
}

/// The error function by the midpoint rule; behind 6 it is 1.
fn gelu_erf(x: f64) -> f64 {
    let z = (x / 2f64.sqrt()).clamp(-6.0, 6.0);
    let step = z / 400.0;
    let sum: f64 = (0..400).map(|i| (-((f64::from(i) + 0.5) * step).powi(2)).exp()).sum();
    0.5 * x * (1.0 + sum * step * 2.0 / std::f64::consts::PI.sqrt())
}

#[test]
fn products_of_model_shapes() {
    for (m, k, n) in [(1, 1152, 40), (1, 4304, 65), (70, 4304, 33), (729, 72, 96), (729, 1152, 7), (65, 588, 64)] {
        check_product(m, k, n);
    }
}

#[test]
fn operands_of_model_shapes() {
    for (m, k, n) in [(1, 1152, 72), (33, 4304, 23), (729, 72, 9)] {
        check_operands(m, k, n, 3.0);
    }
}

#[test]
fn gelu_everywhere() {
    // Each x once: the weights are an identity.
    let x: Vec<f32> = (0..2048).map(|i| (i as f32 - 1024.0) / 64.0).collect();
    let identity: Vec<f32> = (0..64 * 64).map(|i| f32::from(i % 65 == 0)).collect();
    for path in each(paths()) {
        let (left, right) = (tiled(path, &x, 64), packed(path, &identity, 64, &[0.0; 64]));
        for (gelu, exact) in [(Gelu::Tanh, gelu_tanh as fn(f64) -> f64), (Gelu::Erf, gelu_erf)] {
            let mut out = new_tiles(path.values(), 32, 64);
            multiply(path, &left, 32, &right, Epilogue::Activate(gelu, out.shared()));
            for (row, x) in each(rounded(path, &x).chunks(64).enumerate()) {
                for (found, x) in each(row_of(&mut out, row).into_iter().zip(x)) {
                    let expected = exact(f64::from(*x));
                    let tolerance = 2e-6 * f64::from(x.abs()).max(1.0) + rounding(path, expected);
                    assert!((found - expected).abs() < tolerance, "{path} {gelu:?} of {x}: {found}, not {expected}");
                }
            }
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let path = Path::best();
    let (left, right) = (tiled(path, &noise(1, 40 * 50), 50), packed(path, &noise(2, 70 * 50), 50, &[0.0; 70]));
    let refused = |rows: usize, out: &mut Rows, tiles: &mut Tiles| {
        let store = std::panic::AssertUnwindSafe(|| multiply(path, &left, rows, &right, Epilogue::Store(out.shared())));
        let activate = std::panic::AssertUnwindSafe(|| {
            multiply(path, &left, rows, &right, Epilogue::Activate(Gelu::Tanh, tiles.shared()));
        });
        (std::panic::catch_unwind(store).is_err(), std::panic::catch_unwind(activate).is_err())
    };
    let (mut fits, mut tiles) = (Rows::new::<f32>(40, 70), new_tiles(path.values(), 40, 70));
    assert_eq!(refused(40, &mut fits, &mut tiles), (false, false));
    assert_eq!(refused(65, &mut fits, &mut tiles), (true, true), "more rows than the operand");
    let (mut low, mut few) = (Rows::new::<f32>(39, 70), new_tiles(path.values(), 32, 70));
    assert_eq!(refused(40, &mut low, &mut few), (true, true), "fewer rows in the output");
    assert!(refused(40, &mut Rows::new::<f32>(40, 64), &mut tiles).0, "fewer columns in the output");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn products(m in 1usize..90, k in 1usize..700, n in 1usize..130) {
        check_product(m, k, n);
    }

    #[test]
    fn operands(m in 1usize..50, k in 1usize..200, n in 1usize..70, spread in 0.1f32..20.0) {
        check_operands(m, k, n, spread);
    }
}
