//! Which files make a checkpoint.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::name::is_file_name;

const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// Small files beside the weights. Only the first two are in every checkpoint.
const SIDE_FILES: [&str; 7] = [
    "config.json",
    "tokenizer.json",
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

/// Picks from a repository's listing what is needed, and nothing else.
pub fn needed(listing: &[String]) -> Result<Vec<String>, &'static str> {
    let has = |name: &str| listing.iter().any(|file| file == name);
    if !has("config.json") {
        return Err("config.json");
    }
    let mut files: Vec<String> = SIDE_FILES.into_iter().filter(|name| has(name)).map(str::to_owned).collect();
    if has(WEIGHTS) {
        files.push(WEIGHTS.into());
    } else if has(INDEX) {
        files.push(INDEX.into());
        files.extend(listing.iter().filter(|name| is_shard(name)).cloned());
    } else {
        return Err(WEIGHTS);
    }
    Ok(files)
}

/// What a directory lacks to be loaded; empty if it is complete.
pub fn missing_files(dir: &Path) -> Vec<String> {
    let lacks = |name: &str| !dir.join(name).is_file();
    let mut missing: Vec<String> =
        ["config.json", "tokenizer.json"].into_iter().filter(|name| lacks(name)).map(str::to_owned).collect();
    if lacks(WEIGHTS) {
        match shards_of_index(dir) {
            Some(shards) => missing.extend(shards.into_iter().filter(|name| lacks(name))),
            None => missing.push(WEIGHTS.into()),
        }
    }
    missing
}

/// The files of a checkpoint that are in a directory.
pub fn files_in(dir: &Path) -> Vec<CheckpointFile> {
    let mut names: BTreeSet<String> = SIDE_FILES.into_iter().chain([WEIGHTS, INDEX]).map(str::to_owned).collect();
    names.extend(shards_of_index(dir).unwrap_or_default());
    let size =
        |name: &String| std::fs::metadata(dir.join(name)).ok().filter(|file| file.is_file()).map(|file| file.len());
    names.into_iter().filter_map(|name| Some(CheckpointFile { bytes: size(&name)?, name })).collect()
}

/// `model_type` of a directory's `config.json`.
pub fn model_type(dir: &Path) -> Option<String> {
    let config: Value = serde_json::from_slice(&std::fs::read(dir.join("config.json")).ok()?).ok()?;
    config.get("model_type")?.as_str().map(str::to_owned)
}

fn shards_of_index(dir: &Path) -> Option<BTreeSet<String>> {
    let index: Value = serde_json::from_slice(&std::fs::read(dir.join(INDEX)).ok()?).ok()?;
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

    #[test]
    fn only_what_is_read_is_fetched() {
        let repo = listing(&[
            ".gitattributes",
            "README.md",
            "config.json",
            "flax_model.msgpack",
            "model.safetensors",
            "onnx/config.json",
            "pytorch_model.bin",
            "tokenizer.json",
            "../../evil.safetensors",
        ]);
        assert_eq!(needed(&repo).unwrap(), ["config.json", "tokenizer.json", "model.safetensors"]);
        let sharded = listing(&[
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model-../x-of-.safetensors",
            INDEX,
        ]);
        assert_eq!(
            needed(&sharded).unwrap()[1..],
            [INDEX, "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
        );
        assert_eq!(needed(&listing(&["config.json", "pytorch_model.bin"])), Err(WEIGHTS));
        assert_eq!(needed(&listing(&["README.md"])), Err("config.json"));
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
