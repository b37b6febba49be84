//! Vectors of length 1 in a few bits a component. They are turned at random, so that no component
//! stands out and all are rounded to one grid, whose step is chosen for each vector so that it
//! keeps the most of its direction. The decoded vector has the length of the one that was rounded.

use super::Rotation;
use crate::vectors::{CodeProbe, Kernel, Planes, RowPlanes, bits_of, pack_planes, packed_bytes, unpack_planes};

/// Bits of the planes of a row. Where some components stand out, as those of models do, the error
/// of a score is half as large again as by int8 (`benches/RESULTS-scale.md`).
const PLANES: &RowPlanes = &[4, 2];
/// Steps of the grid that are tried, in standard deviations.
const STEPS: [f32; 5] = [0.085, 0.095, 0.105, 0.115, 0.13];
/// Bytes behind the planes.
const SCALE: usize = 4;

/// Makes rows of vectors of one width.
#[derive(Debug)]
pub(crate) struct RowCoder {
    dim: usize,
    rotation: Rotation,
}

/// A query made ready for rows.
#[derive(Debug)]
pub(crate) struct RowQuery {
    /// With those of the padding.
    steps: Vec<i8>,
    scale: f32,
    /// What the grid's lower end adds to a product.
    excess: f32,
}

/// Half the grid: component `i` is `scale x (value - HALF)`.
fn half() -> f32 {
    ((1u32 << bits_of(PLANES)) - 1) as f32 / 2.0
}

impl RowCoder {
    /// Rows turned as `seed` says.
    pub(crate) fn new(dim: usize, seed: u64) -> Self {
        Self { dim, rotation: Rotation::new(dim, seed) }
    }

    /// Bytes of a row of vectors of `dim`.
    pub(crate) fn bytes(dim: usize) -> usize {
        packed_bytes(dim, PLANES) + SCALE
    }

    /// Appends the row of a vector.
    pub(crate) fn encode(&self, vector: Planes<'_>, rows: &mut Vec<u8>) {
        let mut values: Vec<f32> = vector.values.iter().map(|&value| f32::from(value) * vector.scale).collect();
        self.rotation.apply(&mut values);
        let square: f32 = values.iter().map(|value| value * value).sum();
        let spread = (square / self.dim as f32).sqrt();
        let (mut best, mut most, mut length) = (Vec::new(), f32::MIN, 1.0);
        for step in STEPS {
            let (components, product, own) = round(&values, step * spread);
            let cosine = product / own.sqrt();
            if cosine > most || best.is_empty() {
                (best, most, length) = (components, cosine, own.sqrt());
            }
        }
        let start = rows.len();
        rows.resize(start + packed_bytes(self.dim, PLANES), 0);
        pack_planes(&best, PLANES, &mut rows[start..]);
        rows.extend((square.sqrt() / length).to_le_bytes());
    }

    /// The vector of a row.
    pub(crate) fn decode(&self, row: &[u8]) -> Vec<f32> {
        let (planes, scale) = split(row);
        let components = unpack_planes(planes, CodeProbe::width(self.dim), PLANES);
        let mut values: Vec<f32> =
            components[..self.dim].iter().map(|&value| scale * (f32::from(value) - half())).collect();
        self.rotation.undo(&mut values);
        values
    }

    /// Makes a query of length 1 ready.
    pub(crate) fn query(&self, query: &[f32]) -> RowQuery {
        let mut rotated = query.to_vec();
        self.rotation.apply(&mut rotated);
        let peak = rotated.iter().fold(f32::MIN_POSITIVE, |peak, value| peak.max(value.abs()));
        let scale = peak / 127.0;
        let mut steps: Vec<i8> = rotated.iter().map(|value| (value / scale).round() as i8).collect();
        let excess = half() * steps.iter().map(|&step| i32::from(step)).sum::<i32>() as f32;
        steps.resize(CodeProbe::width(self.dim), 0);
        RowQuery { steps, scale, excess }
    }
}

impl RowQuery {
    /// The cosine with a row.
    #[inline]
    pub(crate) fn cosine(&self, kernel: Kernel, row: &[u8]) -> f32 {
        let (planes, scale) = split(row);
        let product = kernel.dot_planes(&self.steps, PLANES, planes) as f32 - self.excess;
        (self.scale * scale * product).clamp(-1.0, 1.0)
    }
}

/// Planes and scale of a row.
#[inline]
fn split(row: &[u8]) -> (&[u8], f32) {
    let (planes, scale) = row.split_at(row.len() - SCALE);
    (planes, scale.first_chunk().map_or(0.0, |bytes| f32::from_le_bytes(*bytes)))
}

/// Components on a grid, the inner product with what they become, and the square of its length.
fn round(values: &[f32], step: f32) -> (Vec<u8>, f32, f32) {
    let (half, inverse) = (half(), if step.is_normal() { step.recip() } else { 0.0 });
    let components: Vec<u8> =
        values.iter().map(|value| (value * inverse + half + 0.5).clamp(0.0, 2.0 * half + 0.5) as u8).collect();
    let (mut product, mut square) = (0.0, 0.0);
    for (value, &component) in values.iter().zip(&components) {
        let point = f32::from(component) - half;
        product += value * point;
        square += point * point;
    }
    (components, product, square)
}

#[allow(clippy::unwrap_used)]
#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;
    use crate::vectors::Quantised;
    use crate::vectors::exact::tests::Noise;

    /// A direction of which some components are so many times the others.
    fn direction(dim: usize, noise: &mut Noise, peak: f32) -> Vec<f32> {
        let values: Vec<f32> = (0..dim).map(|i| noise.gauss() * if i % 97 == 5 { peak } else { 1.0 }).collect();
        let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        values.iter().map(|v| v / length).collect()
    }

    fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(x, y)| x * y).sum()
    }

    /// Mean errors of scores by rows and by int8.
    fn errors(dim: usize, peak: f32) -> [f32; 2] {
        let coder = RowCoder::new(dim, 7);
        let mut noise = Noise(dim as u64);
        let queries: Vec<Vec<f32>> = (0..20).map(|_| direction(dim, &mut noise, peak)).collect();
        let (mut errors, mut count) = ([0.0; 2], 0.0);
        for vector in each((0..100).map(|_| direction(dim, &mut noise, peak))) {
            let quantised = Quantised::encode(&vector).unwrap();
            let mut row = Vec::new();
            coder.encode(quantised.planes(), &mut row);
            assert_eq!(row.len(), RowCoder::bytes(dim));
            let decoded = coder.decode(&row);
            assert!((dot(&decoded, &decoded) - 1.0).abs() < 1e-3 && dot(&decoded, &vector) > 0.997);
            for query in each(&queries) {
                let truth = dot(query, &vector);
                let asked = coder.query(query);
                for kernel in each(Kernel::available()) {
                    assert!((asked.cosine(kernel, &row) - dot(query, &decoded)).abs() < 4e-3);
                }
                errors[0] += (asked.cosine(Kernel::best(), &row) - truth).abs();
                errors[1] += (dot(query, &quantised.decode()) - truth).abs();
                count += 1.0;
            }
        }
        errors.map(|error| error / count)
    }

    #[test]
    fn rows_give_scores_whether_components_are_alike_or_not() {
        for dim in [64, 200, 768] {
            let ([rows, int8], [uneven, int8_uneven]) = (errors(dim, 1.0), errors(dim, 10.0));
            eprintln!("{dim}: alike {rows:.2e}, int8 {int8:.2e}; uneven {uneven:.2e}, int8 {int8_uneven:.2e}");
            assert!(rows < 0.04 / (dim as f32).sqrt() && uneven < 0.04 / (dim as f32).sqrt(), "{rows} {uneven}");
        }
    }
}
