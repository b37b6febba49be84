//! A library: generations of an index under one folder, one of which serves.
//!
//! ```text
//! HOME/library.json        which generation serves, which one is being built
//! HOME/lock                held while generations are made, opened or retired
//! HOME/collections.journal favourites and albums, which belong to no generation
//! HOME/reserve             some megabytes that are given up where forgetting images needs them
//! HOME/gen-0001/sled/      records, vectors, manifest
//! HOME/gen-0001/words/     tantivy, rebuildable from sled
//! HOME/gen-0001/*snapshot/ what readers need, in two files, rebuildable from sled
//! HOME/gen-0001.retired/   a generation whose place another took, removed one successful run later
//! ```

mod catalogue;
pub(crate) mod copy;
pub(crate) mod folders;
mod lock;
mod place;
mod reserve;
mod salvage;
mod verify;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};

use glimpse_encoder::ModelInfo;
use parking_lot::Mutex;

use self::catalogue::{Account, Catalogue, Generation};
use self::lock::WaitHook;
use crate::collections::Collections;
use crate::private::{close_to_others, create_private_dir_all};
use crate::store::Store;
use crate::{Index, IndexError, IndexOptions};

/// The folder that holds the generations. Generations that are open already are shared, not opened
/// twice.
#[derive(Debug)]
pub struct Library {
    home: PathBuf,
    options: IndexOptions,
    open: Mutex<HashMap<u32, Weak<Index>>>,
    /// Retired since the last run that succeeded.
    retired: Mutex<HashSet<u32>>,
    /// What answers for a library that cannot be written.
    copy: Mutex<Option<Weak<Index>>>,
    /// Is told when the lock is waited for.
    on_wait: OnceLock<WaitHook>,
    /// Read when a generation is first opened, since only who holds that may change them.
    collections: OnceLock<Arc<Collections>>,
}

impl Library {
    /// Uses `home`, which need not exist yet.
    pub fn at(home: &Path) -> Self {
        Self::with_options(home, IndexOptions::default())
    }

    /// As [`Library::at`], with other settings for its indexes.
    pub fn with_options(home: &Path, options: IndexOptions) -> Self {
        Self {
            home: home.to_path_buf(),
            options,
            open: Mutex::default(),
            retired: Mutex::default(),
            copy: Mutex::default(),
            on_wait: OnceLock::new(),
            collections: OnceLock::new(),
        }
    }

    /// The folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Opens the generation that serves; of a library that cannot be written, a copy that refuses
    /// every change ([`Library::obstacle`]).
    ///
    /// # Errors
    /// [`IndexError::NoIndex`], [`IndexError::InUse`], [`IndexError::NewerFormat`],
    /// [`IndexError::Corrupt`].
    pub fn open(&self) -> Result<Arc<Index>, IndexError> {
        match self.open_in_place() {
            Err(error @ (IndexError::Io { .. } | IndexError::Store { .. } | IndexError::Lost { .. })) => {
                match self.obstacle() {
                    Some(reason) => self.open_copy(&reason),
                    None => Err(error),
                }
            }
            opened => opened,
        }
    }

    fn open_in_place(&self) -> Result<Arc<Index>, IndexError> {
        if !self.is_begun()? {
            return Err(IndexError::NoIndex { dir: self.home.clone() });
        }
        let _lock = self.lock()?;
        let catalogue = self.written_catalogue()?;
        let serving = catalogue.serving.as_ref().ok_or_else(|| IndexError::NoIndex { dir: self.home.clone() })?;
        let index = self.open_generation(serving.number)?;
        self.retire_unlisted(&catalogue)?;
        Ok(index)
    }

    /// Opens the generation to write for `model`: the serving one if it was made by this model or
    /// one that gives images the same vectors, else the one being built for it, else
    /// (`new_generation`, or an empty library) a fresh one. A generation that was being built for a
    /// third model is given up for the fresh one.
    ///
    /// # Errors
    /// As [`Library::open`]; [`IndexError::OtherModel`] if the library is of another model and
    /// `new_generation` is off; [`IndexError::OtherStorage`] if its vectors are kept in another way
    /// than the options ask for.
    pub fn open_for(&self, model: &ModelInfo, new_generation: bool) -> Result<Arc<Index>, IndexError> {
        create_private_dir_all(&self.home).map_err(|source| io(&self.home, source))?;
        let _lock = self.lock()?;
        let mut catalogue = self.written_catalogue()?;
        // A generation whose folder was taken away by hand is gone.
        catalogue.serving = self.if_there(catalogue.serving)?;
        catalogue.building = self.if_there(catalogue.building)?;
        if catalogue.serving.is_none() && self.has_open() {
            return Err(IndexError::TakenAway { dir: self.home.clone() });
        }
        self.retire_unlisted(&catalogue)?;
        let same = |generation: &&Generation| model.has_images_of(&generation.model);
        let fitting = catalogue.serving.iter().find(same).or(catalogue.building.iter().find(same));
        if let Some(generation) = fitting {
            let index = self.open_to_write(generation.number)?;
            let kept = index.manifest().vectors;
            return match self.options.vectors.filter(|&asked| asked != kept) {
                Some(asked) => Err(IndexError::OtherStorage { dir: self.home.clone(), kept, asked }),
                None => self.require_place(&index).map(|()| index),
            };
        }
        if let Some(serving) = catalogue.serving.as_ref().filter(|_| !new_generation) {
            return Err(other_model(&serving.model, model));
        }
        let generation = Generation { number: self.free_number(&catalogue)?, model: model.clone() };
        let options = self.options_of_new(&catalogue);
        let index = Arc::new(Index::create(&folders::dir_of(&self.home, generation.number), model, &options)?);
        if catalogue.serving.is_none() {
            index.note_promotion()?;
        }
        index.share_collections(self.collections());
        self.open.lock().insert(generation.number, Arc::downgrade(&index));
        match catalogue.serving {
            None => catalogue.serving = Some(generation),
            Some(_) => catalogue.building = Some(generation),
        }
        catalogue.write(&self.home)?;
        Ok(index)
    }

    /// `model` gives images the vectors that an index holds: it is the model of that from now on.
    /// False if it was already.
    ///
    /// # Errors
    /// [`IndexError::OtherModel`] if its vectors are others; otherwise if the store fails or
    /// `library.json` cannot be replaced.
    pub fn take_model(&self, index: &Index, model: &ModelInfo) -> Result<bool, IndexError> {
        let known = index.manifest().model;
        if !model.has_images_of(&known) {
            return Err(other_model(&known, model));
        }
        let is_same = known.fingerprint == model.fingerprint;
        // Its name stays as it was recorded, unless it is another model.
        let image_fingerprint = known.image_fingerprint.clone().or(model.image_fingerprint.clone());
        let model = if is_same { ModelInfo { image_fingerprint, ..known.clone() } } else { model.clone() };
        let _lock = self.lock()?;
        if model != known {
            index.note_model(&model)?;
        }
        // A program that was killed here before may have left it behind the manifest.
        let mut catalogue = self.written_catalogue()?;
        let is = |generation: &&mut Generation| folders::dir_of(&self.home, generation.number) == index.dir();
        if let Some(generation) = catalogue.serving.iter_mut().chain(&mut catalogue.building).find(is)
            && generation.model != model
        {
            generation.model = model;
            catalogue.write(&self.home)?;
        }
        Ok(!is_same)
    }

    /// The model of the serving generation, without opening it; `None` for an empty library.
    ///
    /// # Errors
    /// If `library.json` cannot be read.
    pub fn serving_model(&self) -> Result<Option<ModelInfo>, IndexError> {
        Ok(self.catalogue()?.serving.map(|generation| generation.model))
    }

    /// Ends a successful run of changes: makes a complete generation the serving one, unless it
    /// serves already, and retires the old one. Generations that were retired before this run are
    /// removed. The reserve is made if there is none and room for it
    /// ([`Library::release_reserve`]).
    ///
    /// Retiring renames the old generation's folder at once, or, while this process has it open,
    /// when its last user lets go of it. If the process is killed in between, it is retired when
    /// the library is opened next.
    ///
    /// # Errors
    /// If `library.json` cannot be replaced, or the index is not one of this library's.
    pub fn promote(&self, index: &Index) -> Result<(), IndexError> {
        let _lock = self.lock()?;
        let mut catalogue = self.written_catalogue()?;
        self.remove_retired()?;
        self.keep_reserve();
        let is = |generation: &Generation| folders::dir_of(&self.home, generation.number) == index.dir();
        if catalogue.serving.as_ref().is_some_and(is) {
            // A library of a program that did not note it. On a full drive it does without.
            return if self.reserve_bytes() > 0 { index.note_promotion() } else { Ok(()) };
        }
        if !catalogue.building.as_ref().is_some_and(is) {
            return Err(IndexError::NoIndex { dir: index.dir().to_path_buf() });
        }
        index.note_promotion()?;
        index.commit()?;
        let old = catalogue.serving.take();
        catalogue.serving = catalogue.building.take();
        catalogue.write(&self.home)?;
        if let Some(old) = old {
            self.leave_server_of(&old, index);
            if let Some(old) = self.open.lock().get(&old.number).and_then(Weak::upgrade) {
                old.retire();
            }
        }
        self.retire_unlisted(&catalogue)
    }

    /// Writes `library.json` anew if it is damaged or not there, from what the generations say of
    /// themselves; gives the damage in words, or `None` if it is sound or nothing was indexed yet.
    ///
    /// # Errors
    /// If a generation is in use or damaged itself; [`IndexError::NoIndex`] if there is none behind
    /// a damaged `library.json`, which is renamed then, so that an index run can begin anew.
    pub fn mend(&self) -> Result<Option<String>, IndexError> {
        if !self.is_begun()? {
            return Ok(None);
        }
        let _lock = self.lock()?;
        let damage = match Catalogue::read(&self.home) {
            Err(damage @ IndexError::Corrupt { .. }) => damage.to_string(),
            Ok(None) => format!("{}: library.json is not there", self.home.display()),
            sound => return sound.map(|_| None),
        };
        let catalogue = self.rebuilt_catalogue()?;
        if catalogue.serving.is_none() {
            // Else the next index run would be refused over it.
            Catalogue::set_aside(&self.home)?;
            return Err(IndexError::NoIndex { dir: self.home.clone() });
        }
        catalogue.write(&self.home)?;
        Ok(Some(damage))
    }

    /// True if there is anything that an index could be opened from.
    fn is_begun(&self) -> Result<bool, IndexError> {
        let named = !matches!(Catalogue::read(&self.home), Ok(None));
        Ok(named || !folders::numbers(&self.home)?.is_empty())
    }

    /// What `library.json` says, or the generations, if it is not there.
    fn catalogue(&self) -> Result<Catalogue, IndexError> {
        match Catalogue::read(&self.home)? {
            Some(catalogue) => Ok(catalogue),
            None if self.obstacle().is_some() => self.catalogue_of_logs(),
            None => self.rebuilt_catalogue(),
        }
    }

    /// As [`Library::catalogue`], written down if it was not there. The caller holds the lock.
    fn written_catalogue(&self) -> Result<Catalogue, IndexError> {
        if let Some(catalogue) = Catalogue::read(&self.home)? {
            return Ok(catalogue);
        }
        let catalogue = self.rebuilt_catalogue()?;
        if catalogue.serving.is_some() {
            catalogue.write(&self.home)?;
        }
        Ok(catalogue)
    }

    /// What the generations say of themselves. A folder without a store or manifest is that of a
    /// generation whose making was cut off.
    fn rebuilt_catalogue(&self) -> Result<Catalogue, IndexError> {
        let mut accounts = Vec::new();
        for number in folders::numbers(&self.home)? {
            let dir = folders::dir_of(&self.home, number);
            let open = self.open.lock().get(&number).and_then(Weak::upgrade);
            if let Some(index) = open {
                accounts.push(Account { number, manifest: index.manifest(), images: index.len() });
            } else if Store::exists(&dir.join("sled"))? {
                let said = Index::account_of(&dir)?;
                accounts.extend(said.map(|(manifest, images)| Account { number, manifest, images }));
            }
        }
        Ok(Catalogue::of(accounts))
    }

    /// As [`Library::rebuilt_catalogue`], by the logs of the generations, for which nothing is
    /// written and no damage stands in the way. Generations that do not say what they are, are left
    /// out.
    fn catalogue_of_logs(&self) -> Result<Catalogue, IndexError> {
        let mut accounts = Vec::new();
        for number in folders::numbers(&self.home)? {
            let dir = folders::dir_of(&self.home, number);
            if Store::exists(&dir.join("sled"))? {
                match Index::account_in_log(&dir) {
                    Err(IndexError::Lost { .. } | IndexError::Corrupt { .. }) => {}
                    said => accounts.extend(said?.map(|(manifest, images)| Account { number, manifest, images })),
                }
            }
        }
        Ok(Catalogue::of(accounts))
    }

    fn open_generation(&self, number: u32) -> Result<Arc<Index>, IndexError> {
        let mut open = self.open.lock();
        if let Some(index) = open.get(&number).and_then(Weak::upgrade) {
            return Ok(index);
        }
        let dir = folders::dir_of(&self.home, number);
        close_to_others(&dir);
        let index = Arc::new(Index::open(&dir, &self.options)?);
        index.share_collections(self.collections());
        open.insert(number, Arc::downgrade(&index));
        Ok(index)
    }

    /// On a full drive, without what can be made anew: so that images can be forgotten there.
    fn open_to_write(&self, number: u32) -> Result<Arc<Index>, IndexError> {
        match self.open_generation(number) {
            Err(IndexError::Io { .. } | IndexError::Store { .. }) if self.obstacle().is_some() => {
                self.make_room(number)?;
                self.open_generation(number)
            }
            opened => opened,
        }
    }

    /// The favourites and albums.
    pub(crate) fn collections(&self) -> Arc<Collections> {
        Arc::clone(self.collections.get_or_init(|| Arc::new(Collections::open(&self.home))))
    }

    /// True if this process reads a generation whose place no other has taken.
    fn has_open(&self) -> bool {
        self.open.lock().values().filter_map(Weak::upgrade).any(|index| !index.is_retired())
    }

    /// Retires the generations that the catalogue does not name, unless some process still reads
    /// them, or the catalogue is nothing but what was made of them.
    fn retire_unlisted(&self, catalogue: &Catalogue) -> Result<(), IndexError> {
        if catalogue.is_rebuilt {
            return Ok(());
        }
        for number in folders::numbers(&self.home)? {
            if catalogue.generations().all(|generation| generation.number != number)
                && folders::retire(&folders::dir_of(&self.home, number))
            {
                self.retired.lock().insert(number);
            }
        }
        Ok(())
    }

    /// Removes the generations that were retired before this run, and takes those of this run for
    /// the next one's.
    fn remove_retired(&self) -> Result<(), IndexError> {
        let of_this_run = std::mem::take(&mut *self.retired.lock());
        let old = folders::retired(&self.home)?.into_iter().filter(|number| !of_this_run.contains(number));
        old.for_each(|number| folders::remove_retired(&self.home, number));
        Ok(())
    }

    /// A number that neither the catalogue nor a folder uses.
    fn free_number(&self, catalogue: &Catalogue) -> Result<u32, IndexError> {
        let listed = catalogue.generations().map(|generation| generation.number);
        let folders = folders::numbers(&self.home)?.into_iter().chain(folders::retired(&self.home)?);
        Ok(listed.chain(folders).max().unwrap_or(0) + 1)
    }

    /// The generation, or `None` if its folder certainly is not there.
    fn if_there(&self, generation: Option<Generation>) -> Result<Option<Generation>, IndexError> {
        let Some(generation) = generation else { return Ok(None) };
        let dir = folders::dir_of(&self.home, generation.number);
        let there = dir.try_exists().map_err(|source| io(&dir, source))?;
        Ok(there.then_some(generation))
    }
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
