//! Whether a checkpoint gives on this machine what was published of it.

use glimpse_encoder::published::{ComparedValue, Published};
use glimpse_encoder::{Precision, exact_device, precision_of};

use crate::model::load;
use crate::{EngineError, Settings};

/// A checkpoint beside what was published of it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PublishedReport {
    /// The published checkpoint that it was compared with.
    pub checkpoint: &'static str,
    /// Who printed the values, and where.
    pub source: &'static str,
    /// What computed them here.
    pub backend: String,
    /// What it was computed in.
    pub precision: Precision,
    /// Largest difference allowed.
    pub tolerance: f32,
    /// All values.
    pub values: Vec<ComparedValue>,
}

impl PublishedReport {
    /// The values that differ by more than is allowed.
    pub fn differing(&self) -> impl Iterator<Item = &ComparedValue> {
        self.values.iter().filter(|value| value.differs)
    }
}

/// Loads the model `name` and compares it with the values that were published of `checkpoint`, or
/// of what the name says; `None` if there are none. Without a device in the settings it is computed
/// in f32, which says most; the patch budget is that of the published values.
///
/// # Errors
/// [`EngineError::BadRequest`] if `checkpoint` is none of which values are known; if the model
/// cannot be loaded or fails.
pub fn check_published(
    name: &str,
    checkpoint: Option<&str>,
    settings: &Settings,
) -> Result<Option<PublishedReport>, EngineError> {
    let published = match checkpoint {
        None => Published::named(name),
        Some(id) => Some(Published::of(id).ok_or_else(|| unknown(id))?),
    };
    let Some(published) = published else { return Ok(None) };
    let device = settings.device.clone().unwrap_or_else(exact_device);
    let precision = precision_of(Some(&device))?;
    let settings = Settings { device: Some(device), max_patches: published.max_patches, ..settings.clone() };
    let encoder = load(name, &settings)?;
    Ok(Some(PublishedReport {
        checkpoint: published.checkpoint,
        source: published.source,
        backend: encoder.info().backend.clone(),
        precision,
        tolerance: published.tolerance_in(precision),
        values: published.compare(encoder.as_ref(), precision)?,
    }))
}

fn unknown(id: &str) -> EngineError {
    let known: Vec<&str> = Published::all().iter().map(|published| published.checkpoint).collect();
    EngineError::BadRequest(format!("no values of `{id}` are known; there are some of {}", known.join(", ")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn another_model_under_the_name_of_a_published_one_differs() {
        let home = tempfile::tempdir().unwrap();
        let settings = Settings::at(home.path());
        assert_eq!(check_published("demo", None, &settings).unwrap(), None);
        let report = check_published("demo", Some("google/siglip2-base-patch16-224"), &settings).unwrap().unwrap();
        assert_eq!(report.values.len(), 20);
        assert!(report.differing().count() > 10);
        assert_eq!(report.precision, Precision::F32);
        let error = check_published("demo", Some("demo"), &settings).unwrap_err().to_string();
        assert!(error.contains("google/siglip2-base-patch16-naflex"), "{error}");
    }
}
