//! Checkpoints in the layout of open_clip, whose vision towers are those of timm: the same networks
//! under other names.
//!
//! A directory holds `open_clip_config.json`, `open_clip_model.safetensors` and `tokenizer.json`.
//! Widths and depths are read off the tensors, which open_clip's configuration leaves to timm.
//! Reference: `open_clip/src/open_clip/{timm_model,transformer}.py`,
//! `timm/models/vision_transformer.py` and `timm/layers/attention_pool.py`.

mod config;
mod key_map;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::ModelConfig;
use crate::weights::Checkpoint;
use crate::{EncodeError, files};

/// Names of the files.
pub(crate) const CONFIG: &str = "open_clip_config.json";
pub(crate) const WEIGHTS: &str = "open_clip_model.safetensors";

/// A directory in this layout.
pub(crate) struct OpenClip<'a> {
    dir: &'a Path,
    config: Value,
}

impl<'a> OpenClip<'a> {
    /// `None` if the directory has `config.json`, and so the layout of Hugging Face, or no
    /// `open_clip_config.json`.
    ///
    /// # Errors
    /// If the file cannot be read, or is no JSON.
    pub fn open(dir: &'a Path) -> Result<Option<Self>, EncodeError> {
        if dir.join(crate::config::FILE).exists() || !dir.join(CONFIG).exists() {
            return Ok(None);
        }
        let path = dir.join(CONFIG);
        let text = files::read_to_string(&path).map_err(|error| EncodeError::reading(dir, CONFIG, error))?;
        let config = serde_json::from_str(&text).map_err(|error| EncodeError::Config {
            path,
            field: "(whole file)".to_owned(),
            expected: "JSON".to_owned(),
            found: error.to_string(),
        })?;
        Ok(Some(Self { dir, config }))
    }

    /// The architecture, and the tensors under the names of Hugging Face.
    ///
    /// # Errors
    /// [`EncodeError`] that names the file and the field or tensor that is wrong, or that no model
    /// of this family has.
    pub fn load(&self) -> Result<(ModelConfig, Checkpoint), EncodeError> {
        let path = self.dir.join(WEIGHTS);
        if !path.exists() {
            return Err(EncodeError::MissingFile { dir: self.dir.to_owned(), file: WEIGHTS.to_owned() });
        }
        // Who trained such a model further may have saved it as a part of another module (SPAR).
        let checkpoint = Checkpoint::open_file(&path)?.without_prefix("model.");
        let config = config::model(&self.config, &self.dir.join(CONFIG), &checkpoint)?;
        Ok((config, key_map::renamed(&checkpoint, &config)?))
    }

    /// The file that says what `preprocessor_config.json` would, and what that would say.
    pub fn preprocessor(&self) -> (PathBuf, Value) {
        (self.dir.join(CONFIG), config::preprocessor(&self.config))
    }

    /// True if the model was trained on texts without punctuation.
    pub fn strips_punctuation(&self) -> bool {
        let clean = self.config.pointer("/model_cfg/text_cfg/tokenizer_kwargs/clean");
        clean.and_then(Value::as_str) == Some("canonicalize")
    }
}
