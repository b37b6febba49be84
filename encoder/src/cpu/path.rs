//! Which instructions the towers run on, chosen once when the program starts.

use std::fmt;
use std::sync::LazyLock;

use super::kernels::element::Values;

/// A way of computing. The first that a processor and its system offer is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// bf16 products in AMX tiles, everything else in AVX-512 f32.
    AmxBf16,
    /// bf16 products by `vdpbf16ps`, everything else in AVX-512 f32.
    Avx512Bf16,
    /// f32 products by four of bf16 in AMX tiles, everything else in AVX-512 f32.
    AmxF32,
    /// f32 with AVX-512.
    Avx512,
    /// f32 with AVX2 and FMA.
    Avx2,
    /// f32 in plain Rust.
    Portable,
    /// int8 products in AMX tiles behind layer norms, everything else as [`Path::AmxBf16`].
    AmxInt8,
    /// int8 products by `vpdpbusd` behind layer norms, everything else as [`Path::Avx512Bf16`].
    Avx512Int8,
    /// The same, everything else as [`Path::Avx512`].
    Avx512Int8F32,
    /// The same with AVX-VNNI, everything else as [`Path::Avx2`].
    Avx2Int8,
    /// int8 products in plain Rust behind layer norms, everything else as [`Path::Portable`].
    PortableInt8,
}

/// How many paths there are.
const COUNT: usize = 11;

/// Why a path cannot be taken, per path; `None`: it can.
static REFUSALS: LazyLock<[Option<String>; COUNT]> = LazyLock::new(|| Path::ALL.map(Path::detect));

impl Path {
    /// All, the preferred first. Those of int8 stand behind the one that every machine can take,
    /// for they lose more of what a model computes than bf16 does: they are taken only if they are
    /// asked for.
    pub const ALL: [Self; COUNT] = [
        Self::AmxBf16,
        Self::Avx512Bf16,
        Self::AmxF32,
        Self::Avx512,
        Self::Avx2,
        Self::Portable,
        Self::AmxInt8,
        Self::Avx512Int8,
        Self::Avx512Int8F32,
        Self::Avx2Int8,
        Self::PortableInt8,
    ];

    /// The name that users give and see.
    pub fn name(self) -> &'static str {
        match self {
            Self::AmxBf16 => "amx-bf16",
            Self::Avx512Bf16 => "avx512-bf16",
            Self::AmxF32 => "amx-f32",
            Self::Avx512 => "avx512-f32",
            Self::Avx2 => "avx2-f32",
            Self::Portable => "portable-f32",
            Self::AmxInt8 => "amx-int8",
            Self::Avx512Int8 => "avx512-int8",
            Self::Avx512Int8F32 => "avx512-int8-f32",
            Self::Avx2Int8 => "avx2-int8",
            Self::PortableInt8 => "portable-int8",
        }
    }

    /// What operands of products hold, but for those behind layer norms.
    pub fn values(self) -> Values {
        match self {
            Self::AmxBf16 | Self::Avx512Bf16 | Self::AmxInt8 | Self::Avx512Int8 => Values::Bf16,
            Self::AmxF32 => Values::Split,
            Self::Avx512 | Self::Avx2 | Self::Portable => Values::F32,
            Self::Avx512Int8F32 | Self::Avx2Int8 | Self::PortableInt8 => Values::F32,
        }
    }

    /// What operands of products behind layer norms hold.
    pub fn normed(self) -> Values {
        match self {
            Self::AmxInt8 | Self::PortableInt8 => Values::Int8,
            Self::Avx512Int8 | Self::Avx512Int8F32 | Self::Avx2Int8 => Values::OffsetU8,
            _ => self.values(),
        }
    }

    /// Whether attention, and all products but those behind layer norms, are of bf16.
    pub fn is_bf16(self) -> bool {
        self.values() == Values::Bf16
    }

    /// Whether all products are of plain f32.
    pub fn is_f32(self) -> bool {
        self.normed() == Values::F32
    }

    /// Whether products behind layer norms are of int8.
    pub fn is_int8(self) -> bool {
        self.normed() != self.values()
    }

    /// The best path of this machine.
    pub fn best() -> Self {
        Self::ALL.into_iter().find(|path| path.refusal().is_none() && path.pays()).unwrap_or(Self::Portable)
    }

    /// Whether it is faster than those behind it. Intel's `vdpbf16ps` does as many operations a
    /// cycle as its f32, after rounding what it is given: three quarters of the speed of
    /// `avx512-f32` were measured. AMD's does twice as many.
    fn pays(self) -> bool {
        self != Self::Avx512Bf16 || !is_from_intel()
    }

    /// Why this machine cannot take this path, or `None` if it can.
    pub fn refusal(self) -> Option<&'static str> {
        REFUSALS[self as usize].as_deref()
    }

    /// Its name, and if this machine has no better one, why.
    pub fn explained(self) -> String {
        let better = Self::ALL[..self as usize].last().and_then(|better| Some((better, better.refusal()?)));
        match better {
            Some((better, reason)) => format!("{self}; not {better}: {reason}"),
            None => self.to_string(),
        }
    }

    /// A path by its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|path| path.name() == name)
    }

    #[cfg(target_arch = "x86_64")]
    fn detect(self) -> Option<String> {
        let missing = |features: &[(&str, bool)]| {
            let missing: Vec<&str> = features.iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect();
            (!missing.is_empty()).then(|| format!("this processor has no {}", missing.join(", ")))
        };
        let avx512 = [
            ("avx512f", is_x86_feature_detected!("avx512f")),
            ("avx512bw", is_x86_feature_detected!("avx512bw")),
            ("avx512dq", is_x86_feature_detected!("avx512dq")),
            ("avx512vl", is_x86_feature_detected!("avx512vl")),
        ];
        let vnni = [("avx512-vnni", is_x86_feature_detected!("avx512vnni"))];
        match self {
            Self::Portable | Self::PortableInt8 => None,
            Self::Avx2 => {
                missing(&[("avx2", is_x86_feature_detected!("avx2")), ("fma", is_x86_feature_detected!("fma"))])
            }
            Self::Avx512 => missing(&avx512),
            Self::Avx512Bf16 => {
                missing(&avx512).or_else(|| missing(&[("avx512-bf16", is_x86_feature_detected!("avx512bf16"))]))
            }
            Self::AmxBf16 | Self::AmxF32 => Self::Avx512Bf16.detect().or_else(|| super::kernels::amx::request().err()),
            Self::AmxInt8 => {
                Self::AmxBf16.detect().or_else(|| missing(&[("amx-int8", super::kernels::amx::has_int8())]))
            }
            Self::Avx512Int8 => Self::Avx512Bf16.detect().or_else(|| missing(&vnni)),
            Self::Avx512Int8F32 => missing(&avx512).or_else(|| missing(&vnni)),
            Self::Avx2Int8 => {
                Self::Avx2.detect().or_else(|| missing(&[("avx-vnni", is_x86_feature_detected!("avxvnni"))]))
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detect(self) -> Option<String> {
        (!matches!(self, Self::Portable | Self::PortableInt8)).then(|| "it is for x86-64".to_owned())
    }
}

#[cfg(target_arch = "x86_64")]
fn is_from_intel() -> bool {
    let maker = std::arch::x86_64::__cpuid(0);
    [maker.ebx, maker.edx, maker.ecx] == [b"Genu", b"ineI", b"ntel"].map(|part| u32::from_le_bytes(*part))
}

#[cfg(not(target_arch = "x86_64"))]
fn is_from_intel() -> bool {
    false
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_and_every_machine_has_a_path() {
        for path in Path::ALL {
            assert_eq!(Path::named(path.name()), Some(path));
        }
        assert_eq!(Path::named("amx"), None);
        assert_eq!(Path::Portable.refusal(), None);
        assert_eq!(Path::best().refusal(), None);
    }

    #[test]
    fn int8_is_never_taken_unasked() {
        assert_eq!(Path::best().normed(), Path::best().values());
        let behind = Path::ALL.into_iter().skip_while(|path| *path != Path::Portable).skip(1);
        assert!(behind.eq(Path::ALL.into_iter().filter(|path| path.normed() != path.values())));
        for (i, path) in Path::ALL.into_iter().enumerate() {
            assert_eq!(path as usize, i, "{path}: refusals are found by number");
        }
    }

    #[test]
    fn a_path_that_is_not_the_best_says_why() {
        let best = Path::best();
        let explained = best.explained();
        assert!(explained.starts_with(best.name()));
        for better in Path::ALL.into_iter().take_while(|path| *path != best) {
            assert!(!better.pays() || explained.contains(';') && better.refusal().is_some(), "{explained}");
        }
    }
}
