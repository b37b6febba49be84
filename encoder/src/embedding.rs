//! A unit vector in the space that images and text share.

use crate::EncodeError;

/// A finite vector of length 1; the only constructor normalises, so every holder may rely on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// Normalises `values`.
    ///
    /// # Errors
    /// [`EncodeError::NotAVector`] if a value is not finite or all are zero: such a vector has no
    /// direction.
    pub fn new(mut values: Vec<f32>) -> Result<Self, EncodeError> {
        let norm = dot(&values, &values).sqrt();
        if !norm.is_finite() || norm == 0.0 {
            return Err(EncodeError::NotAVector { dim: values.len() });
        }
        values.iter_mut().for_each(|v| *v /= norm);
        Ok(Self(values))
    }

    /// The components.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// Number of components.
    pub fn dim(&self) -> usize {
        self.0.len()
    }

    /// Cosine with another embedding of the same model.
    pub fn cosine(&self, other: &Self) -> f32 {
        dot(&self.0, &other.0)
    }

    /// Gives the components away.
    pub fn into_vec(self) -> Vec<f32> {
        self.0
    }
}

/// Inner product in eight running sums, which the compiler turns into vector instructions.
///
/// # Panics
/// If the lengths differ: that is a bug of the caller, never of the data.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "inner product of vectors of different width");
    let mut sums = [0f32; 8];
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    for (x, y) in a8.iter().zip(b8) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}
