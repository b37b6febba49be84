//! Which files make a checkpoint.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::name::is_file_name;
use super::{HubError, ModelId};
use crate::config::FAMILY;
use crate::{files, open_clip};

const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// Small files beside the weights. The first two are in every checkpoint. They are fetched in this
/// order, before the weights, so that [`check_before_weights`] can look at them.
const SIDE_FILES: [&str; 7] = [
    CONFIG,
    TOKENIZER,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "spiece.model",
    "preprocessor_config.json",
    "processor_config.json",
];

/// A file of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointFile {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// Picks from a repository's listing what is needed, and nothing else, small files first.
///
/// # Errors
/// [`HubError::NotACheckpoint`] or [`HubError::NoTokenizer`] for a repository without a file that
/// every checkpoint has.
pub fn needed(id: &ModelId, listing: &[String]) -> Result<Vec<String>, HubError> {
    let has = |name: &str| listing.iter().any(|file| file == name);
    let (config, weights) = layout(has);
    if !has(config) {
        return Err(HubError::NotACheckpoint { id: id.clone(), missing: config.into() });
    }
    if !has(TOKENIZER) {
        return Err(HubError::NoTokenizer { id: id.clone() });
    }
    let beside = SIDE_FILES.into_iter().filter(|name| *name != config && has(name));
    let mut files: Vec<String> = std::iter::once(config).chain(beside).map(str::to_owned).collect();
    if has(weights) {
        files.push(weights.into());
    } else if has(INDEX) {
        files.push(INDEX.into());
        files.extend(listing.iter().filter(|name| is_shard(name)).cloned());
    } else {
        return Err(HubError::NotACheckpoint { id: id.clone(), missing: weights.into() });
    }
    Ok(files)
}

/// The names of configuration and weights: those of open_clip where that is the only layout, else
/// those of Hugging Face.
fn layout(has: impl Fn(&str) -> bool) -> (&'static str, &'static str) {
    match !has(CONFIG) && has(open_clip::CONFIG) {
        true => (open_clip::CONFIG, open_clip::WEIGHTS),
        false => (CONFIG, WEIGHTS),
    }
}

/// Looks at the small files of a checkpoint, which are in `dir` already, before the weights follow:
/// the model must be one of the family, and every shard of its index among the files to `fetch`.
///
/// # Errors
/// [`HubError::OtherFamily`], [`HubError::NotACheckpoint`].
pub fn check_before_weights(id: &ModelId, dir: &Path, fetch: &[String]) -> Result<(), HubError> {
    if let Some(model_type) = model_type(dir).filter(|found| !FAMILY.contains(&found.as_str())) {
        return Err(HubError::OtherFamily { id: id.clone(), model_type });
    }
    if fetch.iter().any(|name| name == INDEX) {
        let shards = shards_of_index(dir).unwrap_or_default();
        let lost = shards.iter().find(|shard| !fetch.contains(shard)).map(String::as_str);
        if let Some(missing) = lost.or(shards.is_empty().then_some(WEIGHTS)) {
            return Err(HubError::NotACheckpoint { id: id.clone(), missing: missing.to_owned() });
        }
    }
    Ok(())
}

/// True for the files that [`check_before_weights`] is called before.
pub fn is_weights(name: &str) -> bool {
    name.ends_with(".safetensors")
}

/// What a directory lacks to be loaded; empty if it is complete.
pub fn missing_files(dir: &Path) -> Vec<String> {
    let lacks = |name: &str| !dir.join(name).is_file();
    let (config, weights) = layout(|name| !lacks(name));
    let mut missing: Vec<String> =
        [config, TOKENIZER].into_iter().filter(|name| lacks(name)).map(str::to_owned).collect();
    if lacks(weights) {
        match shards_of_index(dir) {
            Some(shards) if !shards.is_empty() => missing.extend(shards.into_iter().filter(|name| lacks(name))),
            _ => missing.push(weights.into()),
        }
    }
    missing
}

/// The files of a checkpoint that are in a directory.
pub fn files_in(dir: &Path) -> Vec<CheckpointFile> {
    let (config, weights) = layout(|name| dir.join(name).is_file());
    let mut names: BTreeSet<String> =
        SIDE_FILES.into_iter().chain([config, weights, INDEX]).map(str::to_owned).collect();
    names.extend(shards_of_index(dir).unwrap_or_default());
    let size =
        |name: &String| std::fs::metadata(dir.join(name)).ok().filter(|file| file.is_file()).map(|file| file.len());
    names.into_iter().filter_map(|name| Some(CheckpointFile { bytes: size(&name)?, name })).collect()
}

/// `model_type` of a directory's `config.json`, or what it would be of a model of open_clip: its
/// own name if it is of another family.
pub fn model_type(dir: &Path) -> Option<String> {
    let (name, _) = layout(|name| dir.join(name).is_file());
    let config: Value = serde_json::from_slice(&files::read(&dir.join(name)).ok()?).ok()?;
    if name == open_clip::CONFIG {
        let tower = config.pointer("/model_cfg/vision_cfg/timm_model_name").and_then(Value::as_str);
        let tower = tower.unwrap_or("open_clip");
        return Some(if tower.contains("_siglip") { FAMILY[0] } else { tower }.to_owned());
    }
    config.get("model_type")?.as_str().map(str::to_owned)
}

fn shards_of_index(dir: &Path) -> Option<BTreeSet<String>> {
    let index: Value = serde_json::from_slice(&files::read(&dir.join(INDEX)).ok()?).ok()?;
    let files = index.get("weight_map")?.as_object()?.values().filter_map(Value::as_str);
    Some(files.filter(|name| is_file_name(name)).map(str::to_owned).collect())
}

/// `model-00001-of-00002.safetensors`
fn is_shard(name: &str) -> bool {
    is_file_name(name) && name.starts_with("model-") && name.contains("-of-") && name.ends_with(".safetensors")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn listing(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn picked(names: &[&str]) -> Result<Vec<String>, String> {
        needed(&ModelId::parse("o/m").unwrap(), &listing(names)).map_err(|error| error.to_string())
    }

    #[test]
    fn only_what_is_read_is_fetched() {
        let repo = [
            ".gitattributes",
            "README.md",
            "config.json",
            "flax_model.msgpack",
            "model.safetensors",
            "onnx/config.json",
            "pytorch_model.bin",
            "tokenizer.json",
            "../../evil.safetensors",
        ];
        assert_eq!(picked(&repo).unwrap(), ["config.json", "tokenizer.json", "model.safetensors"]);
        let open_clip = [
            "open_clip_config.json",
            "open_clip_model.safetensors",
            "open_clip_pytorch_model.bin",
            "tokenizer.json",
            "tokenizer_config.json",
        ];
        assert_eq!(
            picked(&open_clip).unwrap(),
            ["open_clip_config.json", "tokenizer.json", "tokenizer_config.json", "open_clip_model.safetensors"]
        );
        let sharded = [
            "config.json",
            "tokenizer.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model-../x-of-.safetensors",
            INDEX,
        ];
        assert_eq!(
            picked(&sharded).unwrap()[2..],
            [INDEX, "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
        );
        for (names, said) in [
            (&["config.json", "tokenizer.json", "pytorch_model.bin"][..], "has no model.safetensors"),
            (&["README.md"], "has no config.json"),
            (&["open_clip_config.json", "tokenizer.json"], "has no open_clip_model.safetensors"),
            (&["config.json", "spiece.model", WEIGHTS], "SpmConverter(AutoTokenizer.from_pretrained"),
        ] {
            let error = picked(names).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_loaded_is_known_before_its_weights() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let check = |names: &[&str]| {
            let id = ModelId::parse("o/m").unwrap();
            check_before_weights(&id, dir.path(), &listing(names)).map_err(|error| error.to_string())
        };
        put("config.json", r#"{"model_type": "clip"}"#);
        assert!(check(&[WEIGHTS]).unwrap_err().contains("`o/m` is a `clip` model"));
        put("config.json", r#"{"model_type": "siglip2"}"#);
        assert_eq!(check(&[WEIGHTS]), Ok(()));
        std::fs::remove_file(dir.path().join("config.json")).unwrap();
        let tower = |name: &str| format!(r#"{{"model_cfg": {{"vision_cfg": {{"timm_model_name": "{name}"}}}}}}"#);
        put("open_clip_config.json", &tower("vit_base_patch16_siglip_256"));
        assert_eq!(check(&[WEIGHTS]), Ok(()));
        put("open_clip_config.json", &tower("vit_base_patch32_clip_224"));
        assert!(check(&[WEIGHTS]).unwrap_err().contains("`o/m` is a `vit_base_patch32_clip_224` model"));
        put("config.json", r#"{"model_type": "siglip2"}"#);
        put(INDEX, r#"{"weight_map": {"a": "model-1-of-2.safetensors", "b": "rest.safetensors"}}"#);
        assert!(check(&[INDEX, "model-1-of-2.safetensors"]).unwrap_err().contains("has no rest.safetensors"));
        put(INDEX, "{}");
        assert!(check(&[INDEX]).unwrap_err().contains("has no model.safetensors"));
    }

    #[test]
    fn shards_are_counted_by_the_index() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        assert_eq!(missing_files(dir.path()), ["config.json", "tokenizer.json", WEIGHTS]);
        put("config.json", r#"{"model_type": "siglip"}"#);
        put("tokenizer.json", "{}");
        put(
            INDEX,
            r#"{"weight_map": {"a": "model-1-of-2.safetensors", "b": "model-2-of-2.safetensors", "c": "../x"}}"#,
        );
        put("model-1-of-2.safetensors", "12");
        assert_eq!(missing_files(dir.path()), ["model-2-of-2.safetensors"]);
        put("model-2-of-2.safetensors", "1");
        assert!(missing_files(dir.path()).is_empty());
        assert_eq!(
            files_in(dir.path()).iter().filter(|file| is_shard(&file.name)).map(|file| file.bytes).sum::<u64>(),
            3
        );
        assert_eq!(model_type(dir.path()).as_deref(), Some("siglip"));
    }
}
