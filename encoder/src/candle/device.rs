//! candle's devices by the names that users give.

use candle_core::Device;

use crate::EncodeError;

/// Opens `candle` (the CPU), `cuda`, `cuda:1` (the second) or `metal`, and says what to call it.
pub(super) fn open(name: &str) -> Result<(Device, String), EncodeError> {
    let error = |reason: String| EncodeError::Device { device: name.to_owned(), reason };
    let (kind, part) = name.split_once(':').map_or((name, None), |(kind, part)| (kind, Some(part)));
    let ordinal: usize =
        part.unwrap_or("0").parse().map_err(|_| error("the number after the colon is not a number".to_owned()))?;
    let built = |yes: bool, feature: &str| {
        let remedy = format!("this program was built without it; build with `--features {feature}`, or use `cpu`");
        if yes { Ok(()) } else { Err(error(remedy)) }
    };
    let device = match kind {
        "candle" if part.is_none() => return Ok((Device::Cpu, "cpu".to_owned())),
        "cuda" => built(cfg!(feature = "cuda"), "cuda")
            .and_then(|()| Device::new_cuda(ordinal).map_err(|e| error(e.to_string()))),
        "metal" => built(cfg!(feature = "metal"), "metal")
            .and_then(|()| Device::new_metal(ordinal).map_err(|e| error(e.to_string()))),
        _ => Err(error("no such device; use `cpu`, `cuda`, `cuda:1` (the second) or `metal`".to_owned())),
    }?;
    Ok((device, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_unbuilt_devices_say_what_to_do() {
        let message = |name| open(name).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(message("candle"), Ok(()));
        for name in ["gpu", "cuda:x", "candle:1", ""] {
            assert!(message(name).is_err_and(|m| m.starts_with(&format!("device `{name}`: "))), "{name}");
        }
        if !cfg!(feature = "cuda") {
            assert!(message("cuda").is_err_and(|m| m.contains("--features cuda")));
        }
    }
}
