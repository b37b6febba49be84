//! What vectors are compared with.

use super::dot::{Kernel, Probe};
use super::quant::{FINE, peak};
use super::storage::Residual;

/// A unit query in two int8 planes, `fine` holding what `coarse` rounds away: together about 16
/// bits, so that the only error of a score is that of the stored vector. A second plane costs
/// little, because a scan waits for memory.
#[derive(Debug)]
pub(crate) struct QueryPlanes {
    pub coarse: Probe,
    fine: Probe,
    pub coarse_scale: f32,
    fine_scale: f32,
    /// The query itself, of length 1, if vectors are kept as they came.
    unit: Vec<f32>,
}

impl QueryPlanes {
    /// Splits a query of any length after bringing it to length 1, for rows of `stride` and what is
    /// kept beside them; `None` if it has no direction.
    pub fn new(query: &[f32], stride: usize, residual: Residual) -> Option<Self> {
        let length = query.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        let peak = peak(query)?;
        let coarse_step = peak / 127.0;
        let fine_step = coarse_step / 254.0;
        let coarse: Vec<i8> = query.iter().map(|v| nearest(v / coarse_step) as i8).collect();
        let left = query.iter().zip(&coarse).map(|(v, &c)| v - f32::from(c) * coarse_step);
        let fine = left.map(|left| nearest(left / fine_step).clamp(-127.0, 127.0) as i8).collect();
        let [coarse, fine] = [coarse, fine].map(|steps| Probe::new(steps, stride));
        let of_unit = |value: f32| (f64::from(value) / length) as f32;
        let (coarse_scale, fine_scale) = (of_unit(coarse_step), of_unit(fine_step));
        let unit = match residual {
            Residual::Floats => query.iter().copied().map(of_unit).collect(),
            Residual::Nothing | Residual::Plane => Vec::new(),
        };
        Some(Self { coarse, fine, coarse_scale, fine_scale, unit })
    }

    /// The cosine with an offset row of the first plane.
    #[inline]
    pub fn cosine(&self, kernel: Kernel, row: &[u8], row_scale: f32) -> f32 {
        self.product(kernel, row, row_scale).clamp(-1.0, 1.0)
    }

    /// The cosine with offset rows of both planes.
    #[inline]
    pub fn fine_cosine(&self, kernel: Kernel, row: &[u8], residual: &[u8], row_scale: f32) -> f32 {
        let whole = self.product(kernel, row, row_scale) + self.product(kernel, residual, row_scale / FINE);
        whole.clamp(-1.0, 1.0)
    }

    /// The cosine with a unit vector of little-endian f32.
    pub fn whole_cosine(&self, row: &[u8]) -> f32 {
        dot_floats(&self.unit, row).clamp(-1.0, 1.0)
    }

    #[inline]
    fn product(&self, kernel: Kernel, row: &[u8], row_scale: f32) -> f32 {
        let [coarse, fine] = kernel.dot_two([&self.coarse, &self.fine], row);
        row_scale * (self.coarse_scale * coarse as f32 + self.fine_scale * fine as f32)
    }
}

/// The nearest whole number of a small one, by a sum that has no room for a fraction. `f32::round`
/// is a call for each value on processors that must do without SSE4.1.
#[inline]
fn nearest(value: f32) -> f32 {
    const ONLY_WHOLE: f32 = 12_582_912.0; // 1.5 x 2^23
    (value + ONLY_WHOLE) - ONLY_WHOLE
}

/// The inner product of values with as many little-endian f32.
fn dot_floats(values: &[f32], bytes: &[u8]) -> f32 {
    const LANES: usize = 16;
    let (values, value_tail) = values.as_chunks::<LANES>();
    let (rows, row_tail) = bytes.as_chunks::<{ 4 * LANES }>();
    let float = |row: &[u8], i: usize| f32::from_le_bytes([row[4 * i], row[4 * i + 1], row[4 * i + 2], row[4 * i + 3]]);
    let mut sums = [0f32; LANES];
    for (values, row) in values.iter().zip(rows) {
        (0..LANES).for_each(|i| sums[i] += values[i] * float(row, i));
    }
    let tail: f32 = value_tail.iter().enumerate().map(|(i, value)| value * float(row_tail, i)).sum();
    sums.iter().sum::<f32>() + tail
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;
    use proptest::prelude::*;

    use super::super::quant::tests::vectors;
    use super::*;

    proptest! {
        #[test]
        fn two_planes_hold_the_query_to_16_bits(vector in vectors()) {
            let planes = QueryPlanes::new(&vector, vector.len(), Residual::Plane).unwrap();
            let length = vector.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
            let peak = f64::from(vector.iter().fold(0f32, |p, v| p.max(v.abs())));
            for (i, &v) in each(vector.iter().enumerate()) {
                let again = f64::from(planes.coarse.steps()[i]) * f64::from(planes.coarse_scale)
                    + f64::from(planes.fine.steps()[i]) * f64::from(planes.fine_scale);
                prop_assert!((again - f64::from(v) / length).abs() <= peak / length / 30_000.0);
            }
        }

        #[test]
        fn a_vector_is_wholly_like_itself(vector in vectors()) {
            let planes = QueryPlanes::new(&vector, vector.len(), Residual::Floats).unwrap();
            let bytes: Vec<u8> = planes.unit.iter().flat_map(|value| value.to_le_bytes()).collect();
            prop_assert!((planes.whole_cosine(&bytes) - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn refuses_queries_without_direction() {
        for bad in [&[][..], &[0.0; 8], &[1.0, f32::NAN], &[f32::INFINITY, 1.0], &[1e-42; 4]] {
            assert!(QueryPlanes::new(bad, bad.len(), Residual::Plane).is_none(), "{bad:?}");
        }
    }
}
