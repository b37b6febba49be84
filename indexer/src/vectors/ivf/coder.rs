//! Vectors as a few bits a component, relative to a centroid (RaBitQ).
//!
//! A residual is rotated and rounded to the points `k - half` of a grid, one step for each vector,
//! chosen so that the rounded vector `u` has the largest cosine with it. For a query `q`, rotated
//! too, `<q, u> * factor` estimates its inner product with the residual without bias, where
//! `factor = |r|^2 / <u, r>`; the estimate is further off than
//! `|r| * 1.9 * sqrt((1 - c^2) / c^2 / (dim - 1))`, `c` the cosine of `u` and `r`, for few queries
//! in a hundred.

use super::Rotation;
use crate::vectors::{CodeProbe, Kernel, pack};

/// How many standard deviations the bound of an estimate's error is (the paper's epsilon 0).
const SURE: f32 = 1.9;
/// Steps of the grid that are tried, as shares of the one that suits a normal distribution.
const STEPS: [f32; 5] = [0.8, 0.9, 1.0, 1.1, 1.2];
/// Bytes beside a code: factor and bound.
const FACTS: usize = 8;

/// Makes codes of vectors of one width.
#[derive(Debug)]
pub(crate) struct Coder {
    dim: usize,
    bits: u32,
    rotation: Rotation,
}

/// A query made ready for the codes of all cells.
pub(crate) struct CodeQuery {
    probe: CodeProbe,
    /// Of the query's own rounding.
    scale: f32,
    /// What the grid's lower end adds to a product.
    excess: f32,
}

/// Room for a vector that is being coded.
#[derive(Default)]
pub(crate) struct Scratch {
    components: Vec<u8>,
    best: Vec<u8>,
}

impl Coder {
    /// Codes of `bits` (1, 2 or 4) a component, rotated as `seed` says.
    pub(crate) fn new(dim: usize, bits: u32, seed: u64) -> Self {
        Self { dim, bits, rotation: Rotation::new(dim, seed) }
    }

    /// Bytes of a code with its factor and bound.
    pub(crate) fn bytes(&self) -> usize {
        CodeProbe::bytes_of(self.dim, self.bits) + FACTS
    }

    fn half(&self) -> f32 {
        ((1 << self.bits) - 1) as f32 / 2.0
    }

    /// Writes the code of a vector less its centroid, which is rotated in its place.
    pub(crate) fn encode(&self, residual: &mut [f32], scratch: &mut Scratch, record: &mut [u8]) {
        self.rotation.apply(residual);
        let square: f32 = residual.iter().map(|value| value * value).sum();
        let spread = (square / self.dim as f32).sqrt();
        let Scratch { components, best } = scratch;
        let mut most = (f32::MIN, 0.0);
        let steps = if self.bits == 1 { &STEPS[2..3] } else { &STEPS[..] };
        for step in steps {
            let (product, own) = self.round(residual, step * spread * self.usual_step(), components);
            let cosine = product / own.sqrt();
            if cosine > most.0 || best.is_empty() {
                most = (cosine, product);
                std::mem::swap(components, best);
            }
        }
        let (code, facts) = record.split_at_mut(record.len() - FACTS);
        pack(best, self.bits, code);
        best.clear();
        let cosine = (most.0 / square.sqrt()).min(1.0);
        let (factor, bound) = match square.is_normal() && most.1 > 0.0 {
            true => {
                let off = ((1.0 - cosine * cosine) / (cosine * cosine) / (self.dim.max(2) - 1) as f32).sqrt();
                (square / most.1, square.sqrt() * SURE * off)
            }
            false => (0.0, square.sqrt()),
        };
        facts[..4].copy_from_slice(&factor.to_le_bytes());
        facts[4..].copy_from_slice(&bound.to_le_bytes());
    }

    /// The step, in standard deviations, that rounds normal values best.
    fn usual_step(&self) -> f32 {
        match self.bits {
            1 => 1.596,
            2 => 0.996,
            _ => 0.335,
        }
    }

    /// Rounds to a grid; the inner product with what it becomes, and the square of its length.
    fn round(&self, values: &[f32], step: f32, components: &mut Vec<u8>) -> (f32, f32) {
        let (half, largest) = (self.half(), ((1 << self.bits) - 1) as f32);
        let inverse = if step.is_normal() { step.recip() } else { 0.0 };
        components.clear();
        components.extend(values.iter().map(|value| (value * inverse + half + 0.5).clamp(0.0, largest + 0.5) as u8));
        let (mut product, mut square) = (0.0, 0.0);
        for (value, &component) in values.iter().zip(components.iter()) {
            let point = f32::from(component) - half;
            product += value * point;
            square += point * point;
        }
        (product, square)
    }

    /// Makes a query of length 1 ready.
    pub(crate) fn query(&self, query: &[f32]) -> CodeQuery {
        let mut rotated = query.to_vec();
        self.rotation.apply(&mut rotated);
        let peak = rotated.iter().fold(f32::MIN_POSITIVE, |peak, value| peak.max(value.abs()));
        let scale = peak / 127.0;
        let steps: Vec<i8> = rotated.iter().map(|value| (value / scale).round() as i8).collect();
        let sum: i32 = steps.iter().map(|&step| i32::from(step)).sum();
        CodeQuery { probe: CodeProbe::new(steps, self.bits), scale, excess: self.half() * sum as f32 }
    }
}

/// What a code says of the inner product of a query with its residual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) product: f32,
    /// It is hardly ever further off than this.
    pub(crate) bound: f32,
}

impl CodeQuery {
    /// Bytes of a code with its factor and bound.
    fn bytes(&self) -> usize {
        self.probe.code_bytes() + FACTS
    }

    /// Estimates for records of `stride` bytes that each begin with a code.
    pub(crate) fn estimate(&self, kernel: Kernel, records: &[u8], stride: usize) -> impl Iterator<Item = Estimate> {
        let mut products = Vec::new();
        kernel.dot_codes(&self.probe, records, stride, &mut products);
        let facts = self.bytes() - FACTS;
        products.into_iter().zip(records.chunks_exact(stride)).map(move |(product, record)| {
            let float = |at: usize| f32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
            let product = float(facts) * self.scale * (product as f32 - self.excess);
            Estimate { product, bound: float(facts + 4) }
        })
    }
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;
    use crate::vectors::exact::tests::Noise;

    fn direction(dim: usize, noise: &mut Noise) -> Vec<f32> {
        let values: Vec<f32> = (0..dim).map(|_| noise.gauss()).collect();
        let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        values.iter().map(|v| v / length).collect()
    }

    /// Mean and root mean square of errors, and the share of them within the bound.
    fn errors(dim: usize, bits: u32) -> (f32, f32, f32) {
        let coder = Coder::new(dim, bits, 7);
        let mut noise = Noise(u64::from(bits) + dim as u64);
        let (mut sum, mut squares, mut within, mut count) = (0.0, 0.0, 0.0, 0.0f32);
        let query = direction(dim, &mut noise);
        let asked = coder.query(&query);
        for _ in 0..2000 {
            // Residuals that have something to do with the query, and are not of length 1.
            let residual: Vec<f32> =
                direction(dim, &mut noise).iter().zip(&query).map(|(r, q)| 0.5 * r + 0.1 * q).collect();
            let truth: f32 = residual.iter().zip(&query).map(|(r, q)| r * q).sum();
            let mut record = vec![0; coder.bytes()];
            coder.encode(&mut residual.clone(), &mut Scratch::default(), &mut record);
            for estimate in each(asked.estimate(Kernel::best(), &record, record.len())) {
                let error = estimate.product - truth;
                sum += error;
                squares += error * error;
                within += f32::from(u8::from(error.abs() <= estimate.bound + 1e-3));
                count += 1.0;
            }
        }
        (sum / count, (squares / count).sqrt(), within / count)
    }

    #[test]
    fn estimates_are_unbiased_and_within_their_bound() {
        for dim in [64, 200, 768] {
            let mut last = f32::MAX;
            for bits in [1, 2, 4] {
                let (mean, root, within) = errors(dim, bits);
                assert!(mean.abs() < 0.1 * root + 1e-4, "{dim} x {bits}: mean {mean}, root {root}");
                assert!(within > 0.92, "{dim} x {bits}: {within} within the bound");
                assert!(root < 0.6 * last, "{dim} x {bits}: {root} after {last}");
                last = root;
            }
        }
    }

    /// What more bits are worth: how many rows have to be read to find the nearest 2,000 of 9,000
    /// that are of one kind, and how many of these estimates alone would find
    /// (`cargo test --lib rows_that_codes -- --nocapture`).
    #[test]
    fn rows_that_codes_cannot_rule_out() {
        const ALL: usize = if cfg!(debug_assertions) { 1500 } else { 9000 };
        const NEAREST: usize = ALL * 2 / 9;
        let mut noise = Noise(3);
        let (dim, kind) = (768, direction(768, &mut noise));
        let text: Vec<f32> = direction(dim, &mut noise).iter().zip(&kind).map(|(own, kind)| own + 0.6 * kind).collect();
        let residuals: Vec<Vec<f32>> =
            (0..ALL).map(|_| direction(dim, &mut noise).iter().map(|value| 0.6 * value).collect()).collect();
        let length = text.iter().map(|v| v * v).sum::<f32>().sqrt();
        let text: Vec<f32> = text.iter().map(|value| value / length).collect();
        let truth: Vec<f32> = residuals.iter().map(|r| r.iter().zip(&text).map(|(r, q)| r * q).sum()).collect();
        let nearest = |scores: &[f32]| {
            let mut order: Vec<usize> = (0..ALL).collect();
            order.sort_unstable_by(|&a, &b| scores[b].total_cmp(&scores[a]));
            order[..NEAREST].to_vec()
        };
        let exact = nearest(&truth);
        let last = truth[exact[NEAREST - 1]];
        let mut before = ALL;
        for bits in [1, 2, 4] {
            let coder = Coder::new(dim, bits, 7);
            let mut records = vec![0; ALL * coder.bytes()];
            for (residual, record) in residuals.iter().zip(records.chunks_exact_mut(coder.bytes())) {
                coder.encode(&mut residual.clone(), &mut Scratch::default(), record);
            }
            let asked = coder.query(&text);
            let estimates: Vec<Estimate> = asked.estimate(Kernel::best(), &records, coder.bytes()).collect();
            let is_read = |place: &usize| estimates[*place].product + estimates[*place].bound >= last;
            let read = (0..ALL).filter(is_read).count();
            let found = exact.iter().filter(|place| is_read(place)).count() as f32 / NEAREST as f32;
            let alone = nearest(&estimates.iter().map(|estimate| estimate.product).collect::<Vec<_>>());
            let alone = alone.iter().filter(|place| exact.contains(place)).count() as f32 / NEAREST as f32;
            eprintln!("{bits} bits: {read} rows read for {NEAREST}, {found:.3} found; {alone:.3} without rows");
            assert!(read < before && found > 0.97 && alone < found);
            before = read;
        }
    }

    #[test]
    fn a_vector_that_is_its_centroid_has_no_residual() {
        let coder = Coder::new(32, 2, 7);
        let mut record = vec![0xff; coder.bytes()];
        coder.encode(&mut [0.0; 32], &mut Scratch::default(), &mut record);
        let asked = coder.query(&[0.1; 32]);
        let found: Vec<Estimate> = asked.estimate(Kernel::best(), &record, record.len()).collect();
        assert_eq!(found, [Estimate { product: 0.0, bound: 0.0 }]);
    }
}
