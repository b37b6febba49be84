#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use glimpse_nonempty::{each, if_any};
use proptest::prelude::*;

use super::super::top::by_rank;
use super::*;

/// Unit vectors from a seed, clustered round a shared mean as image embeddings are.
pub(crate) fn clustered(count: usize, dim: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut noise = Noise(seed);
    let mean: Vec<f32> = (0..dim).map(|_| noise.gauss()).collect();
    let centres: Vec<Vec<f32>> = (0..count.div_ceil(50)).map(|_| (0..dim).map(|_| noise.gauss()).collect()).collect();
    (0..count)
        .map(|_| {
            let centre = &centres[noise.below(centres.len())];
            let mut v: Vec<f32> = (0..dim).map(|i| mean[i] + centre[i] + 0.7 * noise.gauss()).collect();
            let length = v.iter().map(|x| x * x).sum::<f32>().sqrt();
            v.iter_mut().for_each(|x| *x /= length);
            v
        })
        .collect()
}

pub(crate) struct Noise(pub u64);

impl Noise {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Roughly normal: the sum of four uniform numbers.
    pub fn gauss(&mut self) -> f32 {
        (0..4).map(|_| (self.next() >> 40) as f32 / (1 << 24) as f32 - 0.5).sum::<f32>() * 3f32.sqrt()
    }
}

fn filled(scan: ExactScan, vectors: &[Vec<f32>]) -> ExactScan {
    (0..).zip(vectors).for_each(|(i, v)| scan.add(VectorId(i), v).unwrap());
    scan
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

/// int8 rows with 16-bit queries lose almost nothing: the same ten as f32 would find, nearly
/// always; in two planes nothing.
#[test]
fn top_ten_agrees_with_f32() {
    agrees_with_f32(ExactScan::new(384), 0.97, 0.002);
    agrees_with_f32(ExactScan::stored_as(VectorStorage::Int16, 384), 0.998, 2e-5);
}

fn agrees_with_f32(scan: ExactScan, least: f64, largest: f64) {
    let vectors = clustered(5000, 384, 1);
    let queries = clustered(5000, 384, 1).into_iter().rev().step_by(100);
    let scan = filled(scan, &vectors);
    let (mut same, mut total, mut worst) = (0, 0, 0f64);
    for query in queries {
        let mut exact: Vec<ScoredVector> = (0..)
            .zip(&vectors)
            .map(|(i, v)| ScoredVector { id: VectorId(i), score: cosine(&query, v) as f32 })
            .collect();
        exact.sort_by(by_rank);
        let found = scan.search(&query, 10, None).unwrap();
        same += found.iter().filter(|hit| exact[..10].iter().any(|e| e.id == hit.id)).count();
        total += 10;
        for hit in scan.score_all(&query).unwrap() {
            let truth = cosine(&query, &vectors[hit.id.0 as usize]);
            worst = worst.max((f64::from(hit.score) - truth).abs());
        }
    }
    let agreement = f64::from(same as u32) / f64::from(total as u32);
    eprintln!("top ten agreement with f32: {agreement:.4}, largest error of a cosine: {worst:.6}");
    assert!(agreement >= least, "{agreement}");
    assert!(worst < largest, "{worst}");
}

#[test]
fn a_parallel_scan_equals_a_serial_one() {
    // Enough rows for several blocks and for the parallel paths, that of rows that are looked up
    // included.
    let vectors = clustered(12_000, 768, 2);
    for storage in VectorStorage::ALL {
        let scan = filled(ExactScan::stored_as(storage, 768), &vectors);
        equals_itself(&scan, &vectors);
    }
}

fn equals_itself(scan: &ExactScan, vectors: &[Vec<f32>]) {
    let query = &vectors[17];
    let mut all = scan.score_all(query).unwrap();
    assert_eq!(all.len(), 12_000);
    all.sort_by(by_rank);
    assert_eq!(scan.search(query, 100, None).unwrap(), all[..100]);
    let odd: VectorSet = (0..12_000).filter(|i| i % 2 == 1).map(VectorId).collect();
    let quarter: VectorSet = (0..12_000).filter(|i| i % 13 < 3).map(VectorId).collect();
    let few: VectorSet = (0..12_000).filter(|i| i % 100 == 7).map(VectorId).collect();
    assert!(looks_up(quarter.len(), all.len()) && quarter.len() * 768 > PARALLEL_BYTES);
    for allowed in [&odd, &quarter, &few] {
        let expected: Vec<ScoredVector> = all.iter().copied().filter(|s| allowed.contains(s.id)).take(9).collect();
        assert_eq!(scan.search(query, 9, Some(allowed)).unwrap(), expected);
    }
    let these = scan.score_these(query, [VectorId(3), VectorId(99_999), VectorId(1)]).unwrap();
    assert_eq!(these.iter().map(|s| s.id.0).collect::<Vec<_>>(), [3, 1]);
}

#[test]
fn kernels_give_the_same_scores() {
    let vectors = clustered(200, 100, 3);
    let scores = |kernel| {
        let scan = ExactScan::with_kernel(100, kernel);
        (0..).zip(&vectors).for_each(|(i, v)| scan.add(VectorId(i), v).unwrap());
        scan.search(&vectors[0], 200, None).unwrap()
    };
    let reference = scores(Kernel::available().pop().unwrap());
    each(Kernel::available()).for_each(|kernel| assert_eq!(scores(kernel), reference, "{}", kernel.name()));
}

#[test]
fn equal_scores_come_in_order_of_id() {
    let scan = ExactScan::new(3);
    for id in [5, 2, 9, 4] {
        scan.add(VectorId(id), &[0.0, 1.0, 0.0]).unwrap();
    }
    let ids: Vec<u64> = scan.search(&[0.0, 2.0, 0.0], 3, None).unwrap().iter().map(|s| s.id.0).collect();
    assert_eq!(ids, [2, 4, 5]);
}

#[test]
fn refuses_what_cannot_be_compared() {
    let scan = ExactScan::new(3);
    let wrong = IndexError::WrongDimension { expected: 3, found: 2 }.to_string();
    assert_eq!(scan.add(VectorId(1), &[1.0, 0.0]).unwrap_err().to_string(), wrong);
    assert_eq!(scan.search(&[1.0, 0.0], 1, None).unwrap_err().to_string(), wrong);
    for bad in [[f32::NAN, 0.0, 1.0], [f32::INFINITY, 0.0, 1.0], [0.0; 3]] {
        assert!(scan.add(VectorId(1), &bad).is_err());
        assert!(scan.search(&bad, 1, None).is_err());
        assert!(scan.score_all(&bad).is_err());
    }
    assert!(scan.is_empty());
    assert_eq!(scan.search(&[1.0, 0.0, 0.0], usize::MAX, None).unwrap(), []);
}

#[derive(Debug, Clone)]
enum Step {
    Add(u64, u8),
    Remove(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0u64..40, 1u8..255).prop_map(|(id, v)| Step::Add(id, v)),
        1 => (0u64..40).prop_map(Step::Remove),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    /// Whatever is added, replaced and removed, the scan holds what a map would hold.
    #[test]
    fn behaves_like_a_map(steps in steps()) {
        let scan = ExactScan::new(2);
        let mut model: BTreeMap<u64, Vec<f32>> = BTreeMap::new();
        for step in each(steps) {
            match step {
                Step::Add(id, v) => {
                    let vector = vec![f32::from(v), 100.0];
                    scan.add(VectorId(id), &vector).unwrap();
                    model.insert(id, vector);
                }
                Step::Remove(id) => prop_assert_eq!(scan.remove(VectorId(id)), model.remove(&id).is_some()),
            }
        }
        prop_assert_eq!(scan.len(), model.len());
        let mut ids: Vec<u64> = scan.ids().iter().map(|id| id.0).collect();
        ids.sort_unstable();
        prop_assert_eq!(ids, model.keys().copied().collect::<Vec<_>>());
        for (&id, vector) in if_any(&model) {
            prop_assert_eq!(scan.get(VectorId(id)), Quantised::encode(vector));
        }
        prop_assert_eq!(scan.get(VectorId(99)), None);
    }
}

/// A slot beyond these would take another one's place in the graph.
#[test]
fn no_more_slots_are_made_than_have_numbers() {
    let error = Rows::with_slots(VectorStorage::default(), 1, Slot::MOST + 1).unwrap_err();
    assert!(matches!(error, IndexError::TooMany { .. }) && error.to_string().contains("--home"), "{error}");
}
