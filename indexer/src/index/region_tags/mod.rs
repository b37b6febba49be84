//! Tags of regions, kept with the images: what each shows, out of a set of labels.
//!
//! They are derived of the regions and go with them, in the same step: an image whose regions are
//! made anew, or that is removed, has none, and waits to be looked at again. What there is to wait
//! for is therefore all that has regions and no tags of the set.

mod shown;

use parking_lot::RwLock;

use self::shown::Shown;
use super::Index;
use super::memory::Memory;
use crate::regions::tags::{StoredTags, decode_label, encode_label, fingerprint};
use crate::regions::{RegionLabelSet, StoredRegionTag};
use crate::store::keys::{self, Table, meta};
use crate::store::{Batch, Store, records};
use crate::{IdSet, ImageId, IndexError};

/// Labels or images that are written in one step.
const AT_ONCE: usize = 256;

/// What all images show, once somebody has asked.
#[derive(Default)]
pub(super) struct RegionTagSlot(RwLock<State>);

#[derive(Default)]
struct State {
    /// False until it was read from the store.
    is_read: bool,
    shown: Option<Shown>,
    /// Grows with each change.
    changes: u64,
}

/// What is said of the set of labels beside the labels.
#[derive(serde::Serialize, serde::Deserialize)]
struct SetEntry {
    set: u64,
    made_for: usize,
    labels: u16,
}

impl RegionTagSlot {
    /// An image has no tags any more.
    pub(super) fn forget(&self, id: ImageId) {
        let mut state = self.0.write();
        if let Some(shown) = state.shown.as_mut().filter(|shown| shown.is_known(id)) {
            shown.remove(id);
            state.changes += 1;
        }
    }

    /// What images show, all of it as the store has it.
    fn show(&self, shown: Option<Shown>) {
        let mut state = self.0.write();
        (state.is_read, state.shown) = (true, shown);
        state.changes += 1;
    }

    /// They are read again when next asked for.
    pub(super) fn clear(&self) {
        let mut state = self.0.write();
        (state.is_read, state.shown) = (false, None);
        state.changes += 1;
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.0.read().shown.as_ref().map_or(0, Shown::bytes)
    }
}

impl Batch {
    /// The tags of an image go, if it has any.
    pub(super) fn remove_region_tags(&mut self, id: ImageId) {
        self.remove(Table::RegionTags, &keys::image(id));
    }
}

impl Index {
    /// The labels that regions are tagged with; `None` if none are kept.
    ///
    /// # Errors
    /// If the store fails.
    pub fn region_labels(&self) -> Result<Option<RegionLabelSet>, IndexError> {
        self.read_region_tags()?;
        Ok(self.region_tags.0.read().shown.as_ref().map(|shown| shown.labels.clone()))
    }

    /// True if tags of regions are kept; asks for one key at most.
    ///
    /// # Errors
    /// If the store fails.
    pub fn keeps_region_tags(&self) -> Result<bool, IndexError> {
        let state = self.region_tags.0.read();
        if state.is_read {
            return Ok(state.shown.is_some());
        }
        Ok(self.store.get(Table::Meta, meta::REGION_LABELS)?.is_some())
    }

    /// The number of the set of labels, and how many images its scales were made for; `None` if no
    /// tags of regions are kept.
    ///
    /// # Errors
    /// If the store fails.
    pub fn region_label_set(&self) -> Result<Option<(u64, usize)>, IndexError> {
        self.read_region_tags()?;
        let state = self.region_tags.0.read();
        Ok(state.shown.as_ref().map(|shown| (shown.labels.set, shown.labels.made_for)))
    }

    /// The names of the labels that regions are tagged with, in their order; none if no tags are
    /// kept.
    ///
    /// # Errors
    /// If the store fails.
    pub fn region_label_names(&self) -> Result<Vec<String>, IndexError> {
        self.read_region_tags()?;
        let state = self.region_tags.0.read();
        let labels = state.shown.iter().flat_map(|shown| &shown.labels.labels);
        Ok(labels.map(|label| label.name.clone()).collect())
    }

    /// Keeps tags of these labels from now on, in place of others; all images wait to be looked at.
    /// Without labels none are kept. The caller commits.
    ///
    /// # Errors
    /// If there are more than 65,535 labels, or the store fails.
    pub fn set_region_labels(&self, labels: Option<RegionLabelSet>) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        self.require_writable()?;
        let count = labels.as_ref().map_or(0, |labels| labels.labels.len());
        let count = u16::try_from(count).map_err(|_| self.refused(format!("{count} labels are too many")))?;
        self.region_tags.show(None);
        let mut batch = Batch::default();
        batch.remove(Table::Meta, meta::REGION_LABELS);
        self.store.apply(&batch)?;
        self.store.clear_table(Table::RegionTags)?;
        self.store.clear_table(Table::RegionLabels)?;
        if let Some(labels) = &labels {
            for (places, part) in (0..count).collect::<Vec<_>>().chunks(AT_ONCE).zip(labels.labels.chunks(AT_ONCE)) {
                let mut batch = Batch::default();
                for (&place, label) in places.iter().zip(part) {
                    batch.put(Table::RegionLabels, &keys::label(place), encode_label(place, label));
                }
                self.store.apply(&batch)?;
            }
            let entry = SetEntry { set: labels.set, made_for: labels.made_for, labels: count };
            let json = serde_json::to_string(&entry).map_err(|error| self.refused(error.to_string()))?;
            let mut batch = Batch::default();
            batch.put(Table::Meta, meta::REGION_LABELS, records::encode_json(meta::REGION_LABELS, &json));
            self.store.apply(&batch)?;
        }
        self.region_tags.show(labels.map(Shown::of));
        Ok(())
    }

    /// Stores what images show, which was found at a revision of the index. Images that are gone,
    /// have changed since or have no regions are left out, and so is all if other labels are kept
    /// by now. The caller commits.
    ///
    /// # Errors
    /// If the store fails.
    pub fn put_region_tags(
        &self,
        set: u64,
        revision: u64,
        tagged: &[(ImageId, Vec<StoredRegionTag>)],
    ) -> Result<(), IndexError> {
        self.read_region_tags()?;
        let _writer = self.writer.lock();
        self.require_writable()?;
        if self.region_tags.0.read().shown.as_ref().is_none_or(|shown| shown.labels.set != set) {
            return Ok(());
        }
        let mut batch = Batch::default();
        let mut put = Vec::with_capacity(tagged.len());
        for (id, tags) in tagged {
            let is_same = self.memory.read().revision(*id).is_some_and(|changed| changed <= revision);
            let map = if is_same { self.store.get(Table::Regions, &keys::region(*id, 0))? } else { None };
            let Some(map) = map else { continue };
            let stored = StoredTags { set, fingerprint: fingerprint(&map), tags: tags.clone() };
            batch.put(Table::RegionTags, &keys::image(*id), stored.encode(*id));
            put.push((*id, tags));
        }
        self.store.apply(&batch)?;
        let mut state = self.region_tags.0.write();
        state.shown.iter_mut().for_each(|shown| put.iter().for_each(|(id, tags)| shown.put(*id, tags)));
        state.changes += 1;
        Ok(())
    }

    /// What the regions of an image show; `None` if it was not looked at with the labels that are
    /// kept.
    ///
    /// # Errors
    /// If the store fails; tags that are damaged are none.
    pub fn region_tags(&self, id: ImageId) -> Result<Option<Vec<StoredRegionTag>>, IndexError> {
        self.read_region_tags()?;
        if !self.region_tags.0.read().shown.as_ref().is_some_and(|shown| shown.is_known(id)) {
            return Ok(None);
        }
        let value = self.store.get(Table::RegionTags, &keys::image(id))?;
        Ok(value.and_then(|value| StoredTags::decode(id, &value).ok()).map(|stored| stored.tags))
    }

    /// Images with regions that were not looked at with the labels that are kept, by number.
    ///
    /// # Errors
    /// If the store fails.
    pub fn images_without_region_tags(&self) -> Result<Vec<ImageId>, IndexError> {
        self.read_region_tags()?;
        let regions = self.regions()?;
        let facts = self.facts();
        let state = self.region_tags.0.read();
        let Some(shown) = state.shown.as_ref() else { return Ok(Vec::new()) };
        let waits = |id: &ImageId| !shown.is_known(*id) && regions.has(*id);
        Ok(facts.ids().filter(waits).collect())
    }

    /// Number of images that were looked at with the labels that are kept.
    ///
    /// # Errors
    /// If the store fails.
    pub fn images_with_region_tags(&self) -> Result<usize, IndexError> {
        self.read_region_tags()?;
        Ok(self.region_tags.0.read().shown.as_ref().map_or(0, Shown::images))
    }

    /// Grows with each change of the tags of regions; equal numbers in one process mean equal
    /// answers.
    pub fn region_tag_changes(&self) -> u64 {
        self.region_tags.0.read().changes
    }

    /// Reads which images show which label, unless that is known.
    ///
    /// # Errors
    /// If the store fails. Labels that are damaged are as none: [`Index::verify`] names them.
    pub fn read_region_tags(&self) -> Result<(), IndexError> {
        if self.region_tags.0.read().is_read {
            return Ok(());
        }
        let mut state = self.region_tags.0.write();
        if !state.is_read {
            state.shown = self.stored_labels()?.map(|labels| self.stored_tags(labels)).transpose()?;
            state.is_read = true;
        }
        Ok(())
    }

    fn stored_labels(&self) -> Result<Option<RegionLabelSet>, IndexError> {
        Ok(match read_labels(&self.store) {
            Ok(labels) => labels,
            Err(IndexError::Corrupt { .. }) => None,
            Err(error) => return Err(error),
        })
    }

    fn stored_tags(&self, labels: RegionLabelSet) -> Result<Shown, IndexError> {
        let set = labels.set;
        let parts = self.store.par_images(Table::RegionTags, |start, end| {
            let mut tagged = Vec::new();
            for entry in self.store.range(Table::RegionTags, start, end) {
                let (key, value) = entry?;
                let Some(id) = keys::parse_image(&key) else { continue };
                let stored = StoredTags::decode(id, &value).ok().filter(|stored| stored.set == set);
                tagged.extend(stored.map(|stored| (id, stored.tags)));
            }
            Ok(tagged)
        })?;
        let facts = self.facts();
        let mut shown = Shown::of(labels);
        parts.into_iter().flatten().filter(|(id, _)| facts.contains(*id)).for_each(|(id, tags)| shown.put(id, &tags));
        Ok(shown)
    }

    /// The images that show one of these labels; of a frame, the image that stands for its video.
    /// What cannot be read shows nothing.
    pub(super) fn showing(&self, names: &[String]) -> IdSet {
        if self.read_region_tags().is_err() {
            return IdSet::default();
        }
        let images = self.region_tags.0.read().shown.as_ref().map(|shown| shown.showing(names)).unwrap_or_default();
        let memory = self.memory.read();
        images.into_iter().map(|id| memory.video_of(id)).collect()
    }

    /// How many of some images show each label, most frequent first.
    pub(super) fn region_tag_counts(&self, facts: &Memory, among: &IdSet) -> Vec<(String, usize)> {
        if self.read_region_tags().is_err() {
            return Vec::new();
        }
        let state = self.region_tags.0.read();
        let Some(shown) = state.shown.as_ref() else { return Vec::new() };
        let has_frames = facts.frames() > 0;
        let count = |images: &[ImageId]| match has_frames {
            false => images.iter().filter(|&&id| among.contains(id)).count(),
            true => {
                let videos: IdSet = images.iter().map(|&id| facts.video_of(id)).collect();
                videos.intersection(among).len()
            }
        };
        let counts = shown.each().map(|(name, images)| (name.to_owned(), count(images)));
        let mut counts: Vec<_> = counts.filter(|(_, images)| *images > 0).collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        counts
    }

    fn refused(&self, reason: String) -> IndexError {
        IndexError::Store { dir: self.dir.clone(), what: "keeping labels of regions", reason }
    }
}

/// The labels as they are stored.
///
/// # Errors
/// [`IndexError::Corrupt`] if one is damaged or not there, or if the store fails.
pub(super) fn read_labels(store: &Store) -> Result<Option<RegionLabelSet>, IndexError> {
    const WHAT: &str = "the set of labels of regions";
    let Some(json) = store.json(meta::REGION_LABELS, WHAT)? else { return Ok(None) };
    let entry: SetEntry = serde_json::from_str(&json).map_err(|error| store.corrupt(WHAT.to_owned(), error))?;
    let label = |place: u16| {
        let what = || format!("label {place} of regions");
        let value = store.get(Table::RegionLabels, &keys::label(place))?;
        let value = value.ok_or_else(|| store.corrupt(what(), "it is not there"))?;
        decode_label(place, &value).map_err(|damage| store.corrupt(what(), damage))
    };
    let labels = (0..entry.labels).map(label).collect::<Result<_, _>>()?;
    Ok(Some(RegionLabelSet { set: entry.set, made_for: entry.made_for, labels }))
}
