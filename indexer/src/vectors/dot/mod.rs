//! Inner products of int8 vectors: one kernel is chosen when the program starts, all give the same integers.
//!
//! An accelerated kernel is reached through a token that can only be had by detecting the instructions, so that calling
//! one is always sound.

mod portable;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

/// Widest vector whose inner product surely fits an i32: `65,536 * 128 * 128 = 2^30`.
pub(super) const MAX_WIDTH: usize = 1 << 16;

/// A way to compute inner products that this machine has.
#[derive(Debug, Clone, Copy)]
pub struct Kernel(Kind);

#[derive(Debug, Clone, Copy)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(avx512::Avx512Vnni),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
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
            Kind::Portable => "portable",
        }
    }

    /// `sum(a[i] * b[i])`.
    ///
    /// # Panics
    /// If the lengths differ or are above 65,536: a bug of the caller, never of the data.
    #[inline]
    pub fn dot(self, a: &[i8], b: &[i8]) -> i32 {
        assert_eq!(a.len(), b.len(), "inner product of vectors of different width");
        assert!(a.len() <= MAX_WIDTH, "inner product of {} values may not fit", a.len());
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni(token) => token.dot(a, b),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(token) => token.dot(a, b),
            Kind::Portable => portable::dot(a, b),
        }
    }

    /// `(sum(row[i] * b[i]), sum(row[i] * c[i]))`, reading the row once.
    ///
    /// # Panics
    /// As [`Kernel::dot`].
    #[inline]
    pub fn dot_two(self, row: &[i8], b: &[i8], c: &[i8]) -> (i32, i32) {
        assert!(row.len() == b.len() && row.len() == c.len(), "inner product of vectors of different width");
        assert!(row.len() <= MAX_WIDTH, "inner product of {} values may not fit", row.len());
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni(token) => token.dot_two(row, b, c),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(token) => token.dot_two(row, b, c),
            Kind::Portable => portable::dot_two(row, b, c),
        }
    }
}
