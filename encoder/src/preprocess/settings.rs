//! `preprocessor_config.json`: read strictly, because a setting that is not honoured changes every
//! vector.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Filter, VisionInput, check_budget};
use crate::open_clip::OpenClip;
use crate::{EncodeError, files};

/// The image settings of a checkpoint; empty if it has none.
pub struct Settings {
    path: PathBuf,
    fields: Value,
}

impl Settings {
    /// Reads `preprocessor_config.json`, or the `image_processor` part of the newer
    /// `processor_config.json`, or the same of open_clip.
    pub fn read(dir: &Path) -> Result<Self, EncodeError> {
        if let Some(open_clip) = OpenClip::open(dir)? {
            let (path, fields) = open_clip.preprocessor();
            return Ok(Self { path, fields });
        }
        if let Some(settings) = Self::read_file(dir.join("preprocessor_config.json"))? {
            return Ok(settings);
        }
        let path = dir.join("processor_config.json");
        let mut fields = Self::read_file(path.clone())?.map_or(Value::Null, |settings| settings.fields);
        let fields = fields.get_mut("image_processor").map_or(Value::Null, Value::take);
        Ok(Self { path, fields })
    }

    fn read_file(path: PathBuf) -> Result<Option<Self>, EncodeError> {
        let bytes = match files::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(EncodeError::Io { path, source }),
        };
        match serde_json::from_slice(&bytes) {
            Ok(fields @ Value::Object(_)) => Ok(Some(Self { path, fields })),
            Ok(_) => Err(config(&path, "(whole file)", "an object", "another JSON value")),
            Err(error) => Err(config(&path, "(whole file)", "JSON", error)),
        }
    }

    /// Refuses what contradicts the model, and steps that models of this family do not have.
    pub fn check(&self, input: &VisionInput) -> Result<(), EncodeError> {
        for step in ["do_resize", "do_rescale", "do_normalize"] {
            self.must_be(step, "true", |value| value.as_bool() == Some(true))?;
        }
        for moment in ["image_mean", "image_std"] {
            self.must_be(moment, "0.5 for every channel", |value| match value {
                Value::Array(channels) => channels.iter().all(is_half),
                value => is_half(value),
            })?;
        }
        self.must_be("rescale_factor", "1/255", |value| {
            value.as_f64().is_some_and(|factor| (factor * 255.0 - 1.0).abs() < 1e-6)
        })?;
        if let Some(side) = input.image_size {
            self.must_be("size", &format!("{side} x {side}"), |value| {
                let is_side = |name| value.get(name).and_then(Value::as_u64) == Some(side as u64);
                value.as_u64() == Some(side as u64) || (is_side("height") && is_side("width"))
            })?;
        } else {
            let patch_size = input.patch_size as u64;
            self.must_be("patch_size", &patch_size.to_string(), |value| value.as_u64() == Some(patch_size))?;
        }
        Ok(())
    }

    /// The filter, by PIL's number for it.
    pub fn filter(&self) -> Result<Option<Filter>, EncodeError> {
        match self.field("resample") {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(2) => Ok(Some(Filter::Bilinear)),
                Some(3) => Ok(Some(Filter::Bicubic)),
                _ => Err(config(&self.path, "resample", "2 (bilinear) or 3 (bicubic)", value)),
            },
        }
    }

    /// The patch budget of NaFlex.
    pub fn max_patches(&self) -> Result<Option<usize>, EncodeError> {
        match self.field("max_num_patches") {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(budget) => check_budget(&self.path, "max_num_patches", budget as usize).map(Some),
                None => Err(config(&self.path, "max_num_patches", "a whole number", value)),
            },
        }
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn must_be(&self, name: &str, expected: &str, right: impl Fn(&Value) -> bool) -> Result<(), EncodeError> {
        match self.field(name) {
            Some(value) if !right(value) => Err(config(&self.path, name, expected, value)),
            _ => Ok(()),
        }
    }
}

fn is_half(value: &Value) -> bool {
    value.as_f64() == Some(0.5)
}

fn config(path: &Path, field: &str, expected: &str, found: impl std::fmt::Display) -> EncodeError {
    let (field, expected) = (field.to_owned(), expected.to_owned());
    EncodeError::Config { path: path.to_owned(), field, expected, found: found.to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{MAX_PATCHES, Preprocessor};
    use super::*;

    const FIXED: VisionInput =
        VisionInput { image_size: Some(256), patch_size: 16, max_patches: None, filter: Filter::Bilinear };

    fn load(json: &str, input: VisionInput) -> Result<Preprocessor, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("preprocessor_config.json"), json).unwrap();
        Preprocessor::load(dir.path(), input).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_file_the_family_decides() {
        let dir = tempfile::tempdir().unwrap();
        let bicubic = VisionInput { filter: Filter::Bicubic, ..FIXED };
        assert_eq!(Preprocessor::load(dir.path(), bicubic).unwrap().filter(), Filter::Bicubic);
    }

    #[test]
    fn the_checkpoint_decides_where_it_speaks() {
        let json = r#"{"image_processor": {"resample": 3, "max_num_patches": 576, "patch_size": 16}}"#;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("processor_config.json"), json).unwrap();
        let naflex = VisionInput { image_size: None, ..FIXED };
        let found = Preprocessor::load(dir.path(), naflex).unwrap();
        assert_eq!((found.filter(), found.max_patches()), (Filter::Bicubic, 576));
        let asked = Preprocessor::load(dir.path(), VisionInput { max_patches: Some(64), ..naflex }).unwrap();
        assert_eq!(asked.max_patches(), 64);
    }

    #[test]
    fn a_budget_is_bounded_whoever_names_it() {
        let naflex = VisionInput { image_size: None, ..FIXED };
        for budget in [0, MAX_PATCHES + 1, 1 << 40] {
            let json = format!(r#"{{"max_num_patches": {budget}}}"#);
            let error = load(&json, naflex).unwrap_err();
            let said = format!("field `max_num_patches`: expected a whole number from 1 to 4096, found {budget}");
            assert!(error.contains("preprocessor_config.json") && error.contains(&said), "{error}");
            let asked = VisionInput { max_patches: Some(budget), ..naflex };
            assert!(load("{}", asked).unwrap_err().contains("field `max_patches`: expected a whole number from 1"));
            // What the user asks for decides, so the file's own may be anything.
            let asked = VisionInput { max_patches: Some(MAX_PATCHES), ..naflex };
            assert_eq!(load(&json, asked).unwrap().max_patches(), MAX_PATCHES);
        }
    }

    #[test]
    fn a_model_of_fixed_resolution_has_no_budget() {
        let asked = VisionInput { max_patches: Some(576), ..FIXED };
        let error = load("{}", asked).unwrap_err();
        assert!(error.contains("squashed to 256 x 256 pixels, so there is no budget"), "{error}");
    }

    #[test]
    fn contradictions_name_the_field() {
        for (json, said) in [
            (r#"{"image_mean": [0.48, 0.45, 0.40]}"#, "field `image_mean`: expected 0.5 for every channel"),
            (r#"{"size": {"height": 224, "width": 224}}"#, "field `size`: expected 256 x 256"),
            (r#"{"resample": 1}"#, "field `resample`: expected 2 (bilinear) or 3 (bicubic), found 1"),
            (r#"{"do_resize": false}"#, "field `do_resize`: expected true, found false"),
            ("[]", "expected an object"),
            ("{", "expected JSON"),
        ] {
            let error = load(json, FIXED).unwrap_err();
            assert!(error.contains(said), "{json}: {error}");
        }
        let good = r#"{"image_mean": [0.5, 0.5, 0.5], "size": {"height": 256, "width": 256}, "resample": 2,
            "rescale_factor": 0.00392156862745098, "do_convert_rgb": null, "image_std": 0.5}"#;
        assert!(load(good, FIXED).is_ok());
    }
}
