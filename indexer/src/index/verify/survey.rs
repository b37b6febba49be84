//! What the tables hold. Others write while it is read: images that changed meanwhile are read
//! again, some at a time, and only the last of them while nobody writes.

use std::collections::{BTreeMap, BTreeSet};

use super::owned::Owned;
use crate::fault;
use crate::index::region_tags::read_labels;
use crate::regions::{format, tags};
use crate::store::Store;
use crate::store::codec::Damage;
use crate::store::keys::{self, PathHash, Table};
use crate::store::records;
use crate::{ContentHash, ImageId, IndexError};

/// Images that are read again in one go.
const IMAGES_AT_ONCE: usize = if cfg!(test) { 4 } else { 256 };

/// Entries of all tables; a damaged value is there with its damage.
pub(super) struct Survey {
    dim: usize,
    /// All changes up to here are in it.
    revision: u64,
    /// The content that each record names.
    pub(super) images: BTreeMap<ImageId, Result<ContentHash, Damage>>,
    /// Further frames, each with the image that stands for its video.
    pub(super) frames: BTreeMap<ImageId, ImageId>,
    pub(super) vectors: BTreeMap<ImageId, Result<(), Damage>>,
    /// The regions of each image: their parts, and what is wrong with them.
    pub(super) regions: BTreeMap<ImageId, (Vec<u8>, Result<(), Damage>)>,
    /// Fingerprints of the maps of regions.
    pub(super) region_maps: BTreeMap<ImageId, u32>,
    /// The fingerprint that the tags of an image's regions name.
    pub(super) region_tags: BTreeMap<ImageId, Result<u32, Damage>>,
    /// What is wrong with the labels that regions are tagged with.
    pub(super) labels: Option<String>,
    /// The image that each file holds or belongs to.
    pub(super) files: BTreeMap<PathHash, Result<ImageId, Damage>>,
    /// Files that belong to their image and do not hold it.
    pub(super) companions: BTreeSet<PathHash>,
    pub(super) links: BTreeSet<(ImageId, PathHash)>,
    pub(super) content: BTreeMap<[u8; 16], Result<ImageId, Damage>>,
    pub(super) changes: BTreeMap<u64, Result<ImageId, Damage>>,
    pub(super) next_id: Result<ImageId, Damage>,
    /// Entries whose keys have another length than all keys of their table.
    pub(super) odd_keys: Vec<(Table, Vec<u8>)>,
    /// Keys of files, content and changes by the image that they are said to be of.
    pub(super) owned: Owned,
}

impl Survey {
    /// Reads a store with vectors of `dim` values, which is at a revision or beyond it.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn read(store: &Store, dim: usize, revision: u64) -> Result<Self, IndexError> {
        let mut survey = Self {
            dim,
            revision,
            images: BTreeMap::new(),
            frames: BTreeMap::new(),
            vectors: BTreeMap::new(),
            regions: BTreeMap::new(),
            region_maps: BTreeMap::new(),
            region_tags: BTreeMap::new(),
            labels: fault_of_labels(store)?,
            files: BTreeMap::new(),
            companions: BTreeSet::new(),
            links: BTreeSet::new(),
            content: BTreeMap::new(),
            changes: BTreeMap::new(),
            next_id: Ok(ImageId(0)),
            odd_keys: Vec::new(),
            owned: Owned::default(),
        };
        for table in Table::ALL {
            for entry in store.entries(table) {
                let (key, value) = entry?;
                if survey.note(table, &key, &value).is_none() {
                    survey.odd_keys.push((table, key.to_vec()));
                }
            }
            fault::nobody_waits();
        }
        let with_regions: Vec<ImageId> = survey.regions.keys().copied().collect();
        with_regions.into_iter().try_for_each(|id| survey.read_regions(store, id))?;
        Ok(survey)
    }

    /// Reads again images that changed since, oldest change first, up to some number of them. `now`
    /// is a revision that the store has reached. False if there may be more.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn catch_up(&mut self, store: &Store, now: u64) -> Result<bool, IndexError> {
        let changed = store.changes_after(self.revision, IMAGES_AT_ONCE)?;
        changed.iter().try_for_each(|&(revision, id)| self.read_again(store, id, revision))?;
        self.owned.sort_added();
        self.next_id = Ok(ImageId(0));
        self.read_value(store, Table::Meta, keys::meta::NEXT_ID)?;
        let is_all = changed.len() < IMAGES_AT_ONCE;
        self.revision = changed.last().filter(|_| !is_all).map_or(now, |(last, _)| *last);
        Ok(is_all)
    }

    /// Reads again all that was or is of an image, whose newest change is that of a revision.
    fn read_again(&mut self, store: &Store, id: ImageId, revision: u64) -> Result<(), IndexError> {
        self.images.remove(&id);
        self.frames.remove(&id);
        self.vectors.remove(&id);
        self.regions.remove(&id);
        self.region_maps.remove(&id);
        self.region_tags.remove(&id);
        let linked: Vec<_> = self.links.range((id, PathHash([0; 16]))..=(id, PathHash([0xff; 16]))).copied().collect();
        linked.iter().for_each(|link| _ = self.links.remove(link));
        let (mut files, mut content, mut changes) = self.owned.take(id);
        files.iter().for_each(|hash| _ = (self.files.remove(hash), self.companions.remove(hash)));
        content.iter().for_each(|content| _ = self.content.remove(content));
        changes.iter().for_each(|revision| _ = self.changes.remove(revision));

        self.read_value(store, Table::Images, &keys::image(id))?;
        self.read_value(store, Table::Vectors, &keys::image(id))?;
        self.read_regions(store, id)?;
        self.read_value(store, Table::RegionTags, &keys::image(id))?;
        for hash in store.files_of(id) {
            let hash = hash?;
            self.links.insert((id, hash));
            files.push(hash);
        }
        content.extend(self.images.get(&id).and_then(|content| content.as_ref().ok()).map(|content| content.0));
        changes.push(revision);
        files.iter().try_for_each(|hash| self.read_value(store, Table::Files, &hash.0))?;
        content.iter().try_for_each(|content| self.read_value(store, Table::Content, content))?;
        changes.iter().try_for_each(|revision| self.read_value(store, Table::Changes, &revision.to_be_bytes()))
    }

    fn read_value(&mut self, store: &Store, table: Table, key: &[u8]) -> Result<(), IndexError> {
        if let Some(value) = store.get(table, key)? {
            self.note(table, key, &value);
        }
        Ok(())
    }

    fn read_regions(&mut self, store: &Store, id: ImageId) -> Result<(), IndexError> {
        let values = store.region_parts(id)?;
        if !values.is_empty() {
            if let Some((0, map)) = values.first() {
                self.region_maps.insert(id, tags::fingerprint(map));
            }
            let parts = values.iter().map(|(part, _)| *part).collect();
            self.regions.insert(id, (parts, format::held(id, self.dim, &values).map(|_| ())));
        }
        Ok(())
    }

    /// `None` if the key is not one of this table.
    fn note(&mut self, table: Table, key: &[u8], value: &[u8]) -> Option<()> {
        match table {
            Table::Images => {
                let id = keys::parse_image(key)?;
                let record = records::decode_image(id, value);
                let video = record.as_ref().ok().and_then(|record| record.moment?.video);
                match video {
                    Some(video) => self.frames.insert(id, video),
                    None => self.frames.remove(&id),
                };
                self.images.insert(id, record.map(|record| record.content));
            }
            Table::Vectors => {
                let id = keys::parse_image(key)?;
                self.vectors.insert(id, records::decode_vector(id, self.dim, value).map(|_| ()));
            }
            Table::Files => {
                let hash = keys::parse_path(key)?;
                let file = records::decode_file(hash, value);
                file.iter().for_each(|file| self.owned.add_file(file.image, hash));
                match file.as_ref().is_ok_and(|file| file.role.is_companion()) {
                    true => self.companions.insert(hash),
                    false => self.companions.remove(&hash),
                };
                self.files.insert(hash, file.map(|file| file.image));
            }
            // They are decoded when all parts of an image are known.
            Table::Regions => {
                self.regions.entry(keys::parse_region(key)?.0).or_insert((Vec::new(), Ok(())));
            }
            Table::RegionTags => {
                let id = keys::parse_image(key)?;
                let stored = tags::StoredTags::decode(id, value);
                self.region_tags.insert(id, stored.map(|stored| stored.fingerprint));
            }
            // They are read as a set.
            Table::RegionLabels => drop(keys::parse_label(key)?),
            Table::FilesOfImage => _ = self.links.insert(keys::parse_file_of_image(key)?),
            Table::Content => {
                let (content, image) = (key.try_into().ok()?, records::decode_id(table, key, value));
                image.iter().for_each(|&id| self.owned.add_content(id, content));
                self.content.insert(content, image);
            }
            Table::Changes => {
                let (revision, image) = (keys::parse_revision(key)?, records::decode_id(table, key, value));
                image.iter().for_each(|&id| self.owned.add_change(id, revision));
                self.changes.insert(revision, image);
            }
            // Nodes are checked with their graph.
            Table::Links => drop(keys::parse_node(key)?),
            Table::Unlinked => drop(keys::parse_image(key)?),
            // What a snapshot missed is looked at when it is read.
            Table::Relinked => drop(keys::parse_step(key)?),
            Table::Meta if key == keys::meta::NEXT_ID => self.next_id = records::decode_id(table, key, value),
            // The manifest was read when the index was opened; the graph's entry is checked with
            // the graph.
            Table::Meta => {}
        }
        Some(())
    }
}

/// What is wrong with the labels that regions are tagged with.
fn fault_of_labels(store: &Store) -> Result<Option<String>, IndexError> {
    match read_labels(store) {
        Err(error @ IndexError::Corrupt { .. }) => Ok(Some(error.to_string())),
        labels => labels.map(|_| None),
    }
}
