//! Keeping the word index in step with the store: it is a fold over the store's changes, so
//! catching up after a crash and after a batch of writes are the same thing.

use std::collections::BTreeSet;
use std::path::Path;

use super::Index;
use crate::fault;
use crate::words::WordDocument;
use crate::{FileRecord, IdSet, ImageId, IndexError};

/// Images between two commits of a word index that catches up.
const CHANGES_AT_ONCE: usize = if cfg!(test) { 32 } else { 16_384 };

impl Index {
    /// Feeds the word index all that was written before this call, part by part. Others write
    /// meanwhile: an image that changes while it is read has a newer change then, and is fed again
    /// by the next call. The caller has the turn to feed the word index.
    pub(super) fn sync_words(&self) -> Result<(), IndexError> {
        let goal = self.revision();
        if self.words.committed_revision() > goal || self.words.is_doubtful() {
            // The store lost its newest changes (restored from a copy, or a disk that lied about
            // its cache), or the word index cannot be read.
            self.words.renew()?;
        }
        match self.feed_words(goal) {
            Err(_) if self.words.is_doubtful() => self.rebuild_words(),
            fed => fed,
        }
    }

    /// Makes the word index anew from the store. The caller has the turn to feed it.
    pub(super) fn rebuild_words(&self) -> Result<(), IndexError> {
        self.words.renew()?;
        self.feed_words(self.revision())
    }

    /// Feeds the word index what changed since its last commit, up to a revision at least.
    fn feed_words(&self, goal: u64) -> Result<(), IndexError> {
        let mut reached = self.words.committed_revision();
        while reached < goal {
            // All changes up to here are in the list, or superseded by later ones.
            let listed = self.revision();
            let part = self.store.changes_after(reached, CHANGES_AT_ONCE)?;
            for &(_, id) in &part {
                self.put_words(id)?;
            }
            reached = match part.last() {
                Some(&(last, _)) if part.len() == CHANGES_AT_ONCE => last,
                _ => listed,
            };
            // Words are never ahead of what outlives a power cut.
            self.store.sync()?;
            self.words.commit(reached)?;
            fault::nobody_waits();
        }
        Ok(())
    }

    /// The images that belong in the word index: those with a file that is present.
    pub(super) fn with_words(&self) -> IdSet {
        let facts = {
            // Between two steps: what a step does to memory is seen whole.
            let _writer = self.writer.lock();
            self.facts()
        };
        facts.present()
    }

    fn put_words(&self, id: ImageId) -> Result<(), IndexError> {
        if self.video_of(id) != id {
            return self.words.remove(id); // what is said of it is said of its video
        }
        let (files, companions) = self.files_and_companions_of(id)?;
        let is_there = files.iter().any(|file| !file.missing);
        let files: Vec<_> = files.into_iter().chain(companions).filter(|file| !file.missing).collect();
        match self.store.image(id).ok().flatten().filter(|_| is_there) {
            None => self.words.remove(id),
            Some(record) => self.words.put(&WordDocument {
                id,
                file_names: names(files.iter().filter_map(|file| file.path.file_name().map(Path::new))),
                folders: self.folder_names(&files),
                camera: record.camera,
                taken: record.taken,
                place: record.place,
                caption: joined(record.caption, record.model_caption),
                keywords: record.keywords,
            }),
        }
    }

    /// Names of the folders from the library's root downwards; what lies above says nothing about
    /// an image.
    fn folder_names(&self, files: &[FileRecord]) -> Vec<String> {
        let manifest = self.manifest.read();
        let mut folders = BTreeSet::new();
        for folder in files.iter().filter_map(|file| file.path.parent()) {
            let above = manifest.roots.iter().filter(|root| folder.starts_with(root)).filter_map(|root| root.parent());
            let above = above.max_by_key(|path| path.components().count()).unwrap_or(Path::new(""));
            folders.extend(names(folder.strip_prefix(above).unwrap_or(folder).iter().map(Path::new)));
        }
        folders.into_iter().collect()
    }
}

/// What people and the model say of an image.
fn joined(caption: Option<String>, model_caption: Option<String>) -> Option<String> {
    match (caption, model_caption) {
        (Some(caption), Some(model_caption)) => Some(format!("{caption}\n{model_caption}")),
        (caption, model_caption) => caption.or(model_caption),
    }
}

fn names<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<String> {
    paths.map(|path| path.to_string_lossy().into_owned()).collect()
}
