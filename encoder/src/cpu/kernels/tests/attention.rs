//! Attention over sequences of any lengths.

use glimpse_nonempty::{Every as _, each, if_any};
use proptest::prelude::*;

use super::super::attention::attend;
use super::super::gemm::{Epilogue, multiply};
use super::{dot, noise, packed, paths, rounded, rounding, row_of, sequences, softmax, tiled};
use crate::cpu::load::{new_rows, new_tiles};

/// Compares every `every`th query.
pub(super) fn check_attention(lengths: &[usize], heads: usize, depth: usize, every: usize) {
    let (tokens, width) = (lengths.iter().sum::<usize>(), heads * depth);
    let values: Vec<f32> = noise(5, tokens * 3 * width).iter().map(|value| value * 2.0).collect();
    let sequences = sequences(lengths);
    for path in each(paths()) {
        let mut qkv = new_rows(path, tokens, 3 * width);
        let identity: Vec<f32> = (0..9 * width * width).map(|i| f32::from(i % (3 * width + 1) == 0)).collect();
        let identity = packed(path, &identity, 3 * width, &vec![0.0; 3 * width]);
        let left = tiled(path, &values, 3 * width);
        multiply(path, &left, tokens, &identity, Epilogue::StoreElements(qkv.shared()));
        let mut out = new_tiles(path.values(), tokens, width);
        attend(path, &qkv, &sequences, width, heads, &mut out);

        let values = rounded(path, &values);
        let part = |part: usize, token: usize, head: usize| {
            &values[token * 3 * width + part * width + head * depth..][..depth]
        };
        let tolerance = if path.is_bf16() { 1.6e-2 } else { 1e-5 + rounding(path, 2.0) };
        for sequence in each(&sequences) {
            for query in each(sequence.clone().step_by(every)) {
                let found = row_of(&mut out, query);
                for head in each(0..heads) {
                    let score = |key| dot(part(0, query, head), part(1, key, head)) / (depth as f64).sqrt();
                    let weights = softmax(sequence.clone().map(score).collect::<Vec<_>>().into_iter());
                    for i in each(0..depth) {
                        let weighted = |(key, weight): (usize, &f64)| weight * f64::from(part(2, key, head)[i]);
                        let expected: f64 = sequence.clone().zip(&weights).map(weighted).sum();
                        let found = found[head * depth + i];
                        let place = format!("{path} {lengths:?}, heads of {depth}: query {query}, head {head}, {i}");
                        assert!((found - expected).abs() < tolerance, "{place}: {found}, not {expected}");
                    }
                }
                assert!(if_any(&found[width..]).all(|value| *value == 0.0), "{path}: what fills up a line");
            }
        }
    }
}

#[test]
fn attention_of_model_shapes() {
    for (lengths, heads, depth) in [(&[196, 64][..], 2, 64), (&[7, 40, 1, 33], 3, 72), (&[100], 2, 96), (&[31], 1, 23)]
    {
        check_attention(lengths, heads, depth, 1);
    }
    // A grid of 27 x 27, as So400m/14 at 384 pixels has.
    check_attention(&[729, 3], 2, 72, 17);
}

/// Scores that overflow leave no plausible row behind, on any path, and spoil no other sequence.
#[test]
fn scores_that_are_not_finite_give_no_numbers() {
    let (lengths, heads, depth) = ([5, 40], 2, 32);
    let (tokens, width) = (45, heads * depth);
    let sequences = sequences(&lengths);
    for path in each(paths()) {
        // One value of the query and the key of a token is huge: their product is infinite.
        let mut values = noise(7, tokens * 3 * width);
        let huge = 17;
        for part in 0..2 {
            values[huge * 3 * width + part * width] = 1e30;
        }
        let mut qkv = new_rows(path, tokens, 3 * width);
        let identity: Vec<f32> = (0..9 * width * width).map(|i| f32::from(i % (3 * width + 1) == 0)).collect();
        let identity = packed(path, &identity, 3 * width, &vec![0.0; 3 * width]);
        multiply(path, &tiled(path, &values, 3 * width), tokens, &identity, Epilogue::StoreElements(qkv.shared()));
        let mut out = new_tiles(path.values(), tokens, width);
        attend(path, &qkv, &sequences, width, heads, &mut out);
        let row = row_of(&mut out, huge);
        assert!(row[..depth].iter().every(|value| value.is_nan()), "{path}: {:?}", &row[..depth]);
        assert!(row[depth..width].iter().every(|value| value.is_finite()), "{path}: the other head");
        for other in each(sequences[0].clone()) {
            assert!(row_of(&mut out, other).iter().every(|value| value.is_finite()), "{path}: {other}");
        }
    }
}

#[test]
fn sequences_that_overlap_or_end_behind_the_rows_are_refused() {
    for sequences in [[0..4, 3..8], [0..1, 1..9], [4..8, 0..4]] {
        for path in each(paths()) {
            let attempt = std::panic::catch_unwind(|| {
                let qkv = new_rows(path, 8, 3 * 32);
                attend(path, &qkv, &sequences, 32, 2, &mut new_tiles(path.values(), 8, 32));
            });
            assert!(attempt.is_err(), "{path}: {sequences:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn attentions(a in 1usize..80, b in 1usize..40, heads in 1usize..4, depth in 1usize..100) {
        check_attention(&[a, b], heads, depth, 1);
    }
}
