//! Vectors as int8 with one scale, a quarter of the bytes of f32, or in two planes of int8, half of
//! them.
//!
//! The values are rounded on a symmetric grid that the largest magnitude spans (`-127..=127`). The
//! scale is then chosen so that the decoded vector has exactly the length of the original: only the
//! direction carries the rounding error, and the cosine of a unit vector with itself stays 1. For
//! 768 values the cosine of a vector with its decoded form is above 0.9999.
//!
//! That is too coarse where the nearest ten lie within some thousandths of a cosine, as images of
//! one burst do. A second plane holds what the first rounds away, 16 bits together. Searches run on
//! the first plane, a quarter of f32 to read, and put in order what they found by both, or by the
//! vector as it came if that is kept instead ([`VectorStorage`]).

use super::VectorStorage;
use super::storage::Residual;

/// A vector of `values.len()` components, component `i` being `scale * values[i]`, or more exactly
/// what `residual` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantised {
    /// Length of the step of the grid; positive and finite.
    pub scale: f32,
    /// The components in steps of the grid, `-127..=127`.
    pub values: Vec<i8>,
    /// Nothing; or a byte a component, what rounding left in 254ths of a step, `-127..=127`; or
    /// four, the component as little-endian f32.
    pub residual: Vec<u8>,
}

/// As [`Quantised`], in bytes that belong to somebody else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planes<'a> {
    pub scale: f32,
    pub values: &'a [i8],
    pub residual: &'a [u8],
}

impl<'a> Planes<'a> {
    /// As [`Quantised::from_bytes`].
    pub fn of_bytes(bytes: &'a [u8], dim: usize) -> Option<Self> {
        let (scale, planes) = bytes.split_first_chunk::<4>()?;
        let scale = f32::from_le_bytes(*scale);
        let (values, residual) = planes.split_at_checked(dim)?;
        let sound = |residual: &[u8]| match Residual::of(residual, dim) {
            Some(Residual::Floats) => residual.as_chunks().0.iter().all(|&value| f32::from_le_bytes(value).is_finite()),
            form => form.is_some(),
        };
        let plausible = sound(residual) && scale.is_normal() && scale > 0.0;
        let values: &[i8] = bytemuck::cast_slice(values);
        (plausible && values.iter().any(|&v| v != 0)).then_some(Self { scale, values, residual })
    }

    pub fn quantised(self) -> Quantised {
        Quantised { scale: self.scale, values: self.values.to_vec(), residual: self.residual.to_vec() }
    }
}

/// Steps of the second plane in a step of the first: half a step to either side is 127 of them.
pub(crate) const FINE: f32 = 254.0;

impl Quantised {
    /// Rounds a vector to one plane; `None` if it has no direction (a value that is not finite, or
    /// nothing but zeros).
    pub fn encode(vector: &[f32]) -> Option<Self> {
        Self::encode_as(VectorStorage::Int8, vector)
    }

    /// As [`Quantised::encode`], with what a way of storing keeps beside the first plane.
    pub fn encode_as(storage: VectorStorage, vector: &[f32]) -> Option<Self> {
        let peak = peak(vector)?;
        let steps: Vec<f32> = vector.iter().map(|v| v / peak * 127.0).collect();
        let values: Vec<i8> = steps.iter().map(|step| step.round() as i8).collect();
        let left = |step: &f32| (((step - step.round()) * FINE).round() as i8).cast_unsigned();
        let fine = if storage.residual() == Residual::Plane { steps.iter().map(left).collect() } else { Vec::new() };
        let coded = Self { scale: 1.0, values, residual: fine };
        let length = |values: &[f32]| values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        let scale = (length(vector) / length(&coded.decode())) as f32;
        let residual = match storage.residual() {
            Residual::Floats => vector.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Residual::Nothing | Residual::Plane => coded.residual,
        };
        scale.is_normal().then_some(Self { scale, residual, ..coded })
    }

    /// The vector again, with its rounding error.
    pub fn decode(&self) -> Vec<f32> {
        let steps = self.values.iter().map(|&v| f32::from(v));
        match Residual::of(&self.residual, self.values.len()) {
            Some(Residual::Floats) => {
                self.residual.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect()
            }
            Some(Residual::Plane) => {
                let whole = |(step, &left): (f32, &u8)| step + f32::from(left.cast_signed()) / FINE;
                steps.zip(&self.residual).map(whole).map(|step| step * self.scale).collect()
            }
            Some(Residual::Nothing) | None => steps.map(|step| step * self.scale).collect(),
        }
    }

    /// The form that is stored: the scale as little-endian f32, one byte a component, and the
    /// residual.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.scale.to_le_bytes(), bytemuck::cast_slice(&self.values), &self.residual[..]].concat()
    }

    /// Reads the stored form of a vector of `dim` components; `None` if it is cut off, too long or
    /// has a scale that no vector has.
    pub fn from_bytes(bytes: &[u8], dim: usize) -> Option<Self> {
        Planes::of_bytes(bytes, dim).map(Planes::quantised)
    }

    pub(crate) fn planes(&self) -> Planes<'_> {
        Planes { scale: self.scale, values: &self.values, residual: &self.residual }
    }
}

/// The largest magnitude; `None` unless it is a normal number and all values are finite.
pub(super) fn peak(vector: &[f32]) -> Option<f32> {
    let peak = vector.iter().fold(0f32, |peak, v| peak.max(v.abs()));
    (peak.is_normal() && vector.iter().all(|v| v.is_finite())).then_some(peak)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
pub(super) mod tests {
    use glimpse_nonempty::each;
    use proptest::prelude::*;

    use super::*;

    fn length(v: &[f32]) -> f64 {
        v.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
    }

    fn cosine(a: &[f32], b: &[f32]) -> f64 {
        let dot: f64 = a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
        dot / length(a) / length(b)
    }

    /// Vectors of any width that have a direction.
    pub(in super::super) fn vectors() -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(-1.0f32..1.0, 1..1200)
            .prop_filter("needs a direction", |v| v.iter().any(|x| x.abs() > 1e-3))
    }

    proptest! {
        #[test]
        fn keeps_length_and_direction(vector in vectors()) {
            let coded = Quantised::encode(&vector).unwrap();
            let decoded = coded.decode();
            prop_assert!((length(&decoded) / length(&vector) - 1.0).abs() < 1e-5);
            // Half a step of error on each of n components of a vector whose peak is 127 steps: the
            // sine of the angle is at most sqrt(n) / 2 steps over its length.
            let worst = (vector.len() as f64).sqrt() * 0.5 * f64::from(coded.scale) / length(&vector);
            prop_assert!(cosine(&vector, &decoded) >= (1.0 - worst * worst).max(0.0).sqrt() - 1e-6);
        }

        #[test]
        fn a_second_plane_keeps_16_bits(vector in vectors()) {
            let coded = Quantised::encode_as(VectorStorage::Int16, &vector).unwrap();
            let peak = vector.iter().fold(0f32, |peak, v| peak.max(v.abs()));
            for (decoded, v) in each(coded.decode().iter().zip(&vector)) {
                prop_assert!((decoded - v).abs() <= peak / 30_000.0, "{} for {}", decoded, v);
            }
        }

        #[test]
        fn bytes_come_back(vector in vectors()) {
            for storage in VectorStorage::ALL {
                let coded = Quantised::encode_as(storage, &vector).unwrap();
                prop_assert_eq!(Quantised::from_bytes(&coded.to_bytes(), vector.len()), Some(coded));
            }
        }

        #[test]
        fn a_vector_kept_as_it_came_comes_back_whole(vector in vectors()) {
            prop_assert_eq!(Quantised::encode_as(VectorStorage::F32, &vector).unwrap().decode(), vector);
        }
    }

    #[test]
    fn refuses_vectors_without_direction() {
        for bad in [&[][..], &[0.0; 8], &[1.0, f32::NAN], &[f32::INFINITY, 1.0], &[1e-42; 4]] {
            assert_eq!(Quantised::encode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn refuses_bytes_that_are_no_vector() {
        let good = Quantised::encode(&[0.6, -0.8]).unwrap().to_bytes();
        assert_eq!(Quantised::from_bytes(&good[..5], 2), None);
        assert_eq!(Quantised::from_bytes(&good, 3), None);
        let fine = Quantised::encode_as(VectorStorage::Int16, &[0.6, -0.8]).unwrap().to_bytes();
        assert_eq!(Quantised::from_bytes(&fine[..7], 2), None);
        assert_eq!(Quantised::from_bytes(&[], 0), None);
        for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let bytes = [&f32::to_le_bytes(scale)[..], &good[4..]].concat();
            assert_eq!(Quantised::from_bytes(&bytes, 2), None, "{scale}");
        }
    }
}
