//! Inner products of int8 vectors: one kernel is chosen when the program starts, all give the same
//! integers.
//!
//! An accelerated kernel is reached through a token that can only be had by detecting the
//! instructions, so that calling one is always sound.
//!
//! The widest instruction (`vpdpbusd`) multiplies unsigned by signed bytes. Rows are therefore kept
//! offset by 128, and a [`Probe`], the other side of the product, knows what that adds:
//! `sum((row + 128) * probe) = sum(row * probe) + 128 * sum(probe)`. Nothing has to be converted
//! while rows stream by.

mod bits;
mod codes;
mod packed;
mod portable;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

pub use bits::{LikeBits, SIDE_BY_SIDE};
pub use codes::{CodeProbe, pack};
pub use packed::{RowPlanes, bits_of, pack_planes, packed_bytes, unpack_planes};

/// Widest vector whose inner product surely fits an i32, offset: `65,536 * 255 * 127 < 2^31`.
pub(super) const MAX_WIDTH: usize = 1 << 16;

/// What many rows are compared with: signed steps, padded with zeros to the stride of the rows.
#[derive(Debug, Clone, Default)]
pub struct Probe {
    steps: Vec<i8>,
    /// What the offset of a row adds to the product.
    excess: i32,
}

impl Probe {
    /// Pads `steps` to `stride`.
    pub fn new(mut steps: Vec<i8>, stride: usize) -> Self {
        assert!(steps.len() <= stride && stride <= MAX_WIDTH, "a probe of {} values for {stride}", steps.len());
        steps.resize(stride, 0);
        let excess = 128 * steps.iter().map(|&step| i32::from(step)).sum::<i32>();
        Self { steps, excess }
    }

    /// The steps, with their padding.
    #[cfg(test)]
    pub fn steps(&self) -> &[i8] {
        &self.steps
    }

    /// Becomes the probe of an offset row.
    pub fn lower(&mut self, row: &[u8], dim: usize) {
        self.steps.clear();
        self.steps.extend(row[..dim].iter().map(|offset| (offset ^ 0x80).cast_signed()));
        self.steps.resize(row.len(), 0);
        self.excess = 128 * self.steps.iter().map(|&step| i32::from(step)).sum::<i32>();
    }
}

/// A way to compute inner products that this machine has.
#[derive(Debug, Clone, Copy)]
pub struct Kernel(Kind);

#[derive(Debug, Clone, Copy)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(avx512::Avx512Vnni),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
    Portable,
}

impl Kernel {
    /// The fastest one, detected at the first call.
    pub fn best() -> Self {
        static BEST: OnceLock<Kernel> = OnceLock::new();
        *BEST.get_or_init(|| Self::available().remove(0))
    }

    /// All that this machine has, fastest first.
    pub fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            kernels.extend(avx512::Avx512Vnni::detect().map(|token| Self(Kind::Avx512Vnni(token))));
            kernels.extend(avx2::Avx2::detect().map(|token| Self(Kind::Avx2(token))));
        }
        #[cfg(target_arch = "aarch64")]
        kernels.extend(neon::Neon::detect().map(|token| Self(Kind::Neon(token))));
        kernels.push(Self(Kind::Portable));
        kernels
    }

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni(_) => "avx512-vnni",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(_) => "neon",
            Kind::Portable => "portable",
        }
    }

    /// The inner product of a probe with a row.
    ///
    /// # Panics
    /// If the lengths differ: a bug of the caller, never of the data.
    #[inline]
    pub fn dot(self, probe: &Probe, row: &[u8]) -> i32 {
        let steps = probe.steps.as_slice();
        assert_eq!(steps.len(), row.len(), "inner product of vectors of different width");
        let product = match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni(token) => token.dot(steps, row),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(token) => token.dot(steps, row),
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(token) => token.dot(steps, row),
            Kind::Portable => portable::dot(steps, row),
        };
        product - probe.excess
    }

    /// The inner product of two vectors of which neither is offset.
    ///
    /// # Panics
    /// As [`Kernel::dot`].
    pub fn dot_signed(self, a: &[i8], b: &[i8]) -> i32 {
        assert_eq!(a.len(), b.len(), "inner product of vectors of different width");
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni(token) => token.dot_signed(a, b),
            _ => a.iter().zip(b).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum(),
        }
    }

    /// The inner products of two probes with a row that is read once.
    ///
    /// # Panics
    /// As [`Kernel::dot`].
    #[inline]
    pub fn dot_two(self, probes: [&Probe; 2], row: &[u8]) -> [i32; 2] {
        let [a, b] = probes.map(|probe| probe.steps.as_slice());
        assert!(a.len() == row.len() && b.len() == row.len(), "inner product of vectors of different width");
        let products = match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni(token) => token.dot_two(a, b, row),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(token) => [token.dot(a, row), token.dot(b, row)],
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(token) => [token.dot(a, row), token.dot(b, row)],
            Kind::Portable => [portable::dot(a, row), portable::dot(b, row)],
        };
        [products[0] - probes[0].excess, products[1] - probes[1].excess]
    }

    /// The inner products of a probe with four rows: four chains of additions at once keep the
    /// adders busy.
    ///
    /// # Panics
    /// As [`Kernel::dot`].
    #[inline]
    pub fn dot_four(self, probe: &Probe, rows: [&[u8]; 4]) -> [i32; 4] {
        let steps = probe.steps.as_slice();
        assert!(rows.iter().all(|row| row.len() == steps.len()), "inner product of vectors of different width");
        let products = match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni(token) => token.dot_four(steps, rows),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(token) => rows.map(|row| token.dot(steps, row)),
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(token) => rows.map(|row| token.dot(steps, row)),
            Kind::Portable => rows.map(|row| portable::dot(steps, row)),
        };
        products.map(|product| product - probe.excess)
    }

    /// The inner products of each of four probes with each of four rows: what is read of one side
    /// serves all of the other.
    ///
    /// # Panics
    /// As [`Kernel::dot`].
    #[inline]
    pub fn dot_tile(self, probes: [&Probe; 4], rows: [&[u8]; 4]) -> [[i32; 4]; 4] {
        let steps = probes.map(|probe| probe.steps.as_slice());
        let is_wide = |bytes: usize| bytes == steps[0].len();
        assert!(
            steps.iter().all(|steps| is_wide(steps.len())) && rows.iter().all(|row| is_wide(row.len())),
            "inner products of vectors of different width"
        );
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni(token) => {
                let mut products = token.dot_tile(steps, rows);
                for (products, probe) in products.iter_mut().zip(probes) {
                    products.iter_mut().for_each(|product| *product -= probe.excess);
                }
                products
            }
            _ => probes.map(|probe| self.dot_four(probe, rows)),
        }
    }

    /// Looks through rows of bits, eight side by side: word `w` of all eight, then word `w + 1`.
    ///
    /// # Panics
    /// If `blocks` is not whole blocks.
    pub fn most_alike(self, blocks: &[u64], like: &mut LikeBits) {
        let words = like.bits.len() * SIDE_BY_SIDE;
        assert!(words > 0 && blocks.len().is_multiple_of(words), "blocks of {words} words");
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni(token) => token.most_alike(blocks, like),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(token) => token.most_alike(blocks, like),
            _ => portable::most_alike(blocks, like),
        }
    }

    /// The inner products of a probe with the codes at the start of each `stride` bytes.
    ///
    /// # Panics
    /// If `stride` is shorter than a code, or `records` are not whole ones: a bug of the caller.
    pub fn dot_codes(self, probe: &CodeProbe, records: &[u8], stride: usize, out: &mut Vec<i32>) {
        assert!(stride >= probe.code_bytes() && records.len().is_multiple_of(stride), "codes in {stride} bytes");
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni(token) => token.dot_codes(probe, records, stride, out),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(token) => token.dot_codes(probe, records, stride, out),
            _ => portable::dot_codes(probe, records, stride, out),
        }
    }

    /// The inner product of steps, as many as a row has components with its padding, with a row of
    /// planes.
    ///
    /// # Panics
    /// If the row has not as many bytes as its planes take: a bug of the caller.
    #[inline]
    pub fn dot_planes(self, steps: &[i8], planes: &RowPlanes, row: &[u8]) -> i32 {
        assert_eq!(row.len(), steps.len() * bits_of(planes) as usize / 8, "a row of {planes:?} bits");
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni(token) => token.dot_planes(steps, planes, row),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(token) => token.dot_planes(steps, planes, row),
            _ => portable::dot_planes(steps, planes, row),
        }
    }

    /// Asks for a row that will be needed soon.
    #[inline]
    pub fn prefetch<T>(self, row: &[T]) {
        #[cfg(target_arch = "x86_64")]
        avx512::prefetch(row.as_ptr().cast(), size_of_val(row));
        #[cfg(not(target_arch = "x86_64"))]
        let _ = row;
    }
}
