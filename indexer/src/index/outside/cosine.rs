//! Comparing a query with vectors that are not in an arena.

use glimpse_encoder::dot;

use crate::vectors::Quantised;

/// The cosine of a query of this length with a stored vector.
pub(super) fn cosine(query: &[f32], length: f32, vector: &Quantised) -> f32 {
    let product = match vector.residual.is_empty() {
        true => vector.scale * dot_steps(query, &vector.values),
        false => dot(query, &vector.decode()),
    };
    (product / length).clamp(-1.0, 1.0)
}

fn dot_steps(query: &[f32], values: &[i8]) -> f32 {
    const LANES: usize = 16;
    let (queries, query_tail) = query.as_chunks::<LANES>();
    let (steps, step_tail) = values.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for (query, steps) in queries.iter().zip(steps) {
        (0..LANES).for_each(|i| sums[i] += query[i] * f32::from(steps[i]));
    }
    let tail: f32 = query_tail.iter().zip(step_tail).map(|(query, &step)| query * f32::from(step)).sum();
    sums.iter().sum::<f32>() + tail
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;
    use proptest::prelude::*;

    use super::*;
    use crate::VectorId;
    use crate::vectors::{ExactScan, VectorStorage};

    proptest! {
        #[test]
        fn scores_are_those_of_a_scan(
            vectors in prop::collection::vec(prop::collection::vec(-1f32..1.0, 37), 1..8),
            query in prop::collection::vec(-1f32..1.0, 37),
        ) {
            for storage in [VectorStorage::Int8, VectorStorage::Int16, VectorStorage::F32] {
                let scan = ExactScan::stored_as(storage, 37);
                for (vector, id) in each(vectors.iter().zip(0..)) {
                    let Some(stored) = scan.encode(vector) else { continue };
                    scan.add_quantised(VectorId(id), &stored).unwrap();
                    let Ok(scored) = scan.score_these(&query, [VectorId(id)]) else { continue };
                    let here = cosine(&query, dot(&query, &query).sqrt(), &stored);
                    prop_assert!((here - scored[0].score).abs() < 1e-4, "{here} {}", scored[0].score);
                }
            }
        }
    }
}
