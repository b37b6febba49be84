//! Unit vectors in one block of memory.

/// Rows of equal width.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Vectors {
    dim: usize,
    values: Vec<f32>,
}

impl Vectors {
    pub fn new(dim: usize) -> Self {
        Self { dim, values: Vec::new() }
    }

    /// The rows in `values`; `None` if they do not come out even.
    pub fn from_values(dim: usize, values: Vec<f32>) -> Option<Self> {
        (dim > 0 && values.len().is_multiple_of(dim)).then_some(Self { dim, values })
    }

    pub fn push(&mut self, row: &[f32]) {
        assert_eq!(row.len(), self.dim, "a row of another width");
        self.values.extend_from_slice(row);
    }

    pub fn values(&self) -> &[f32] {
        &self.values
    }

    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.dim..(i + 1) * self.dim]
    }

    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.dim)
    }

    /// The mean row; zero if there are none.
    pub fn mean(&self) -> Vec<f32> {
        let mut mean = vec![0.0; self.dim];
        self.rows().for_each(|row| add(&mut mean, row, 1.0 / self.len() as f32));
        mean
    }

    /// Every so many-th row, `count` at most.
    pub fn thinned(&self, count: usize) -> Self {
        let mut few = Self::new(self.dim);
        spaced(self.len(), count).for_each(|i| few.push(self.row(i)));
        few
    }
}

/// `count` places (or all, if there are no more) spread evenly over `0..len`.
pub(crate) fn spaced(len: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(len);
    (0..count).map(move |i| i * len / count)
}

/// `sum += weight * row`.
pub(crate) fn add(sum: &mut [f32], row: &[f32], weight: f32) {
    sum.iter_mut().zip(row).for_each(|(s, v)| *s += weight * v);
}
