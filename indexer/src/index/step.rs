//! One atomic change: what it does to the store, and what it does to memory once the store has
//! taken it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::Index;
use crate::fault;
use crate::regions::RegionIndex;
use crate::regions::format::Stored;
use crate::store::keys::{self, PathHash, Table};
use crate::store::{Batch, records};
use crate::vectors::Quantised;
use crate::{FileRecord, ImageId, ImageRecord, IndexError};

/// A change that is being put together. The caller holds the writer's lock until [`Step::commit`].
pub(super) struct Step<'a> {
    index: &'a Index,
    batch: Batch,
    effects: Vec<Effect>,
    /// Images whose findability, words or regions change; each gets a new revision.
    changed: BTreeSet<ImageId>,
}

/// What readers will see.
enum Effect {
    NewImage(ImageRecord, Quantised),
    PutFacts(ImageRecord),
    RemoveImage(ImageId),
    PutRegions(ImageId, Stored),
    RemoveRegions(ImageId),
    PutFile(FileRecord),
    RemoveFile(PathBuf),
}

impl Effect {
    fn regions(&self) -> Option<(ImageId, &Stored)> {
        if let Self::PutRegions(id, stored) = self { Some((*id, stored)) } else { None }
    }
}

impl<'a> Step<'a> {
    pub(super) fn new(index: &'a Index) -> Self {
        Self { index, batch: Batch::default(), effects: Vec::new(), changed: BTreeSet::new() }
    }

    /// An image with a number that was never used.
    pub(super) fn new_image(&mut self, record: ImageRecord, vector: Quantised) {
        let id = record.id;
        let next = ImageId(id.0 + 1);
        let (content, next_id) = (&record.content.0, keys::meta::NEXT_ID);
        self.batch.put(Table::Images, &keys::image(id), records::encode_image(&record));
        self.batch.put(Table::Vectors, &keys::image(id), records::encode_vector(id, &vector));
        self.batch.put(Table::Content, content, records::encode_id(Table::Content, content, id));
        self.batch.put(Table::Meta, next_id, records::encode_id(Table::Meta, next_id, next));
        self.changed.insert(id);
        self.effects.push(Effect::NewImage(record, vector));
    }

    /// Regions of an image, in place of older ones.
    pub(super) fn put_regions(&mut self, id: ImageId, regions: Stored) -> Result<(), IndexError> {
        self.remove_parts(id)?;
        regions.encode(id).into_iter().for_each(|(key, value)| self.batch.put(Table::Regions, &key, value));
        self.changed.insert(id);
        self.effects.push(Effect::PutRegions(id, regions));
        Ok(())
    }

    /// An image's regions go, if it has any.
    pub(super) fn remove_regions(&mut self, id: ImageId) -> Result<(), IndexError> {
        if self.remove_parts(id)? {
            self.changed.insert(id);
            self.effects.push(Effect::RemoveRegions(id));
        }
        Ok(())
    }

    /// Removes what is stored of an image's regions and their tags; false if there are none.
    fn remove_parts(&mut self, id: ImageId) -> Result<bool, IndexError> {
        if self.index.store.get(Table::RegionTags, &keys::image(id))?.is_some() {
            self.batch.remove_region_tags(id);
        }
        let parts = self.index.store.region_parts(id)?;
        parts.iter().for_each(|(part, _)| self.batch.remove(Table::Regions, &keys::region(id, *part)));
        Ok(!parts.is_empty())
    }

    /// Other facts and words of a known image, whose content stays.
    pub(super) fn replace_facts(&mut self, record: ImageRecord) {
        self.batch.put(Table::Images, &keys::image(record.id), records::encode_image(&record));
        self.changed.insert(record.id);
        self.effects.push(Effect::PutFacts(record));
    }

    /// A new file, or another record for a known one. An image that loses the last file that held
    /// it goes with it. A companion belongs to an image that another file holds.
    pub(super) fn put_file(&mut self, file: FileRecord) -> Result<(), IndexError> {
        let (hash, value) = records::encode_file(&file);
        if file.role.is_companion() && !self.index.store.has_other_primary(file.image, hash)? {
            return Err(IndexError::NoSuchImage(file.image));
        }
        let old = self.index.store.file(hash)?;
        if old.as_ref() == Some(&file) {
            return Ok(());
        }
        if let Some(old) = old.as_ref().filter(|old| old.image != file.image) {
            self.detach(old.image, hash)?;
        }
        // A file that was only touched answers every question as before.
        let what_counts = |file: &FileRecord| (file.image, file.role, file.missing);
        if old.is_none_or(|old| what_counts(&old) != what_counts(&file)) {
            self.changed.insert(file.image);
        }
        self.batch.put(Table::Files, &hash.0, value);
        self.batch.put(Table::FilesOfImage, &keys::file_of_image(file.image, hash), Vec::new());
        self.effects.push(Effect::PutFile(file));
        Ok(())
    }

    /// Forgets a file, and its image with all companions if it was the last one that held it.
    pub(super) fn remove_file(&mut self, file: FileRecord) -> Result<(), IndexError> {
        let hash = PathHash::of(&file.path);
        self.batch.remove(Table::Files, &hash.0);
        self.detach(file.image, hash)?;
        self.effects.push(Effect::RemoveFile(file.path));
        Ok(())
    }

    fn detach(&mut self, image: ImageId, file: PathHash) -> Result<(), IndexError> {
        self.batch.remove(Table::FilesOfImage, &keys::file_of_image(image, file));
        self.changed.insert(image);
        if !self.index.store.has_other_primary(image, file)? {
            self.remove_companions(image, file)?;
            self.remove_image(image)?;
        }
        Ok(())
    }

    /// Forgets all files of an image but one.
    fn remove_companions(&mut self, id: ImageId, but: PathHash) -> Result<(), IndexError> {
        let store = &self.index.store;
        for hash in store.files_of(id).filter(|hash| hash.as_ref().map_or(true, |&hash| hash != but)) {
            let hash = hash?;
            self.batch.remove(Table::FilesOfImage, &keys::file_of_image(id, hash));
            if let Some(file) = store.file(hash)?.filter(|file| file.image == id) {
                self.batch.remove(Table::Files, &hash.0);
                self.effects.push(Effect::RemoveFile(file.path));
            }
        }
        Ok(())
    }

    /// An image goes, and with it the frames of the video that it stands for.
    fn remove_image(&mut self, id: ImageId) -> Result<(), IndexError> {
        let frames = self.index.memory.read().frames_of(id).to_vec();
        for frame in frames {
            self.changed.insert(frame);
            self.remove_image(frame)?;
        }
        self.batch.remove(Table::Images, &keys::image(id));
        self.batch.remove(Table::Vectors, &keys::image(id));
        if self.remove_parts(id)? {
            self.effects.push(Effect::RemoveRegions(id));
        }
        // A damaged record does not say its content; `verify` finds the entry that is left over.
        if let Some(record) = self.index.store.image(id).ok().flatten()
            && self.index.store.by_content(&record.content)? == Some(id)
        {
            self.batch.remove(Table::Content, &record.content.0);
        }
        self.effects.push(Effect::RemoveImage(id));
        Ok(())
    }

    /// A further frame goes by itself.
    #[cfg(test)]
    pub(super) fn remove_frame(&mut self, id: ImageId) -> Result<(), IndexError> {
        self.changed.insert(id);
        self.remove_image(id)
    }

    /// Writes the step to the store and, if that went well, shows it to readers.
    pub(super) fn commit(mut self) -> Result<(), IndexError> {
        if self.effects.is_empty() && self.changed.is_empty() {
            return Ok(());
        }
        let index = self.index;
        index.require_writable()?;
        let before = index.revision();
        let mut revision = before;
        let mut revisions = Vec::with_capacity(self.changed.len());
        for &id in &self.changed {
            revision += 1;
            let key = revision.to_be_bytes();
            self.batch.put(Table::Changes, &key, records::encode_id(Table::Changes, &key, id));
            if let Some(old) = index.memory.read().revision(id) {
                self.batch.remove(Table::Changes, &old.to_be_bytes());
            }
            revisions.push((id, revision));
        }
        let (new, gone) = match index.vectors_at() {
            Some(_) => (Vec::new(), Vec::new()), // the server is fed from the changes
            None => vectors_of(&self.effects),
        };
        // From here on memory is ahead of the store, until the store has taken the step.
        let ahead = Ahead { index, new: &new };
        fault::point()?;
        let nodes = index.graph.prepare(&index.scan, &new, &gone, &mut self.batch)?;
        fault::point()?;
        if revision > before {
            index.snapshot.note_step(&index.store, &mut self.batch, (before, revision), &nodes)?;
        }
        index.store.apply(&self.batch)?;
        ahead.taken();
        // First: its revisions are used up, whatever becomes of the rest.
        index.revision.store(revision, Ordering::Release);
        self.publish(&revisions);
        index.graph.forget(&index.scan, &gone);
        Ok(())
    }

    /// Vectors have come before, and go after, the facts that make an image findable. The store has
    /// taken the step, so nothing here fails: regions that find no room are read from the store
    /// when they are asked for next.
    fn publish(&self, revisions: &[(ImageId, u64)]) {
        let mut regions = self.index.regions.get();
        let (with_regions, without) = regions_of(&self.effects);
        with_regions.iter().chain(&without).for_each(|&id| self.index.regions.note_changed(id));
        self.changed.iter().for_each(|&id| self.index.forget_read(id));
        for (id, stored) in self.effects.iter().filter_map(Effect::regions) {
            self.index.regions.note_waiting();
            let put = |regions: &RegionIndex| fault::point().and_then(|()| regions.put(id, stored));
            if regions.as_deref().is_some_and(|regions| put(regions).is_err()) {
                self.index.regions.clear();
                regions = None;
            }
        }
        let mut memory = self.index.memory.write();
        for effect in &self.effects {
            match effect {
                Effect::NewImage(record, _) => memory.put_image(record, true),
                Effect::PutFacts(record) => memory.replace_facts(record),
                Effect::RemoveImage(id) => memory.remove_image(*id),
                Effect::PutRegions(..) | Effect::RemoveRegions(_) => {}
                Effect::PutFile(file) => memory.put_file(file),
                Effect::RemoveFile(path) => memory.remove_file(path),
            }
        }
        for &(id, revision) in revisions {
            memory.set_revision(id, revision);
        }
        drop(memory);
        for effect in &self.effects {
            if let Effect::PutRegions(id, _) | Effect::RemoveRegions(id) | Effect::RemoveImage(id) = effect {
                self.index.region_tags.forget(*id);
            }
            if let (Effect::RemoveRegions(id), Some(regions)) = (effect, &regions) {
                regions.remove(*id);
            }
        }
    }
}

/// Takes back, when it is dropped, what a step did to the graph and vectors in memory, unless the
/// store has taken the step.
struct Ahead<'a> {
    index: &'a Index,
    new: &'a [(ImageId, &'a Quantised)],
}

impl Ahead<'_> {
    fn taken(self) {
        std::mem::forget(self);
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        self.index.graph.undo(&self.index.scan, self.new);
    }
}

/// Vectors that come with the step, and those that go.
fn vectors_of(effects: &[Effect]) -> (Vec<(ImageId, &Quantised)>, Vec<ImageId>) {
    let (mut new, mut gone) = (Vec::new(), Vec::new());
    for effect in effects {
        match effect {
            Effect::NewImage(record, vector) => new.push((record.id, vector)),
            Effect::RemoveImage(id) => gone.push(*id),
            Effect::PutFacts(_)
            | Effect::PutRegions(..)
            | Effect::RemoveRegions(_)
            | Effect::PutFile(_)
            | Effect::RemoveFile(_) => {}
        }
    }
    (new, gone)
}

/// Images that get regions with the step, in place of older ones perhaps, and those that lose
/// theirs.
fn regions_of(effects: &[Effect]) -> (Vec<ImageId>, Vec<ImageId>) {
    let new = effects.iter().filter_map(|effect| Some(effect.regions()?.0)).collect();
    let gone =
        effects.iter().filter_map(|effect| if let Effect::RemoveRegions(id) = effect { Some(*id) } else { None });
    (new, gone.collect())
}
