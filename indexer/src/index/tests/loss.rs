//! What int8 costs: measured against f32 on clustered vectors, since uniform random ones have no
//! neighbours to lose.

use glimpse_encoder::dot;

use crate::ImageId;
use crate::vectors::{ExactScan, Quantised, VectorIndex, VectorStorage};

const WIDTH: usize = 768;
const CLUSTERS: usize = 100;
const MEMBERS: usize = 50;
const QUERIES: usize = 100;
const K: usize = 10;

/// Normal numbers from a fixed seed.
struct Normal(u64);

impl Normal {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn next(&mut self) -> f32 {
        let (radius, angle) = ((-2.0 * (1.0 - self.uniform()).ln()).sqrt(), self.uniform() * std::f64::consts::TAU);
        (radius * angle.cos()) as f32
    }

    /// `centre` with noise of the same length as itself, as a unit vector.
    fn near(&mut self, centre: &[f32]) -> Vec<f32> {
        let values: Vec<f32> = centre.iter().map(|&c| c + self.next() * c.abs().max(0.3)).collect();
        let length = dot(&values, &values).sqrt();
        values.into_iter().map(|v| v / length).collect()
    }
}

/// What was lost.
struct Loss {
    /// Mean of one minus the cosine of a vector with its decoded form.
    direction: f64,
    /// Mean and largest error of the score of a query.
    mean_error: f64,
    worst_error: f64,
    /// Share of the true ten nearest that are among the ten found.
    kept: f64,
}

/// Vectors whose first `outliers` components are ten times the others, as those of large towers
/// are.
fn measure(outliers: usize, storage: VectorStorage) -> Loss {
    let mut random = Normal(0x9E37_79B9_7F4A_7C15);
    let centres: Vec<Vec<f32>> = (0..CLUSTERS)
        .map(|_| (0..WIDTH).map(|i| random.next() * if i < outliers { 10.0 } else { 1.0 }).collect())
        .collect();
    let vectors: Vec<Vec<f32>> = (0..CLUSTERS * MEMBERS).map(|i| random.near(&centres[i % CLUSTERS])).collect();
    let scan = ExactScan::stored_as(storage, WIDTH);
    let mut lost = 0.0;
    for (id, vector) in (0..).map(ImageId).zip(&vectors) {
        let coded = Quantised::encode_as(storage, vector).unwrap();
        let decoded = coded.decode();
        let cosine = dot(vector, &decoded) / dot(&decoded, &decoded).sqrt();
        lost += 1.0 - f64::from(cosine);
        scan.add_quantised(id.into(), &coded).unwrap();
    }
    let (mut worst_error, mut sum_of_errors, mut kept) = (0f64, 0f64, 0);
    for query in (0..QUERIES).map(|i| random.near(&centres[i % CLUSTERS])) {
        let mut exact: Vec<(f32, u64)> = vectors.iter().map(|vector| dot(vector, &query)).zip(0..).collect();
        for scored in scan.score_all(&query).unwrap() {
            let error = f64::from((scored.score - exact[scored.id.0 as usize].0).abs());
            worst_error = worst_error.max(error);
            sum_of_errors += error;
        }
        exact.sort_by(|a, b| b.0.total_cmp(&a.0));
        let found = scan.search(&query, K, None).unwrap();
        kept += exact[..K].iter().filter(|(_, id)| found.iter().any(|scored| scored.id.0 == *id)).count();
    }
    Loss {
        direction: lost / vectors.len() as f64,
        mean_error: sum_of_errors / (QUERIES * vectors.len()) as f64,
        worst_error,
        kept: kept as f64 / (QUERIES * K) as f64,
    }
}

#[test]
fn every_way_of_storing_keeps_neighbours() {
    for (outliers, storage, direction, mean_error, worst_error, kept) in [
        (0, VectorStorage::Int8, 1.5e-4, 7e-4, 5e-3, 0.97),
        (8, VectorStorage::Int8, 1e-3, 2e-3, 1.5e-2, 0.93),
        (0, VectorStorage::Int16, 1e-7, 5e-6, 1e-4, 0.998),
        (8, VectorStorage::Int16, 1e-7, 1e-5, 1e-4, 0.998),
        (0, VectorStorage::F32, 1e-7, 1e-6, 1e-5, 0.999),
        (8, VectorStorage::F32, 1e-7, 1e-6, 1e-5, 0.999),
    ] {
        let loss = measure(outliers, storage);
        eprintln!(
            "{outliers} outliers, {storage}: 1 - cosine {:.2e}, score error {:.2e} (worst {:.2e}), top-{K} kept {:.3}",
            loss.direction, loss.mean_error, loss.worst_error, loss.kept
        );
        assert!(loss.direction <= direction && loss.mean_error <= mean_error);
        assert!(loss.worst_error <= worst_error && loss.kept >= kept);
    }
}
