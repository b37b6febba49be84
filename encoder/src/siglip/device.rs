//! Which backend a device's name asks for.

use crate::EncodeError;
use crate::cpu::path::Path;

/// Where a model runs.
#[derive(Debug)]
pub(super) enum Place {
    /// On the CPU, by our own kernels.
    Cpu(Path),
    /// By candle, on the device of this name.
    Candle(String),
}

/// The place of `cpu` (the default), of `cpu:` and a path, or of a device of candle's.
pub(super) fn place(name: Option<&str>) -> Result<Place, EncodeError> {
    let name = name.unwrap_or("cpu");
    let (kind, part) = name.split_once(':').map_or((name, None), |(kind, part)| (kind, Some(part)));
    if kind != "cpu" {
        return Ok(Place::Candle(name.to_owned()));
    }
    let path = part.map_or_else(|| Ok(Path::best()), named_path);
    path.map(Place::Cpu).map_err(|reason| EncodeError::Device { device: name.to_owned(), reason })
}

/// What runs a model on the device of this name (see [`crate::LoadOptions::device`]), as
/// [`ModelInfo::backend`](crate::ModelInfo::backend) says it, without loading one. Whether a device
/// of candle's is there is seen only by loading a model on it.
///
/// # Errors
/// [`EncodeError::Device`] for a path that this machine cannot take, or that does not exist.
pub fn backend_of(device: Option<&str>) -> Result<String, EncodeError> {
    Ok(match place(device)? {
        Place::Cpu(path) => backend_on(path),
        Place::Candle(name) => format!("{name} (candle, f32)"),
    })
}

/// What products are computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// To the last digits of f32.
    F32,
    /// Operands are rounded to eight bits of mantissa.
    Bf16,
    /// In part: operands behind layer norms are whole numbers of eight bits.
    Int8,
}

/// What a device computes in (see [`crate::LoadOptions::device`]).
///
/// # Errors
/// As [`backend_of`].
pub fn precision_of(device: Option<&str>) -> Result<Precision, EncodeError> {
    Ok(match place(device)? {
        Place::Candle(_) => Precision::F32,
        Place::Cpu(path) if path.is_int8() => Precision::Int8,
        Place::Cpu(path) if path.is_bf16() => Precision::Bf16,
        Place::Cpu(_) => Precision::F32,
    })
}

/// The fastest device of this machine's processor that computes in plain f32, e.g.
/// `cpu:avx512-f32`.
pub fn exact_device() -> String {
    let exact = |path: &Path| path.refusal().is_none() && path.is_f32();
    format!("cpu:{}", Path::ALL.into_iter().find(exact).unwrap_or(Path::Portable))
}

/// Our own kernels by this path, in words.
pub(super) fn backend_on(path: Path) -> String {
    format!("cpu ({})", path.explained())
}

fn named_path(name: &str) -> Result<Path, String> {
    let Some(path) = Path::named(name) else {
        let names = Path::ALL.map(Path::name).join("`, `");
        return Err(format!("no such path; use `cpu` for the best one, or `{names}` after the colon"));
    };
    path.refusal().map_or(Ok(path), |reason| Err(format!("{reason}; `cpu` takes the best path of this machine")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_tell_their_precision() {
        assert_eq!(precision_of(Some(&exact_device())).ok(), Some(Precision::F32));
        for (path, precision) in
            [(Path::AmxBf16, Precision::Bf16), (Path::Avx2, Precision::F32), (Path::PortableInt8, Precision::Int8)]
        {
            if path.refusal().is_none() {
                assert_eq!(precision_of(Some(&format!("cpu:{path}"))).ok(), Some(precision));
            }
        }
        assert_eq!(precision_of(Some("candle")).ok(), Some(Precision::F32));
    }

    #[test]
    fn every_path_can_be_asked_for_or_says_why_not() {
        for path in Path::ALL {
            match (path.refusal(), place(Some(&format!("cpu:{path}")))) {
                (None, Ok(Place::Cpu(found))) => assert_eq!(found, path),
                (Some(reason), Err(error)) => assert!(error.to_string().contains(reason), "{error}"),
                (refusal, found) => panic!("{path}: {refusal:?}, {found:?}"),
            }
        }
        for name in ["cpu:3", "cpu:"] {
            let message = place(Some(name)).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(message.starts_with(&format!("device `{name}`: no such path")), "{message}");
        }
    }
}
