//! Devices by the names that users give.

use candle_core::Device;

use crate::EncodeError;

/// Opens `cpu` (the default), `cuda`, `cuda:1`, `metal`; gives the name back as it is to be shown.
pub(super) fn open(name: Option<&str>) -> Result<(Device, String), EncodeError> {
    let name = name.unwrap_or("cpu");
    let error = |reason: String| EncodeError::Device { device: name.to_owned(), reason };
    let (kind, ordinal) = name.split_once(':').unwrap_or((name, "0"));
    let ordinal: usize = ordinal.parse().map_err(|_| error("the number after the colon is not a number".to_owned()))?;
    let built = |yes: bool, feature: &str| {
        let remedy = format!("this program was built without it; build with `--features {feature}`, or use `cpu`");
        if yes { Ok(()) } else { Err(error(remedy)) }
    };
    let device = match kind {
        "cpu" if ordinal == 0 => Ok(Device::Cpu),
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
        let message = |name| open(Some(name)).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(message("cpu"), Ok(()));
        for name in ["gpu", "cpu:3", "cuda:x", ""] {
            assert!(message(name).is_err_and(|m| m.starts_with(&format!("device `{name}`: "))), "{name}");
        }
        if !cfg!(feature = "cuda") {
            assert!(message("cuda").is_err_and(|m| m.contains("--features cuda")));
        }
    }
}
