#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{Device, Tensor};
use proptest::prelude::*;

use super::gelu::{gelu, gelu_body};
use super::layer_norm::{layer_norm, layer_norm_body};
use super::softmax::{softmax, softmax_body};
use super::*;

fn values(len: std::ops::Range<usize>, largest: f32) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-largest..largest, len)
}

fn assert_close(found: &[f32], exact: impl Iterator<Item = f64>, relative: f64, absolute: f64) {
    for (i, (found, exact)) in found.iter().zip(exact).enumerate() {
        let bound = relative * exact.abs() + absolute;
        assert!((f64::from(*found) - exact).abs() <= bound, "value {i}: {found} instead of {exact}");
    }
}

#[test]
fn exp_is_within_two_units_everywhere() {
    for i in -87_000..88_000 {
        let x = i as f32 / 1000.0;
        for found in [exp::exp::<true>(x), exp::exp::<false>(x)] {
            assert_close(&[found], std::iter::once(f64::from(x).exp()), 2.4e-7, 0.0);
        }
    }
    assert!(exp::exp::<false>(f32::NEG_INFINITY) < 1e-37);
    assert!(exp::exp::<true>(f32::INFINITY) > 1e38);
}

fn exact_gelu(x: f32) -> f64 {
    let x = f64::from(x);
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
}

fn exact_softmax(row: &[f32]) -> Vec<f64> {
    let max = row.iter().fold(f64::NEG_INFINITY, |a, b| a.max(f64::from(*b)));
    let exps: Vec<f64> = row.iter().map(|v| (f64::from(*v) - max).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.iter().map(|e| e / sum).collect()
}

fn exact_layer_norm(x: &[f32], eps: f64) -> Vec<f64> {
    let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / x.len() as f64;
    let variance = x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / x.len() as f64;
    x.iter().map(|v| (f64::from(*v) - mean) / (variance + eps).sqrt()).collect()
}

proptest! {
    #[test]
    fn gelu_matches_f64_on_every_path(values in values(0..200, 30.0)) {
        for kernel in [gelu, gelu_body::<false>] {
            let mut found = values.clone();
            kernel(&mut found);
            assert_close(&found, values.iter().map(|x| exact_gelu(*x)), 2e-6, 1e-7);
        }
    }

    #[test]
    fn softmax_matches_f64_on_every_path(values in values(1..300, 60.0)) {
        for kernel in [softmax, softmax_body::<false>] {
            let mut found = values.clone();
            kernel(&mut found);
            // The rounding of x - max, at most 2^-18 for |x - max| <= 120, becomes a relative error of the result.
            assert_close(&found, exact_softmax(&values).into_iter(), 1e-5, 1e-30);
        }
    }

    #[test]
    fn softmax_passes_over_no_fault(values in values(1..300, 60.0), at in 0usize..300, which in 0usize..3) {
        let mut values = values;
        let at = at % values.len();
        values[at] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][which];
        for kernel in [softmax, softmax_body::<false>] {
            let mut found = values.clone();
            kernel(&mut found);
            prop_assert!(found.iter().all(|value| value.is_nan()));
        }
    }

    #[test]
    fn layer_norm_matches_f64_on_every_path(values in values(8..300, 2.0), offset in -1000f32..1000.0) {
        let x: Vec<f32> = values.iter().map(|v| v + offset).collect();
        let (ones, zeros) = (vec![1.0; x.len()], vec![0.0; x.len()]);
        let exact = exact_layer_norm(&x, 1e-6);
        for kernel in [layer_norm, layer_norm_body::<false>] {
            let mut found = vec![0.0; x.len()];
            kernel(&x, &ones, &zeros, 1e-6, &mut found);
            assert_close(&found, exact.iter().copied(), 1e-5, 1e-5);
        }
    }

    #[test]
    fn attention_equals_tensor_operations(
        b in 1usize..4, n in 1usize..150, heads in 1usize..4, head in 1usize..20, seed in 0u64..1000
    ) {
        let width = heads * head;
        let noise = |i: usize| ((i as u64 * 2_654_435_761 + seed * 97) % 1000) as f32 / 250.0 - 2.0;
        let qkv: Vec<f32> = (0..b * n * 3 * width).map(noise).collect();
        let qkv = Tensor::from_vec(qkv, (b, n, 3 * width), &Device::Cpu).unwrap();
        let lengths: Vec<usize> = (0..b).map(|i| (n - i * n / 4).max(1)).collect();
        let fused = qkv.apply_op1_no_bwd(&AttentionOp { heads, lengths: Some(&lengths) }).unwrap();
        let padding = crate::candle::attention::Padding::new(&lengths, n, &Device::Cpu).unwrap();
        let plain = crate::candle::attention::attend(&qkv, heads, padding.as_ref()).unwrap();
        for (i, length) in lengths.iter().enumerate() {
            let rows = |t: &Tensor| t.get(i).unwrap().narrow(0, 0, *length).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let (fused, plain) = (rows(&fused), rows(&plain));
            for (a, b) in fused.iter().zip(&plain) {
                prop_assert!((a - b).abs() < 1e-5, "{a} and {b}");
            }
        }
    }
}

#[test]
fn layer_norm_survives_a_large_mean() {
    // Spread 1 around 4096: E[x^2] - E[x]^2 in f32 has lost every digit here.
    let x: Vec<f32> = (0..768).map(|i| 4096.0 + if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let mut found = vec![0.0; x.len()];
    layer_norm(&x, &vec![1.0; x.len()], &vec![0.0; x.len()], 1e-6, &mut found);
    assert_close(&found, exact_layer_norm(&x, 1e-6).into_iter(), 1e-5, 0.0);
}
