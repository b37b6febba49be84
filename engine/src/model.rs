//! Which model to use, and how to say that there is none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use glimpse_encoder::hub::{Cache, HubError, ModelId};
use glimpse_encoder::{Encode, LoadOptions, ModelInfo, SiglipEncoder};

use crate::calibrate::{CALIBRATION_FILE, StoredCalibration};
use crate::{AdapterChoice, BundledModel, EngineError, Settings};

/// The model for real libraries when none is named.
pub const DEFAULT_MODEL: &str = "google/siglip2-base-patch16-256";

/// The name of the bundled model that the demo library is made for.
pub const DEMO_MODEL: &str = BundledModel::Demo.name();

/// A model named by the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelChoice {
    /// A checkpoint directory.
    Directory(PathBuf),
    /// A hub id such as `google/siglip2-base-patch16-256`.
    Hub(String),
    /// A bundled model, unpacked under the given home.
    Bundled(BundledModel),
}

impl ModelChoice {
    /// What a name means: a bundled model (`demo`, `demo-naflex`), a directory that exists, or a
    /// hub id (`owner/name`).
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] if it is none of these.
    pub fn of(name: &str) -> Result<Self, EngineError> {
        if let Some(bundled) = BundledModel::of_name(name) {
            return Ok(Self::Bundled(bundled));
        }
        if let Ok(directory) = Path::new(name).canonicalize()
            && directory.is_dir()
        {
            return Ok(Self::Directory(directory));
        }
        match ModelId::parse(name) {
            Ok(_) => Ok(Self::Hub(name.to_owned())),
            Err(error) => {
                let bundled = BundledModel::ALL.map(|model| format!("`{}`", model.name())).join(" or ");
                Err(EngineError::BadRequest(format!("{error}, nor {bundled}")))
            }
        }
    }
}

/// Loads a model by the name that a user gave: a directory, a hub id in the cache, or a bundled
/// one.
///
/// # Errors
/// [`EngineError::NoModel`] says what to fetch, where to put it, and that `--model demo` works at
/// once.
pub fn load_model(name: &str, device: Option<&str>) -> Result<Arc<dyn Encode>, EngineError> {
    load(name, &Settings { device: device.map(str::to_owned), ..Settings::default() })
}

/// As [`load_model`], with the home and device of an engine.
pub(crate) fn load(name: &str, settings: &Settings) -> Result<Arc<dyn Encode>, EngineError> {
    let (directory, name) = match ModelChoice::of(name)? {
        ModelChoice::Directory(directory) => (directory.clone(), directory.display().to_string()),
        ModelChoice::Hub(id) => (hub_directory(&id)?, id),
        ModelChoice::Bundled(model) => (model.unpack(&settings.home)?, model.name().to_owned()),
    };
    let options = LoadOptions {
        device: settings.device.clone(),
        max_patches: settings.max_patches,
        name: Some(name),
        adapter: settings.adapter.as_ref().and_then(AdapterChoice::path).map(Path::to_path_buf),
        ..LoadOptions::default()
    };
    Ok(Arc::new(SiglipEncoder::load(&directory, &options)?))
}

/// The `calibration.json` that lies beside a model's weights, or beside its adapter, whose scores
/// are others, and where; `None` if there is none.
///
/// # Errors
/// [`EngineError::Calibration`] for a file that cannot be used.
pub(crate) fn calibration_beside(
    model: &ModelInfo,
    home: &Path,
) -> Result<Option<(PathBuf, StoredCalibration)>, EngineError> {
    let folder = match (&model.adapter, ModelChoice::of(&model.name)) {
        (Some(adapter), _) if adapter.is_dir() => adapter.clone(),
        (Some(adapter), _) => adapter.parent().unwrap_or(Path::new(".")).to_path_buf(),
        (None, Ok(ModelChoice::Directory(directory))) => directory,
        (None, Ok(ModelChoice::Hub(id))) => match hub_directory(&id) {
            Ok(directory) => directory,
            Err(_) => return Ok(None), // a library can be searched by its own images without its model
        },
        (None, Ok(ModelChoice::Bundled(model))) => model.unpack(home)?,
        (None, Err(_)) => return Ok(None),
    };
    let path = folder.join(CALIBRATION_FILE);
    Ok(StoredCalibration::read(&path)?.map(|stored| (path, stored)))
}

/// Whether a user who gives this name means this model.
pub(crate) fn is_name_of(name: &str, model: &ModelInfo) -> bool {
    match ModelChoice::of(name) {
        Ok(ModelChoice::Directory(directory)) => directory.display().to_string() == model.name,
        _ => name == model.name,
    }
}

/// Where a hub model lies in the cache that this machine's programs share.
fn hub_directory(id: &str) -> Result<PathBuf, EngineError> {
    let found = ModelId::parse(id).and_then(|id| Cache::from_env().find(&id, None));
    found.map_err(|error| match error {
        HubError::NotCached { .. } | HubError::Incomplete { .. } => EngineError::NoModel(error.to_string()),
        error => EngineError::Encode(error.into()),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ModelChoice::of("demo").unwrap(), ModelChoice::Bundled(BundledModel::Demo));
        assert_eq!(ModelChoice::of("demo-naflex").unwrap(), ModelChoice::Bundled(BundledModel::DemoNaflex));
        assert_eq!(ModelChoice::of(DEFAULT_MODEL).unwrap(), ModelChoice::Hub(DEFAULT_MODEL.into()));
        let path = folder.path().to_str().unwrap();
        assert_eq!(ModelChoice::of(path).unwrap(), ModelChoice::Directory(folder.path().canonicalize().unwrap()));
        for name in ["", "a/b/c", "../x", "a/", "/no/such/folder", "owner/na me"] {
            assert!(matches!(ModelChoice::of(name), Err(EngineError::BadRequest(_))), "{name}");
        }
    }

    #[test]
    fn a_missing_model_says_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        let error = load("some/model-that-is-nowhere", &Settings::at(home.path())).err().unwrap();
        assert_eq!(error.kind(), crate::ErrorKind::NotReady);
        let text = error.to_string();
        assert!(text.contains("glimpse model pull some/model-that-is-nowhere"), "{text}");
        assert!(text.contains("--model demo"), "{text}");
        assert!(text.contains("model.safetensors") || text.contains("*.safetensors"), "{text}");
    }
}
