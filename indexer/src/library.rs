//! A library: generations of an index under one folder, one of which serves.
//!
//! ```text
//! HOME/library.json        which generation serves, which one is being built
//! HOME/lock                held while generations are made, opened or removed
//! HOME/gen-0001/sled/      records, vectors, manifest
//! HOME/gen-0001/words/     tantivy, rebuildable from sled
//! HOME/gen-0001/*snapshot/ what readers need, in two files, rebuildable from sled
//! HOME/gen-0001/graph/     snapshot of hnsw_rs, rebuildable from sled
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use glimpse_encoder::ModelInfo;
use glimpse_encoder::dense::DenseProfile;
use parking_lot::Mutex;

use crate::store::Store;
use crate::vectors::VectorStorage;
use crate::{ImageId, Index, IndexError, IndexOptions};

/// Facts about a generation, written when it is created.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    /// Format number of everything under the generation's folder.
    pub format: u32,
    /// The model that made the vectors.
    pub model: ModelInfo,
    /// How vectors are kept.
    #[serde(default)]
    pub vectors: VectorStorage,
    /// How regions are made, which the model's fingerprint does not say; recorded when the first are made, and `None` before
    /// that and for libraries of programs that did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<DenseProfile>,
    /// What is left to be made anew, if regions were made in another way before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuild: Option<RegionRebuild>,
    /// Folders that were indexed, absolute.
    pub roots: Vec<PathBuf>,
    /// Seconds since 1970.
    pub created: i64,
}

/// Pictures whose regions are made anew, in order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RegionRebuild {
    /// The first that is not done.
    pub next: ImageId,
    /// Pictures from this number on came after the rebuild began.
    pub end: ImageId,
}

/// The folder that holds the generations. Generations that are open already are shared, not opened twice.
#[derive(Debug)]
pub struct Library {
    home: PathBuf,
    options: IndexOptions,
    open: Mutex<HashMap<u32, Weak<Index>>>,
}

/// What `library.json` says.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
struct Catalogue {
    format: u32,
    /// The generation that answers.
    serving: Option<Generation>,
    /// The generation that will take its place.
    building: Option<Generation>,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Generation {
    number: u32,
    model: ModelInfo,
}

/// Format number of `library.json`.
const FORMAT: u32 = 1;

impl Library {
    /// Uses `home`, which need not exist yet.
    pub fn at(home: &Path) -> Self {
        Self::with_options(home, IndexOptions::default())
    }

    /// As [`Library::at`], with other settings for its indexes.
    pub fn with_options(home: &Path, options: IndexOptions) -> Self {
        Self { home: home.to_path_buf(), options, open: Mutex::default() }
    }

    /// The folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Opens the generation that serves.
    ///
    /// # Errors
    /// [`IndexError::NoIndex`], [`IndexError::InUse`], [`IndexError::NewerFormat`], [`IndexError::Corrupt`].
    pub fn open(&self) -> Result<Arc<Index>, IndexError> {
        if !self.catalogue_path().exists() {
            return Err(IndexError::NoIndex { dir: self.home.clone() });
        }
        let _lock = self.lock()?;
        let catalogue = self.read_catalogue()?;
        let serving = catalogue.serving.as_ref().ok_or_else(|| IndexError::NoIndex { dir: self.home.clone() })?;
        let index = self.open_generation(serving.number)?;
        self.remove_leftovers(&catalogue);
        Ok(index)
    }

    /// Opens the generation to write for `model`: the serving one if it was made by this model, else the one being
    /// built for it, else (`new_generation`, or an empty library) a fresh one. A generation that was being built for a
    /// third model is given up for the fresh one.
    ///
    /// # Errors
    /// As [`Library::open`]; [`IndexError::OtherModel`] if the library is of another model and `new_generation` is off;
    /// [`IndexError::OtherStorage`] if its vectors are kept in another way than the options ask for.
    pub fn open_for(&self, model: &ModelInfo, new_generation: bool) -> Result<Arc<Index>, IndexError> {
        std::fs::create_dir_all(&self.home).map_err(|source| io(&self.home, source))?;
        let _lock = self.lock()?;
        let mut catalogue = self.read_catalogue()?;
        // A generation whose folder was taken away by hand is gone.
        catalogue.serving = catalogue.serving.filter(|generation| self.is_there(generation));
        catalogue.building = catalogue.building.filter(|generation| self.is_there(generation));
        self.remove_leftovers(&catalogue);
        let same = |generation: &&Generation| generation.model.fingerprint == model.fingerprint;
        let fitting = catalogue.serving.iter().find(same).or(catalogue.building.iter().find(same));
        if let Some(generation) = fitting {
            let index = self.open_generation(generation.number)?;
            let kept = index.manifest().vectors;
            return match self.options.vectors.filter(|&asked| asked != kept) {
                Some(asked) => Err(IndexError::OtherStorage { dir: self.home.clone(), kept, asked }),
                None => Ok(index),
            };
        }
        if let Some(serving) = catalogue.serving.as_ref().filter(|_| !new_generation) {
            return Err(other_model(&serving.model, model));
        }
        let generation = Generation { number: self.free_number(&catalogue), model: model.clone() };
        let index = Arc::new(Index::create(&self.generation_dir(generation.number), model, &self.options)?);
        self.open.lock().insert(generation.number, Arc::downgrade(&index));
        match catalogue.serving {
            None => catalogue.serving = Some(generation),
            Some(_) => catalogue.building = Some(generation),
        }
        self.write_catalogue(&catalogue)?;
        Ok(index)
    }

    /// The model of the serving generation, without opening it; `None` for an empty library.
    ///
    /// # Errors
    /// If `library.json` cannot be read.
    pub fn serving_model(&self) -> Result<Option<ModelInfo>, IndexError> {
        Ok(self.read_catalogue()?.serving.map(|generation| generation.model))
    }

    /// Makes a complete generation the serving one and removes the old one. Does nothing if it serves already.
    ///
    /// The old generation's folder goes at once, or, while this process has it open, when its last user lets go of it.
    /// If the process is killed in between, it goes when the library is opened next.
    ///
    /// # Errors
    /// If `library.json` cannot be replaced, or the index is not one of this library's.
    pub fn promote(&self, index: &Index) -> Result<(), IndexError> {
        let _lock = self.lock()?;
        let mut catalogue = self.read_catalogue()?;
        let is = |generation: &Generation| self.generation_dir(generation.number) == index.dir();
        if catalogue.serving.as_ref().is_some_and(is) {
            return Ok(());
        }
        if !catalogue.building.as_ref().is_some_and(is) {
            return Err(IndexError::NoIndex { dir: index.dir().to_path_buf() });
        }
        index.commit()?;
        let old = catalogue.serving.take();
        catalogue.serving = catalogue.building.take();
        self.write_catalogue(&catalogue)?;
        if let Some(old) = old.and_then(|old| self.open.lock().get(&old.number).and_then(Weak::upgrade)) {
            old.retire();
        }
        self.remove_leftovers(&catalogue);
        Ok(())
    }

    /// Writes `library.json` anew if it is damaged, from what the generations say of themselves; gives the damage in words,
    /// or `None` if it is sound. The oldest generation serves: a younger one beside it may not be complete, and is gone on
    /// with when its model is indexed with.
    ///
    /// # Errors
    /// If a generation is in use or damaged itself, or there is none.
    pub fn mend(&self) -> Result<Option<String>, IndexError> {
        if !self.catalogue_path().exists() {
            return Ok(None);
        }
        let _lock = self.lock()?;
        let damage = match self.read_catalogue() {
            Err(damage @ IndexError::Corrupt { .. }) => damage.to_string(),
            sound => return sound.map(|_| None),
        };
        let mut numbers: Vec<u32> = self.generation_dirs().into_iter().map(|(number, _)| number).collect();
        numbers.sort_unstable();
        let describe = |number: u32| -> Result<Generation, IndexError> {
            Ok(Generation { number, model: self.open_generation(number)?.manifest().model })
        };
        let mut oldest = numbers.into_iter().map(describe);
        let serving = oldest.next().ok_or_else(|| IndexError::NoIndex { dir: self.home.clone() })??;
        let catalogue = Catalogue { format: FORMAT, serving: Some(serving), building: oldest.next().transpose()? };
        self.write_catalogue(&catalogue)?;
        Ok(Some(damage))
    }

    fn open_generation(&self, number: u32) -> Result<Arc<Index>, IndexError> {
        let mut open = self.open.lock();
        if let Some(index) = open.get(&number).and_then(Weak::upgrade) {
            return Ok(index);
        }
        let index = Arc::new(Index::open(&self.generation_dir(number), &self.options)?);
        open.insert(number, Arc::downgrade(&index));
        Ok(index)
    }

    /// Removes the folders of generations that are no longer listed, unless some process still reads them.
    fn remove_leftovers(&self, catalogue: &Catalogue) {
        let listed = [&catalogue.serving, &catalogue.building];
        for (number, path) in self.generation_dirs() {
            let wanted = listed.into_iter().flatten().any(|generation| generation.number == number);
            if !wanted && !Store::is_open_somewhere(&path.join("sled")) {
                // What cannot be removed now is tried again next time.
                let _ = std::fs::remove_dir_all(&path);
            }
        }
    }

    /// A number that neither the catalogue nor a folder uses.
    fn free_number(&self, catalogue: &Catalogue) -> u32 {
        let listed =
            [&catalogue.serving, &catalogue.building].into_iter().flatten().map(|generation| generation.number);
        let highest = self.generation_dirs().into_iter().map(|(number, _)| number).chain(listed).max();
        highest.unwrap_or(0) + 1
    }

    fn generation_dirs(&self) -> Vec<(u32, PathBuf)> {
        let entries = std::fs::read_dir(&self.home).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let number = entry.file_name().to_str()?.strip_prefix("gen-")?.parse().ok()?;
                Some((number, entry.path()))
            })
            .collect()
    }

    fn generation_dir(&self, number: u32) -> PathBuf {
        self.home.join(format!("gen-{number:04}"))
    }

    fn is_there(&self, generation: &Generation) -> bool {
        Store::exists(&self.generation_dir(generation.number).join("sled"))
    }

    fn catalogue_path(&self) -> PathBuf {
        self.home.join("library.json")
    }

    /// Waits until no other process makes, opens or removes generations here. Released when the file is closed.
    fn lock(&self) -> Result<File, IndexError> {
        let path = self.home.join("lock");
        let locked = File::create(&path).and_then(|file| file.lock().map(|()| file));
        locked.map_err(|source| io(&path, source))
    }

    fn read_catalogue(&self) -> Result<Catalogue, IndexError> {
        let path = self.catalogue_path();
        let json = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Catalogue::default()),
            read => read.map_err(|source| io(&path, source))?,
        };
        #[derive(serde::Deserialize)]
        struct Format {
            format: u32,
        }
        let damaged = |error: serde_json::Error| IndexError::Corrupt {
            dir: self.home.clone(),
            what: "library.json".to_owned(),
            reason: error.to_string(),
        };
        let Format { format } = serde_json::from_slice(&json).map_err(damaged)?;
        if format > FORMAT {
            return Err(IndexError::NewerFormat { dir: self.home.clone(), found: format, supported: FORMAT });
        }
        serde_json::from_slice(&json).map_err(damaged)
    }

    /// Replaces `library.json` as a whole: after a crash it is the old one or the new one.
    fn write_catalogue(&self, catalogue: &Catalogue) -> Result<(), IndexError> {
        let path = self.catalogue_path();
        let write = || {
            let json = serde_json::to_vec_pretty(&Catalogue { format: FORMAT, ..catalogue.clone() })?;
            let mut file = tempfile::NamedTempFile::new_in(&self.home)?;
            file.write_all(&json)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            sync_dir(&self.home)
        };
        write().map_err(|source| io(&path, source))
    }
}

/// Makes renames in a folder outlive a power cut.
pub(crate) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and renames are journalled.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

fn io(path: &Path, source: std::io::Error) -> IndexError {
    IndexError::Io { path: path.to_path_buf(), source }
}

fn other_model(indexed: &ModelInfo, asked: &ModelInfo) -> IndexError {
    IndexError::OtherModel {
        indexed: indexed.name.clone(),
        indexed_print: indexed.fingerprint.clone(),
        asked: asked.name.clone(),
        asked_print: asked.fingerprint.clone(),
    }
}

#[cfg(test)]
mod tests;
