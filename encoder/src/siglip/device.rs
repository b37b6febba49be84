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
/// [`ModelInfo::backend`](crate::ModelInfo::backend) says it, without loading one. Whether a device of candle's is there is seen
/// only by loading a model on it.
///
/// # Errors
/// [`EncodeError::Device`] for a path that this machine cannot take, or that does not exist.
pub fn backend_of(device: Option<&str>) -> Result<String, EncodeError> {
    Ok(match place(device)? {
        Place::Cpu(path) => backend_on(path),
        Place::Candle(name) => format!("{name} (candle, f32)"),
    })
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
