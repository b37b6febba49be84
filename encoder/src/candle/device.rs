//! Devices by the names that users give.

use candle_core::Device;

use crate::EncodeError;
use crate::cpu::path::Path;

/// Where a model runs.
#[derive(Debug)]
pub(super) enum Place {
    /// On the CPU, by our own kernels.
    Cpu(Path),
    /// By candle, on the device of this name.
    Candle(Device, String),
}

/// Opens `cpu` (the default), `cpu:` and a path, `candle`, `cuda`, `cuda:1`, `metal`.
pub(super) fn open(name: Option<&str>) -> Result<Place, EncodeError> {
    let name = name.unwrap_or("cpu");
    let error = |reason: String| EncodeError::Device { device: name.to_owned(), reason };
    let (kind, part) = name.split_once(':').map_or((name, None), |(kind, part)| (kind, Some(part)));
    if kind == "cpu" {
        return part.map_or_else(|| Ok(Path::best()), named_path).map(Place::Cpu).map_err(error);
    }
    let ordinal: usize =
        part.unwrap_or("0").parse().map_err(|_| error("the number after the colon is not a number".to_owned()))?;
    let built = |yes: bool, feature: &str| {
        let remedy = format!("this program was built without it; build with `--features {feature}`, or use `cpu`");
        if yes { Ok(()) } else { Err(error(remedy)) }
    };
    let device = match kind {
        "candle" if part.is_none() => return Ok(Place::Candle(Device::Cpu, "cpu".to_owned())),
        "cuda" => built(cfg!(feature = "cuda"), "cuda")
            .and_then(|()| Device::new_cuda(ordinal).map_err(|e| error(e.to_string()))),
        "metal" => built(cfg!(feature = "metal"), "metal")
            .and_then(|()| Device::new_metal(ordinal).map_err(|e| error(e.to_string()))),
        _ => Err(error("no such device; use `cpu`, `cuda`, `cuda:1` (the second) or `metal`".to_owned())),
    }?;
    Ok(Place::Candle(device, name.to_owned()))
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
    fn unknown_and_unbuilt_devices_say_what_to_do() {
        let message = |name| open(Some(name)).map(|_| ()).map_err(|e| e.to_string());
        for name in ["cpu", "cpu:portable-f32", "candle"] {
            assert_eq!(message(name), Ok(()));
        }
        for name in ["gpu", "cpu:3", "cpu:", "cuda:x", "candle:1", ""] {
            assert!(message(name).is_err_and(|m| m.starts_with(&format!("device `{name}`: "))), "{name}");
        }
        if !cfg!(feature = "cuda") {
            assert!(message("cuda").is_err_and(|m| m.contains("--features cuda")));
        }
    }

    #[test]
    fn every_path_can_be_asked_for_or_says_why_not() {
        for path in Path::ALL {
            match (path.refusal(), open(Some(&format!("cpu:{path}")))) {
                (None, Ok(Place::Cpu(found))) => assert_eq!(found, path),
                (Some(reason), Err(error)) => assert!(error.to_string().contains(reason), "{error}"),
                (refusal, found) => panic!("{path}: {refusal:?}, {found:?}"),
            }
        }
    }
}
