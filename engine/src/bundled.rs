//! The bundled models: carried by the program, unpacked at first use.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;

use crate::EngineError;

macro_rules! bundled {
    ($folder:literal: $($name:literal),*) => {
        &[$(($name, include_bytes!(concat!("../../models/", $folder, "/", $name)))),*]
    };
}

/// Name and contents of a file.
type BundledFile = (&'static str, &'static [u8]);

const DEMO: &[BundledFile] = bundled![
    "demo": "calibration.json", "config.json", "decoder.json", "decoder.safetensors", "model.safetensors",
    "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"
];
const DEMO_NAFLEX: &[BundledFile] =
    bundled!["demo-naflex": "calibration.json", "config.json", "preprocessor_config.json", "vision.safetensors"];

/// A file of the one model that the other has too.
const SHARED: [&str; 2] = ["tokenizer.json", "tokenizer_config.json"];
/// Where the tensors of the NaFlex model are: its own, and those of the other's text tower.
const VISION: &str = "vision.safetensors";
const TEXT: &str = "text.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// A model that the program carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundledModel {
    /// Of fixed resolution, with a decoder.
    Demo,
    /// Its NaFlex sibling, which reads images in their own shape.
    DemoNaflex,
}

impl BundledModel {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Demo, Self::DemoNaflex];

    /// What users call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::DemoNaflex => "demo-naflex",
        }
    }

    /// The model of this name; `None` if none has it.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.name() == name)
    }

    /// `model_type` of its `config.json`.
    #[must_use]
    pub const fn model_type(self) -> &'static str {
        match self {
            Self::Demo => "siglip",
            Self::DemoNaflex => "siglip2",
        }
    }

    /// Its folder, unpacked under `home` if it is not there yet, or not as it should be.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn unpack(self, home: &Path) -> Result<PathBuf, EngineError> {
        let parent = home.join("models");
        let files = self.files().map_err(|source| EngineError::Io { path: parent.clone(), source })?;
        let folder = parent.join(format!("{}-{}", self.name(), digest(&files)));
        if !is_whole(&folder, &files) {
            write(&folder, &files).map_err(|source| EngineError::Io { path: folder.clone(), source })?;
        }
        Ok(folder)
    }

    /// Names and contents of the checkpoint's files.
    fn files(self) -> std::io::Result<Files> {
        let own = |files: &[BundledFile]| files.iter().map(|&(name, bytes)| (name, Cow::Borrowed(bytes))).collect();
        match self {
            Self::Demo => Ok(own(DEMO)),
            Self::DemoNaflex => {
                let mut files: Files = own(DEMO_NAFLEX);
                files.extend(SHARED.map(|name| (name, Cow::Borrowed(file_of(DEMO, name)))));
                files.extend(shards(file_of(DEMO, "model.safetensors"), file_of(DEMO_NAFLEX, VISION))?);
                Ok(files)
            }
        }
    }
}

type Files = Vec<(&'static str, Cow<'static, [u8]>)>;

/// A file that there is.
fn file_of(files: &'static [BundledFile], name: &str) -> &'static [u8] {
    files.iter().find(|(other, _)| *other == name).map_or(&[], |(_, bytes)| bytes)
}

/// The tensors of a model that `vision` lacks, as a file, and the index that says which has which.
fn shards(model: &[u8], vision: &[u8]) -> std::io::Result<Files> {
    let (model, vision) = (read(model)?, read(vision)?);
    let is_own = |name: &str| name.starts_with("vision_model.");
    let rest: Vec<_> = model.iter().filter(|(name, _)| !is_own(name)).collect();
    let weights: BTreeMap<&str, &str> =
        vision.iter().map(|(name, _)| (name, VISION)).chain(rest.iter().map(|(name, _)| (*name, TEXT))).collect();
    let index = serde_json::json!({ "weight_map": weights }).to_string();
    let rest = safetensors::serialize(rest, None).map_err(std::io::Error::other)?;
    Ok(vec![(TEXT, Cow::Owned(rest)), (INDEX, Cow::Owned(index.into_bytes()))])
}

fn read(bytes: &[u8]) -> std::io::Result<SafeTensors<'_>> {
    SafeTensors::deserialize(bytes).map_err(std::io::Error::other)
}

/// Tells the models of different builds apart.
fn digest(files: &Files) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, contents) in files {
        hasher.update(name.as_bytes()).update(&(contents.len() as u64).to_le_bytes()).update(contents);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

fn is_whole(folder: &Path, files: &Files) -> bool {
    files.iter().all(|(name, contents)| std::fs::read(folder.join(name)).is_ok_and(|found| found == **contents))
}

/// Everything is written beside the folder, which then appears at once: another process sees all of
/// it or nothing.
fn write(folder: &Path, files: &Files) -> std::io::Result<()> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let beside = tempfile::Builder::new().prefix(".unpacking-").tempdir_in(parent)?;
    for (name, contents) in files {
        let mut file = std::fs::File::create(beside.path().join(name))?;
        file.write_all(contents)?;
        file.sync_all()?;
    }
    if folder.exists() && !is_whole(folder, files) {
        std::fs::remove_dir_all(folder)?;
    }
    match std::fs::rename(beside.path(), folder) {
        Err(_) if is_whole(folder, files) => Ok(()), // another process was faster
        done => done,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::{Every as _, each};

    use super::*;

    #[test]
    fn a_damaged_copy_is_replaced_and_nothing_else_is_left() {
        for model in each(BundledModel::ALL) {
            let home = tempfile::tempdir().unwrap();
            let (folder, files) = (model.unpack(home.path()).unwrap(), model.files().unwrap());
            assert!(is_whole(&folder, &files));
            std::fs::write(folder.join("config.json"), "{}").unwrap();
            std::fs::remove_file(folder.join("tokenizer.json")).unwrap();
            assert_eq!(model.unpack(home.path()).unwrap(), folder);
            assert!(is_whole(&folder, &files));
            assert_eq!(std::fs::read_dir(home.path().join("models")).unwrap().count(), 1);
        }
    }

    #[test]
    fn many_may_unpack_at_once() {
        let (home, model) = (tempfile::tempdir().unwrap(), BundledModel::DemoNaflex);
        let files = model.files().unwrap();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| model.unpack(home.path()).unwrap())).collect();
            each(threads).for_each(|thread| assert!(is_whole(&thread.join().unwrap(), &files)));
        });
        assert_eq!(std::fs::read_dir(home.path().join("models")).unwrap().count(), 1);
    }

    #[test]
    fn the_siblings_share_their_text_tower() {
        let home = tempfile::tempdir().unwrap();
        let [demo, naflex] = BundledModel::ALL.map(|model| model.unpack(home.path()).unwrap());
        let [demo, text] = [demo.join("model.safetensors"), naflex.join(TEXT)].map(|path| std::fs::read(path).unwrap());
        let (demo, text) = (read(&demo).unwrap(), read(&text).unwrap());
        assert!(text.names().iter().every(|name| !name.starts_with("vision_model.")));
        for (name, tensor) in each(text.iter()) {
            assert_eq!(tensor.data(), demo.tensor(name).unwrap().data(), "{name}");
        }
    }
}
