//! What an adapter adds to a weight: the product of two thin matrices (LoRA, arXiv 2106.09685).

/// `scaling * B A`, added to a weight (outputs, inputs) row by row while that is read, so that no
/// second copy of a weight is ever in memory.
#[derive(Debug)]
pub(crate) struct LowRank {
    /// A (rank, inputs).
    a: Vec<f32>,
    /// B (outputs, rank).
    b: Vec<f32>,
    inputs: usize,
    scaling: f32,
}

impl LowRank {
    /// Of A (rank, `inputs`) and B (outputs, rank), row by row.
    pub fn new(a: Vec<f32>, b: Vec<f32>, inputs: usize, scaling: f32) -> Self {
        Self { a, b, inputs, scaling }
    }

    /// Adds what it says of the values from `start` on (counted row by row) to `values`.
    pub fn add_to(&self, start: usize, values: &mut [f32]) {
        let rank = self.a.len() / self.inputs;
        let mut done = 0;
        while done < values.len() {
            let (row, column) = ((start + done) / self.inputs, (start + done) % self.inputs);
            let count = (self.inputs - column).min(values.len() - done);
            let part = &mut values[done..done + count];
            for (k, b) in self.b[row * rank..(row + 1) * rank].iter().enumerate() {
                let a = &self.a[k * self.inputs + column..][..count];
                part.iter_mut().zip(a).for_each(|(value, a)| *value += self.scaling * b * a);
            }
            done += count;
        }
    }

    /// Feeds all of it to `hasher`.
    pub fn fingerprint(&self, hasher: &mut blake3::Hasher) {
        hasher.update(format!("low rank {} {:e}\n", self.a.len() / self.inputs, self.scaling).as_bytes());
        for value in self.a.iter().chain(&self.b) {
            hasher.update(&value.to_le_bytes());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Against the definition, in pieces that begin and end inside of rows.
    #[test]
    fn any_piece_gets_its_part_of_the_product() {
        let (outputs, inputs, rank) = (3, 5, 2);
        let value = |i: usize| ((i * 7 + 3) % 11) as f32 - 5.0;
        let a: Vec<f32> = (0..rank * inputs).map(value).collect();
        let b: Vec<f32> = (0..outputs * rank).map(|i| value(i + 4)).collect();
        let product = |i: usize| {
            let (row, column) = (i / inputs, i % inputs);
            1.0 + (0..rank).map(|k| 0.5 * b[row * rank + k] * a[k * inputs + column]).sum::<f32>()
        };
        let expected: Vec<f32> = (0..outputs * inputs).map(product).collect();
        assert!(expected.iter().any(|value| *value != 1.0));
        let low_rank = LowRank::new(a, b, inputs, 0.5);
        for range in [0..15, 0..5, 5..10, 3..12, 14..15, 4..4] {
            let mut values = vec![1.0; range.len()];
            low_rank.add_to(range.start, &mut values);
            assert_eq!(values, expected[range.clone()], "{range:?}");
        }
    }
}
