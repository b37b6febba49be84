//! `adapter_config.json`, as peft writes it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::{EncodeError, files};

const FILE: &str = "adapter_config.json";

/// What an adapter says of itself.
#[derive(Debug)]
pub(super) struct AdapterConfig {
    path: PathBuf,
    /// Rank of every low-rank matrix (`r`).
    pub rank: usize,
    /// What the products are multiplied by.
    pub scaling: f32,
    /// True if the file may hold biases too.
    pub biases: bool,
    /// Names of the layers that are adapted, or their ends; empty if they are given as a pattern.
    targets: Vec<String>,
}

/// Fields that make another network of the same tensors: they must be absent, false or empty.
const UNREAD: [&str; 16] = [
    "alora_invocation_tokens",
    "alpha_pattern",
    "arrow_config",
    "fan_in_fan_out",
    "kasa_config",
    "layer_replication",
    "lora_bias",
    "modules_to_save",
    "monteclora_config",
    "rank_pattern",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_dora",
    "use_qalora",
    "velora_config",
];
/// Ways to begin that change the model's own weights, which the adapter does not hold.
const OTHER_WEIGHTS: [&str; 5] = ["corda", "loftq", "lora_ga", "olora", "pissa"];

impl AdapterConfig {
    /// Reads the file of an adapter's folder.
    ///
    /// # Errors
    /// [`EncodeError::Io`], or [`EncodeError::Config`] with the first field that is wrong or not
    /// read.
    pub fn load(dir: &Path) -> Result<Self, EncodeError> {
        let path = dir.join(FILE);
        let text = files::read_to_string(&path).map_err(|source| EncodeError::Io { path: path.clone(), source })?;
        Self::parse(&text, path)
    }

    pub fn parse(json: &str, path: PathBuf) -> Result<Self, EncodeError> {
        let fields = match serde_json::from_str(json) {
            Ok(Value::Object(fields)) => Fields { path: &path, fields },
            Ok(_) => return Err(wrong(&path, "(whole file)", "a JSON object", "another JSON value")),
            Err(error) => return Err(wrong(&path, "(whole file)", "a JSON object", &error.to_string())),
        };
        if fields.get("peft_type").as_str() != Some("LORA") {
            return Err(fields.error("peft_type", "LORA"));
        }
        if let Some(name) = UNREAD.into_iter().find(|name| !is_off(fields.get(name))) {
            return Err(fields.error(name, "nothing: only plain LoRA and rslora are read"));
        }
        let start = fields.get("init_lora_weights").as_str().unwrap_or_default();
        if OTHER_WEIGHTS.iter().any(|name| start.starts_with(name)) {
            return Err(fields.error("init_lora_weights", "a start that leaves the model's weights as they are"));
        }
        let rank = fields.get("r").as_u64().and_then(|rank| usize::try_from(rank).ok()).filter(|rank| *rank > 0);
        let rank = rank.ok_or_else(|| fields.error("r", "a whole number from 1"))?;
        let alpha = fields.get("lora_alpha").as_f64().ok_or_else(|| fields.error("lora_alpha", "a number"))?;
        let divisor = match fields.get("use_rslora") {
            Value::Bool(true) => (rank as f64).sqrt(),
            Value::Bool(false) | Value::Null => rank as f64,
            _ => return Err(fields.error("use_rslora", "true or false")),
        };
        let biases = match fields.get("bias").as_str().unwrap_or("none") {
            "none" => false,
            "all" | "lora_only" => true,
            _ => return Err(fields.error("bias", "none, all or lora_only")),
        };
        let targets = match fields.get("target_modules") {
            Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::String(_) => Vec::new(),
            _ => return Err(fields.error("target_modules", "names of layers")),
        };
        Ok(Self { rank, scaling: (alpha / divisor) as f32, biases, targets, path })
    }

    /// Compares the layers that tensors were found of with those that the file names.
    ///
    /// # Errors
    /// [`EncodeError::Config`] if it names one of which there are none, or if there are none at
    /// all.
    pub fn check_targets(&self, layers: &[String]) -> Result<(), EncodeError> {
        let is_found =
            |target: &&String| layers.iter().any(|layer| layer == *target || layer.ends_with(&format!(".{target}")));
        match self.targets.iter().find(|target| !is_found(target)) {
            Some(target) => {
                Err(wrong(&self.path, "target_modules", "layers that the safetensors file has tensors of", target))
            }
            None if layers.is_empty() => {
                Err(wrong(&self.path, "target_modules", "layers that the safetensors file has tensors of", "none"))
            }
            None => Ok(()),
        }
    }
}

struct Fields<'a> {
    path: &'a Path,
    fields: Map<String, Value>,
}

impl Fields<'_> {
    fn get(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }

    fn error(&self, name: &str, expected: &str) -> EncodeError {
        /// Characters of a value that are shown.
        const SHOWN: usize = 80;
        let found: String = self.get(name).to_string().chars().take(SHOWN).collect();
        wrong(self.path, name, expected, &found)
    }
}

fn wrong(path: &Path, field: &str, expected: &str, found: &str) -> EncodeError {
    EncodeError::Config {
        path: path.to_owned(),
        field: field.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

/// True of what is not there, and of what says no.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
