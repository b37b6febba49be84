//! `calibration.json`: what was fitted for one model, beside its weights or in the library.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::Calibration;
use crate::EngineError;

/// Name of the file.
pub const CALIBRATION_FILE: &str = "calibration.json";

/// A calibration as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredCalibration {
    /// Fingerprint of the model; a calibration of another model in a library is left alone. `None`
    /// beside weights, which are the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The numbers.
    pub calibration: Calibration,
}

impl StoredCalibration {
    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    /// [`EngineError::Calibration`] that names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Option<Self>, EngineError> {
        let failed = |reason: String| EngineError::Calibration { path: path.to_path_buf(), reason };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
        };
        let stored: Self = serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
        match stored.calibration.is_sound() {
            true => Ok(Some(stored)),
            false => Err(failed("a number is outside of what a model can have".into())),
        }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`EngineError::Calibration`] if the folder cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), EngineError> {
        let failed = |reason: String| EngineError::Calibration { path: path.to_path_buf(), reason };
        let mut text = serde_json::to_string_pretty(self).map_err(|error| failed(error.to_string()))?;
        text.push('\n');
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(error.to_string()))?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|error| failed(error.to_string()))?;
        file.persist(path).map_err(|error| failed(error.to_string()))?;
        Ok(())
    }
}

/// Where a model's numbers come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibrated {
    /// The numbers.
    pub calibration: Calibration,
    /// The file that they were read from; `None` for the usual ones, whose scores are estimates.
    pub file: Option<PathBuf>,
}

/// Remembers the calibration of the model that was asked for last.
#[derive(Default)]
pub(crate) struct Calibrations(Mutex<Option<(String, Arc<Calibrated>)>>);

impl Calibrations {
    /// The calibration of a model: the library's own, else what lies beside the weights, else the
    /// usual one.
    ///
    /// # Errors
    /// [`EngineError::Calibration`] for a file that cannot be used.
    pub fn of(
        &self,
        model: &str,
        library: &Path,
        beside: impl FnOnce() -> Result<Option<(PathBuf, StoredCalibration)>, EngineError>,
    ) -> Result<Arc<Calibrated>, EngineError> {
        let mut held = self.0.lock();
        if let Some((of, calibrated)) = held.as_ref()
            && of == model
        {
            return Ok(Arc::clone(calibrated));
        }
        let calibrated = Arc::new(find(model, library, beside)?);
        *held = Some((model.to_owned(), Arc::clone(&calibrated)));
        Ok(calibrated)
    }
}

fn find(
    model: &str,
    library: &Path,
    beside: impl FnOnce() -> Result<Option<(PathBuf, StoredCalibration)>, EngineError>,
) -> Result<Calibrated, EngineError> {
    let path = library.join(CALIBRATION_FILE);
    let of_model = |stored: &StoredCalibration| stored.model.as_deref().is_none_or(|of| of == model);
    let own = StoredCalibration::read(&path)?.filter(of_model).map(|stored| (path, stored));
    let found = match own {
        Some(own) => Some(own),
        None => beside()?.filter(|(_, stored)| of_model(stored)),
    };
    Ok(match found {
        Some((path, stored)) => Calibrated { calibration: stored.calibration, file: Some(path) },
        None => Calibrated { calibration: Calibration::default(), file: None },
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_library_comes_first_then_the_weights_then_the_usual() {
        let [library, weights] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let path = weights.path().join(CALIBRATION_FILE);
        let beside = || Ok(StoredCalibration::read(&path)?.map(|stored| (path.clone(), stored)));
        let of = |model: &str| find(model, library.path(), beside).unwrap();
        assert_eq!(of("a"), Calibrated { calibration: Calibration::default(), file: None });
        let named = |name: &str| Calibration { fitted_on: name.into(), ..Calibration::default() };
        StoredCalibration { model: None, calibration: named("beside") }.write(&path).unwrap();
        assert_eq!(of("a").calibration.fitted_on, "beside");
        let own = StoredCalibration { model: Some("a".into()), calibration: named("own") };
        own.write(&library.path().join(CALIBRATION_FILE)).unwrap();
        assert_eq!(of("a").calibration.fitted_on, "own");
        assert_eq!(of("b").calibration.fitted_on, "beside", "the library's is of another model");
    }

    #[test]
    fn a_file_that_makes_no_sense_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(CALIBRATION_FILE);
        let mut calibration = Calibration::default();
        calibration.text.excess = f32::MAX;
        StoredCalibration { model: None, calibration }.write(&path).unwrap();
        for text in [std::fs::read_to_string(&path).unwrap(), "{}".into(), String::new()] {
            std::fs::write(&path, text).unwrap();
            let error = StoredCalibration::read(&path).unwrap_err();
            assert!(error.to_string().contains("calibration.json"), "{error}");
        }
    }
}
