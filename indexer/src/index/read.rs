//! Reading: records from the store, facts from memory.

use std::path::Path;

use super::Index;
use super::memory::Memory;
use crate::fault;
use crate::store::keys::PathHash;
use crate::{
    Cluster, ContentHash, Facets, FileRecord, Filter, GeoBox, IdSet, ImageId, ImageRecord, IndexError, TagCount,
};

impl Index {
    /// An image's record.
    ///
    /// # Errors
    /// If the store fails or the record is damaged; an unknown image is `None`.
    pub fn image(&self, id: ImageId) -> Result<Option<ImageRecord>, IndexError> {
        self.store.image(id)
    }

    /// The files that hold an image, present ones first, then by path; of a frame, those of its
    /// video.
    ///
    /// # Errors
    /// If the store fails.
    pub fn files_of(&self, id: ImageId) -> Result<Vec<FileRecord>, IndexError> {
        Ok(self.files_and_companions_of(id)?.0)
    }

    /// The files that belong to an image and do not hold it, present ones first, then by path.
    ///
    /// # Errors
    /// If the store fails.
    pub fn companions_of(&self, id: ImageId) -> Result<Vec<FileRecord>, IndexError> {
        Ok(self.files_and_companions_of(id)?.1)
    }

    /// [`Index::files_of`] and [`Index::companions_of`].
    ///
    /// # Errors
    /// If the store fails.
    pub fn files_and_companions_of(&self, id: ImageId) -> Result<(Vec<FileRecord>, Vec<FileRecord>), IndexError> {
        let mut files = self.some_files_of(id, usize::MAX)?;
        files.sort_by(|a, b| a.missing.cmp(&b.missing).then_with(|| a.path.cmp(&b.path)));
        Ok(files.into_iter().partition(|file| !file.role.is_companion()))
    }

    /// Up to `most` of the files of an image, companions too, in no order that means anything.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn some_files_of(&self, id: ImageId, most: usize) -> Result<Vec<FileRecord>, IndexError> {
        let id = self.video_of(id);
        let hashes = self.store.files_of(id).take(most).collect::<Result<_, _>>()?;
        let mut files = self.read_files(hashes)?;
        files.retain(|file| file.image == id);
        Ok(files)
    }

    /// True if an image has a file that is present.
    pub(crate) fn has_present_file(&self, id: ImageId) -> bool {
        self.memory.read().is_present(id)
    }

    /// True if another file than the one at `path` holds an image.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn has_other_primary(&self, id: ImageId, path: &Path) -> Result<bool, IndexError> {
        self.store.has_other_primary(id, PathHash::of(path))
    }

    /// The record of a file by its absolute path. A damaged record counts as none, so that indexing
    /// writes it anew.
    ///
    /// # Errors
    /// If the store fails.
    pub fn file(&self, path: &Path) -> Result<Option<FileRecord>, IndexError> {
        self.store.file(PathHash::of(path))
    }

    /// Every file under `folder`, companions too, in order of path hash; for the path of a file,
    /// that file.
    ///
    /// # Errors
    /// If the store fails.
    pub fn files_under(&self, folder: &Path) -> Result<Vec<FileRecord>, IndexError> {
        let hashes = self.facts().files_under(folder);
        self.read_files(hashes)
    }

    /// Gives each file under `folder`, as [`Index::files_under`], until `take` is `false`; whether
    /// it came to the end.
    ///
    /// # Errors
    /// If the store fails, and those of `take`.
    pub(crate) fn each_file_under(
        &self,
        folder: &Path,
        take: &mut dyn FnMut(FileRecord) -> Result<bool, IndexError>,
    ) -> Result<bool, IndexError> {
        let hashes = self.facts().files_under(folder);
        for hash in hashes {
            if let Some(file) = self.store.file(hash)?
                && !take(file)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The image with these bytes.
    ///
    /// # Errors
    /// If the store fails.
    pub fn by_content(&self, content: &ContentHash) -> Result<Option<ImageId>, IndexError> {
        let id = self.store.by_content(content)?;
        let memory = self.memory.read();
        Ok(id.filter(|&id| memory.contains(id)))
    }

    /// An image's stored vector (unit length, decoded from int8).
    pub fn vector(&self, id: ImageId) -> Option<Vec<f32>> {
        self.vector_of(id)
    }

    /// Images that pass a filter; the empty filter gives all that have a present file. A video is
    /// one image here; [`Index::with_frames`] adds its frames.
    pub fn select(&self, filter: &Filter) -> IdSet {
        let kept = self.kept(filter);
        let facts = self.facts();
        fault::nobody_waits();
        facts.select(filter, &kept)
    }

    /// Date taken, from memory; used to sort without touching the store.
    pub fn taken(&self, id: ImageId) -> Option<i64> {
        self.memory.read().taken(id)
    }

    /// What there is to filter by.
    pub fn facets(&self) -> Facets {
        self.facets_of(&Filter::default())
    }

    /// What there is to filter by further, among the images that pass a filter.
    pub fn facets_of(&self, filter: &Filter) -> Facets {
        let kept = self.kept(filter);
        let facts = self.facts();
        fault::nobody_waits();
        let among = facts.select(filter, &kept);
        Facets { region_tags: self.region_tag_counts(&facts, &among), ..facts.facets(&among) }
    }

    /// Keywords of the images that pass a filter, most frequent first.
    pub fn tags_of(&self, filter: &Filter) -> Vec<TagCount> {
        let kept = self.kept(filter);
        let facts = self.facts();
        facts.tag_counts(&facts.select(filter, &kept))
    }

    /// Images that pass a filter and have a place in `area`, gathered in cells of so many degrees.
    pub fn clusters(&self, filter: &Filter, area: Option<&GeoBox>, cell: f64) -> Vec<Cluster> {
        let kept = self.kept(filter);
        let facts = self.facts();
        facts.clusters(&facts.select(filter, &kept), area, cell)
    }

    /// The facts of this moment, to be looked through without holding anybody up.
    pub(super) fn facts(&self) -> Memory {
        self.memory.read().clone()
    }

    fn read_files(&self, hashes: Vec<PathHash>) -> Result<Vec<FileRecord>, IndexError> {
        hashes.into_iter().filter_map(|hash| self.store.file(hash).transpose()).collect()
    }
}
