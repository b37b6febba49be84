//! Vectors as int8 with one scale, a quarter of the bytes of f32, or in two planes of int8, half of them.
//!
//! The values are rounded on a symmetric grid that the largest magnitude spans (`-127..=127`). The scale is then chosen
//! so that the decoded vector has exactly the length of the original: only the direction carries the rounding error,
//! and the cosine of a unit vector with itself stays 1. For 768 values the cosine of a vector with its decoded form is
//! above 0.9999.
//!
//! That is too coarse where the nearest ten lie within some thousandths of a cosine, as pictures of one burst do. A second
//! plane holds what the first rounds away, 16 bits together. Searches run on the first plane, a quarter of f32 to read, and
//! put in order what they found by both.

use super::dot::{Kernel, Probe};

/// A vector of `values.len()` components, component `i` being `scale * values[i]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantised {
    /// Length of the step of the grid; positive and finite.
    pub scale: f32,
    /// The components in steps of the grid, `-127..=127`.
    pub values: Vec<i8>,
    /// What rounding left of each component, in [`FINE`]ths of a step, `-127..=127`; empty without a second plane.
    pub rest: Vec<i8>,
}

/// As [`Quantised`], in bytes that belong to somebody else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planes<'a> {
    pub scale: f32,
    pub values: &'a [i8],
    pub rest: &'a [i8],
}

impl<'a> Planes<'a> {
    /// As [`Quantised::from_bytes`].
    pub fn of_bytes(bytes: &'a [u8], dim: usize) -> Option<Self> {
        let (scale, planes) = bytes.split_first_chunk::<4>()?;
        let scale = f32::from_le_bytes(*scale);
        let (values, rest) = planes.split_at_checked(dim)?;
        let plausible = (rest.is_empty() || rest.len() == dim) && scale.is_normal() && scale > 0.0;
        let [values, rest] = [values, rest].map(bytemuck::cast_slice);
        (plausible && values.iter().any(|&v| v != 0)).then_some(Self { scale, values, rest })
    }

    pub fn quantised(self) -> Quantised {
        Quantised { scale: self.scale, values: self.values.to_vec(), rest: self.rest.to_vec() }
    }
}

/// Steps of the second plane in a step of the first: half a step to either side is 127 of them.
pub(crate) const FINE: f32 = 254.0;

impl Quantised {
    /// Rounds a vector to one plane; `None` if it has no direction (a value that is not finite, or nothing but zeros).
    pub fn encode(vector: &[f32]) -> Option<Self> {
        Self::round(vector, |_| Vec::new())
    }

    /// As [`Quantised::encode`], to two planes.
    pub fn encode_fine(vector: &[f32]) -> Option<Self> {
        Self::round(vector, |left| left.map(|left| (left * FINE).round() as i8).collect())
    }

    /// `rest` makes the second plane of what is left in steps of the first.
    fn round(vector: &[f32], rest: impl FnOnce(&mut dyn Iterator<Item = f32>) -> Vec<i8>) -> Option<Self> {
        let peak = peak(vector)?;
        let steps: Vec<f32> = vector.iter().map(|v| v / peak * 127.0).collect();
        let values: Vec<i8> = steps.iter().map(|step| step.round() as i8).collect();
        let rest = rest(&mut steps.iter().map(|step| step - step.round()));
        let coded = Self { scale: 1.0, values, rest };
        let length = |values: &[f32]| values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        let scale = (length(vector) / length(&coded.decode())) as f32;
        scale.is_normal().then_some(Self { scale, ..coded })
    }

    /// The vector again, with its rounding error.
    pub fn decode(&self) -> Vec<f32> {
        let mut steps: Vec<f32> = self.values.iter().map(|&v| f32::from(v)).collect();
        steps.iter_mut().zip(&self.rest).for_each(|(step, &rest)| *step += f32::from(rest) / FINE);
        steps.iter().map(|step| step * self.scale).collect()
    }

    /// The form that is stored: the scale as little-endian f32, then one byte a component and plane.
    pub fn to_bytes(&self) -> Vec<u8> {
        let planes = [&self.values, &self.rest].map(|plane| bytemuck::cast_slice::<i8, u8>(plane));
        [&self.scale.to_le_bytes(), planes[0], planes[1]].concat()
    }

    /// Reads the stored form of a vector of `dim` components in one plane or two; `None` if it is cut off, too long or has
    /// a scale that no vector has.
    pub fn from_bytes(bytes: &[u8], dim: usize) -> Option<Self> {
        Planes::of_bytes(bytes, dim).map(Planes::quantised)
    }

    pub(crate) fn planes(&self) -> Planes<'_> {
        Planes { scale: self.scale, values: &self.values, rest: &self.rest }
    }
}

/// A unit query in two int8 planes, `fine` holding what `coarse` rounds away: together about 16 bits, so that the only
/// error of a score is that of the stored vector. A second plane costs little, because a scan waits for memory.
#[derive(Debug)]
pub(crate) struct QueryPlanes {
    pub coarse: Probe,
    pub fine: Probe,
    pub coarse_scale: f32,
    pub fine_scale: f32,
}

impl QueryPlanes {
    /// Splits a query of any length after bringing it to length 1, for rows of `stride`; `None` if it has no direction.
    pub fn new(query: &[f32], stride: usize) -> Option<Self> {
        let length = query.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        let peak = peak(query)?;
        let coarse_step = peak / 127.0;
        let fine_step = coarse_step / 254.0;
        let coarse: Vec<i8> = query.iter().map(|v| (v / coarse_step).round() as i8).collect();
        let rest = query.iter().zip(&coarse).map(|(v, &c)| v - f32::from(c) * coarse_step);
        let fine = rest.map(|r| (r / fine_step).round().clamp(-127.0, 127.0) as i8).collect();
        let unit = |step: f32| (f64::from(step) / length) as f32;
        let [coarse, fine] = [coarse, fine].map(|steps| Probe::new(steps, stride));
        Some(Self { coarse, fine, coarse_scale: unit(coarse_step), fine_scale: unit(fine_step) })
    }

    /// The cosine with a raised row of the first plane.
    #[inline]
    pub fn cosine(&self, kernel: Kernel, row: &[u8], row_scale: f32) -> f32 {
        self.product(kernel, row, row_scale).clamp(-1.0, 1.0)
    }

    /// The cosine with raised rows of both planes.
    #[inline]
    pub fn fine_cosine(&self, kernel: Kernel, row: &[u8], rest: &[u8], row_scale: f32) -> f32 {
        let whole = self.product(kernel, row, row_scale) + self.product(kernel, rest, row_scale / FINE);
        whole.clamp(-1.0, 1.0)
    }

    #[inline]
    fn product(&self, kernel: Kernel, row: &[u8], row_scale: f32) -> f32 {
        let [coarse, fine] = kernel.dot_two([&self.coarse, &self.fine], row);
        row_scale * (self.coarse_scale * coarse as f32 + self.fine_scale * fine as f32)
    }
}

/// The largest magnitude; `None` unless it is a normal number and all values are finite.
fn peak(vector: &[f32]) -> Option<f32> {
    let peak = vector.iter().fold(0f32, |peak, v| peak.max(v.abs()));
    (peak.is_normal() && vector.iter().all(|v| v.is_finite())).then_some(peak)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn length(v: &[f32]) -> f64 {
        v.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
    }

    fn cosine(a: &[f32], b: &[f32]) -> f64 {
        let dot: f64 = a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
        dot / length(a) / length(b)
    }

    fn vectors() -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(-1.0f32..1.0, 1..1200)
            .prop_filter("needs a direction", |v| v.iter().any(|x| x.abs() > 1e-3))
    }

    proptest! {
        #[test]
        fn keeps_length_and_direction(vector in vectors()) {
            let coded = Quantised::encode(&vector).unwrap();
            let decoded = coded.decode();
            prop_assert!((length(&decoded) / length(&vector) - 1.0).abs() < 1e-5);
            // Half a step of error on each of n components of a vector whose peak is 127 steps: the sine of the angle
            // is at most sqrt(n) / 2 steps over its length.
            let worst = (vector.len() as f64).sqrt() * 0.5 * f64::from(coded.scale) / length(&vector);
            prop_assert!(cosine(&vector, &decoded) >= (1.0 - worst * worst).max(0.0).sqrt() - 1e-6);
        }

        #[test]
        fn a_second_plane_keeps_16_bits(vector in vectors()) {
            let coded = Quantised::encode_fine(&vector).unwrap();
            let peak = vector.iter().fold(0f32, |peak, v| peak.max(v.abs()));
            for (decoded, v) in coded.decode().iter().zip(&vector) {
                prop_assert!((decoded - v).abs() <= peak / 30_000.0, "{} for {}", decoded, v);
            }
        }

        #[test]
        fn bytes_come_back(vector in vectors()) {
            for coded in [Quantised::encode(&vector).unwrap(), Quantised::encode_fine(&vector).unwrap()] {
                prop_assert_eq!(Quantised::from_bytes(&coded.to_bytes(), vector.len()), Some(coded));
            }
        }

        #[test]
        fn two_planes_hold_the_query_to_16_bits(vector in vectors()) {
            let planes = QueryPlanes::new(&vector, vector.len()).unwrap();
            let length = length(&vector);
            let peak = f64::from(vector.iter().fold(0f32, |p, v| p.max(v.abs())));
            for (i, &v) in vector.iter().enumerate() {
                let again = f64::from(planes.coarse.steps()[i]) * f64::from(planes.coarse_scale)
                    + f64::from(planes.fine.steps()[i]) * f64::from(planes.fine_scale);
                prop_assert!((again - f64::from(v) / length).abs() <= peak / length / 30_000.0);
            }
        }
    }

    #[test]
    fn refuses_vectors_without_direction() {
        for bad in [&[][..], &[0.0; 8], &[1.0, f32::NAN], &[f32::INFINITY, 1.0], &[1e-42; 4]] {
            assert_eq!(Quantised::encode(bad), None, "{bad:?}");
            assert!(QueryPlanes::new(bad, bad.len()).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn refuses_bytes_that_are_no_vector() {
        let good = Quantised::encode(&[0.6, -0.8]).unwrap().to_bytes();
        assert_eq!(Quantised::from_bytes(&good[..5], 2), None);
        assert_eq!(Quantised::from_bytes(&good, 3), None);
        let fine = Quantised::encode_fine(&[0.6, -0.8]).unwrap().to_bytes();
        assert_eq!(Quantised::from_bytes(&fine[..7], 2), None);
        assert_eq!(Quantised::from_bytes(&[], 0), None);
        for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let bytes = [&f32::to_le_bytes(scale)[..], &good[4..]].concat();
            assert_eq!(Quantised::from_bytes(&bytes, 2), None, "{scale}");
        }
    }
}
