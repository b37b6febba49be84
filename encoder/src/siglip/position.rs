//! NaFlex positions: a learned square grid, resized to the patch grid of each image.

/// The learned grid, `side * side` rows of `width` values, row by row.
pub(crate) struct PositionGrid {
    table: Vec<f32>,
    side: usize,
    width: usize,
}

impl PositionGrid {
    pub fn new(table: Vec<f32>, side: usize, width: usize) -> Self {
        debug_assert_eq!(table.len(), side * side * width);
        Self { table, side, width }
    }

    /// Appends `rows * cols` positions to `out`: bilinear with antialiasing and without corner
    /// alignment, as `torch.nn.functional.interpolate(mode="bilinear", antialias=True)` does it,
    /// first along rows, then along columns.
    pub fn resize(&self, rows: usize, cols: usize, out: &mut Vec<f32>) {
        let mut narrow = Vec::with_capacity(self.side * cols * self.width); // (side, cols, W)
        let across: Vec<Taps> = taps(self.side, cols).collect();
        for row in self.table.chunks_exact(self.side * self.width) {
            for taps in &across {
                weighted_sum(taps, |i| &row[i * self.width..][..self.width], &mut narrow);
            }
        }
        for taps in taps(self.side, rows) {
            weighted_sum(&taps, |i| &narrow[i * cols * self.width..][..cols * self.width], out);
        }
    }
}

/// The inputs `first..` that make up one output of a resize along one axis, with weights that sum
/// to 1.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// A triangle around the centre of each output, as wide as the outputs are apart, but at least as
/// wide as the inputs are.
fn taps(inputs: usize, outputs: usize) -> impl Iterator<Item = Taps> {
    let scale = inputs as f32 / outputs as f32;
    let support = scale.max(1.0);
    (0..outputs).map(move |i| {
        let centre = scale * (i as f32 + 0.5);
        let first = (centre - support + 0.5).max(0.0) as usize;
        let last = ((centre + support + 0.5) as usize).min(inputs);
        let triangle = |j: usize| (1.0 - ((j as f32 - centre + 0.5) / support).abs()).max(0.0);
        let mut weights: Vec<f32> = (first..last).map(triangle).collect();
        let sum: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
        Taps { first, weights }
    })
}

fn weighted_sum<'a>(taps: &Taps, input: impl Fn(usize) -> &'a [f32], out: &mut Vec<f32>) {
    let start = out.len();
    out.resize(start + input(taps.first).len(), 0.0);
    for (i, weight) in taps.weights.iter().enumerate() {
        for (out, value) in out[start..].iter_mut().zip(input(taps.first + i)) {
            *out += weight * value;
        }
    }
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::{Every as _, each};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn weights_of_known_sizes() {
        // By hand from the definition: 16 to 12 shrinks (triangles of width 4/3), 16 to 21
        // enlarges.
        let cases: [(usize, usize, usize, &[f32]); 5] = [
            (12, 0, 0, &[0.7, 0.3]),
            (12, 1, 1, &[0.5, 0.5]),
            (12, 2, 2, &[0.2727, 0.6364, 0.0909]),
            (21, 0, 0, &[1.0]),
            (21, 1, 0, &[0.3571, 0.6429]),
        ];
        for (outputs, row, first, weights) in each(cases) {
            let Some(taps) = taps(16, outputs).nth(row) else { panic!("16 to {outputs} has no row {row}") };
            let skip = taps.weights.iter().take_while(|w| **w == 0.0).count();
            assert_eq!(taps.first + skip, first, "16 to {outputs}, row {row}");
            for (found, expected) in each(taps.weights[skip..].iter().zip(weights)) {
                assert!((found - expected).abs() < 1e-4, "16 to {outputs}, row {row}: {:?}", taps.weights);
            }
        }
    }

    #[test]
    fn same_size_changes_nothing() {
        let table: Vec<f32> = (0..16 * 16 * 3).map(|i| i as f32).collect();
        let mut out = Vec::new();
        PositionGrid::new(table.clone(), 16, 3).resize(16, 16, &mut out);
        assert_eq!(out, table);
    }

    proptest! {
        /// A plane stays a plane away from the borders, and no size leaves the range of the table.
        #[test]
        fn resize_stays_in_range(rows in 1usize..70, cols in 1usize..70) {
            let table: Vec<f32> = (0..256).map(|i| (i / 16) as f32).collect();
            let mut out = Vec::new();
            PositionGrid::new(table, 16, 1).resize(rows, cols, &mut out);
            prop_assert_eq!(out.len(), rows * cols);
            for row in each(out.chunks_exact(cols)) {
                prop_assert!(row.iter().every(|v| (v - row[0]).abs() < 1e-4 && (-1e-4..=15.0001).contains(v)));
            }
            let column: Vec<f32> = out.iter().step_by(cols).copied().collect();
            prop_assert!(column.is_sorted());
        }
    }
}
