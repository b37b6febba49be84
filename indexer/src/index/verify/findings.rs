//! What does not fit together in a survey, and how to mend it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::survey::Survey;
use crate::ImageId;
use crate::store::keys::{self, PathHash, Table};
use crate::store::{Batch, Store, records};

/// A problem and its cure, which is one atomic step.
pub(super) struct Finding {
    pub(super) problem: String,
    pub(super) cure: Batch,
    pub(super) mended: String,
    /// True if an image is forgotten by it.
    pub(super) forgets: bool,
}

/// All findings of a survey; the cures of all together leave nothing to be found.
pub(super) fn all(survey: &Survey, store: &Store) -> Vec<Finding> {
    let mut check = Check::new(survey, store);
    check.images();
    check.regions();
    check.region_tags();
    check.files();
    check.links();
    check.content();
    check.changes();
    check.rest();
    check.findings
}

struct Check<'a> {
    survey: &'a Survey,
    /// Asked for paths only: there may be millions, and few have problems.
    store: &'a Store,
    links: HashSet<(ImageId, PathHash)>,
    next_revision: u64,
    /// Images that stay.
    sound: BTreeSet<ImageId>,
    /// Images that go, with all their entries.
    forgotten: BTreeSet<ImageId>,
    /// Images that a cure gives a new change.
    changed: BTreeSet<ImageId>,
    findings: Vec<Finding>,
}

impl<'a> Check<'a> {
    fn new(survey: &'a Survey, store: &'a Store) -> Self {
        Self {
            survey,
            store,
            links: survey.links.iter().copied().collect(),
            next_revision: survey.changes.keys().next_back().map_or(1, |last| last + 1),
            sound: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            changed: BTreeSet::new(),
            findings: Vec::new(),
        }
    }

    /// Every image has a record, a vector, a file that holds it, and bytes of its own.
    fn images(&mut self) {
        let survey = self.survey;
        let mut owners = BTreeMap::new();
        // Frames come last: they stay if the image that stands for their video does.
        let is_frame = |id: &ImageId| survey.frames.contains_key(id);
        let images = survey.images.iter().filter(|(id, _)| !is_frame(id));
        for (&id, content) in images.chain(survey.images.iter().filter(|(id, _)| is_frame(id))) {
            let video = survey.frames.get(&id);
            let fault = match (content, survey.vectors.get(&id)) {
                (Err(damage), _) => Some(format!("the record of image {id} is damaged ({damage})")),
                (_, None) => Some(format!("image {id} has no vector")),
                (_, Some(Err(damage))) => Some(format!("the vector of image {id} is damaged ({damage})")),
                _ if video.is_some_and(|video| !self.sound.contains(video)) => {
                    Some(format!("image {id} is a frame of a video that is not there"))
                }
                _ if video.is_none() && survey.owned.files(id).is_empty() => Some(format!("image {id} has no file")),
                _ if video.is_none() && survey.owned.files(id).iter().all(|hash| survey.companions.contains(hash)) => {
                    Some(format!("image {id} has companions only, and no file that holds it"))
                }
                (Ok(content), _) => {
                    owners.insert(content.0, id).map(|other| format!("images {other} and {id} have the same bytes"))
                }
            };
            match fault {
                Some(problem) => self.forget(id, problem),
                None => {
                    self.sound.insert(id);
                }
            }
        }
        for (&id, _) in survey.vectors.iter().filter(|(id, _)| !survey.images.contains_key(id)) {
            let mut cure = Batch::default();
            cure.remove(Table::Vectors, &keys::image(id));
            self.note(format!("there is a vector of image {id}, but no image"), cure, "removed the vector");
        }
    }

    /// Regions are whole, and belong to an image. Those that are not go by themselves: they can be
    /// made anew.
    fn regions(&mut self) {
        for (&id, (parts, state)) in &self.survey.regions {
            let problem = match state {
                Err(damage) => format!("the regions of image {id} are damaged ({damage})"),
                Ok(()) if self.sound.contains(&id) => continue,
                Ok(()) if self.forgotten.contains(&id) => continue,
                Ok(()) => format!("there are regions of image {id}, but no image"),
            };
            let mut cure = Batch::default();
            parts.iter().for_each(|&part| cure.remove(Table::Regions, &keys::region(id, part)));
            // Files of regions learn of it by the change.
            self.renew_change(&mut cure, id);
            self.note(problem, cure, "removed the regions; `glimpse index --regions` makes those of images anew");
        }
    }

    /// Tags of regions are whole, and of the regions that are there.
    fn region_tags(&mut self) {
        for (&id, tags) in &self.survey.region_tags {
            let regions = self.survey.regions.get(&id).filter(|(_, state)| state.is_ok());
            let problem = match tags {
                _ if self.forgotten.contains(&id) => continue,
                Err(damage) => format!("the tags of the regions of image {id} are damaged ({damage})"),
                Ok(_) if regions.is_none() => format!("there are tags of regions of image {id}, but no regions"),
                Ok(of) if self.survey.region_maps.get(&id) != Some(of) => {
                    format!("the tags of image {id} are those of other regions")
                }
                Ok(_) => continue,
            };
            let mut cure = Batch::default();
            cure.remove_region_tags(id);
            self.note(problem, cure, "removed the tags; the next `glimpse index` makes those of images anew");
        }
        if let Some(problem) = &self.survey.labels {
            let mut cure = Batch::default();
            cure.remove(Table::Meta, keys::meta::REGION_LABELS);
            self.note(problem.clone(), cure, "removed them; `glimpse tag --regions --keep` tags regions anew");
        }
    }

    /// Drops an image, its vector and its files.
    fn forget(&mut self, id: ImageId, problem: String) {
        let mut cure = Batch::default();
        cure.remove(Table::Images, &keys::image(id));
        cure.remove(Table::Vectors, &keys::image(id));
        let parts = self.survey.regions.get(&id).map(|(parts, _)| parts.as_slice()).unwrap_or_default();
        parts.iter().for_each(|&part| cure.remove(Table::Regions, &keys::region(id, part)));
        if self.survey.region_tags.contains_key(&id) {
            cure.remove_region_tags(id);
        }
        let owned = &self.survey.owned;
        let files = owned.files(id);
        for &hash in files {
            cure.remove(Table::Files, &hash.0);
            cure.remove(Table::FilesOfImage, &keys::file_of_image(id, hash));
            self.links.remove(&(id, hash));
        }
        owned.content(id).iter().for_each(|content| cure.remove(Table::Content, content));
        self.renew_change(&mut cure, id);
        self.forgotten.insert(id);
        let names: Vec<_> = files.iter().map(|&hash| self.path(hash)).collect();
        let mended = match names.as_slice() {
            [] => format!("forgot image {id}"),
            names => format!("forgot image {id}; index {} again to get it back", names.join(", ")),
        };
        self.note(problem, cure, &mended);
        self.findings.last_mut().into_iter().for_each(|finding| finding.forgets = true);
    }

    /// Every file holds an image that is there.
    fn files(&mut self) {
        for (&hash, image) in &self.survey.files {
            let problem = match image {
                Err(damage) => format!("the record of {} is damaged ({damage})", self.path(hash)),
                Ok(id) if self.survey.images.contains_key(id) => continue,
                Ok(id) => format!("{} holds image {id}, which is not there", self.path(hash)),
            };
            let mut cure = Batch::default();
            cure.remove(Table::Files, &hash.0);
            self.note(problem, cure, "forgot the file; index its folder again to get it back");
        }
    }

    /// Files and their links from images are the same set.
    fn links(&mut self) {
        let survey = self.survey;
        let of = |&id: &ImageId| survey.owned.files(id).iter().map(move |&hash| (id, hash));
        let sound: HashSet<_> = self.sound.iter().flat_map(of).collect();
        let missing: BTreeSet<_> = sound.difference(&self.links).copied().collect();
        let surplus: BTreeSet<_> = self.links.difference(&sound).copied().collect();
        for (id, hash) in missing {
            let mut cure = Batch::default();
            cure.put(Table::FilesOfImage, &keys::file_of_image(id, hash), Vec::new());
            self.note(format!("image {id} does not list {}, which holds it", self.path(hash)), cure, "listed it");
        }
        for (id, hash) in surplus {
            let mut cure = Batch::default();
            cure.remove(Table::FilesOfImage, &keys::file_of_image(id, hash));
            let file = self.path(hash);
            self.note(format!("image {id} lists {file}, which does not hold it"), cure, "struck it off the list");
        }
    }

    /// Every image is found by its bytes, and nothing else is.
    fn content(&mut self) {
        let survey = self.survey;
        let sound: BTreeMap<_, _> =
            self.sound.iter().filter_map(|id| Some((survey.images.get(id)?.as_ref().ok()?.0, *id))).collect();
        for (content, &id) in sound.iter().filter(|(content, id)| survey.content.get(*content) != Some(&Ok(**id))) {
            let mut cure = Batch::default();
            cure.put(Table::Content, content, records::encode_id(Table::Content, content, id));
            self.note(format!("image {id} is not found by its bytes"), cure, "entered its bytes");
        }
        for (content, entry) in survey.content.iter().filter(|(content, _)| !sound.contains_key(*content)) {
            let mut cure = Batch::default();
            cure.remove(Table::Content, content);
            let problem = match entry {
                Ok(id) if self.forgotten.contains(id) => continue,
                Ok(id) => format!("bytes {} are said to be image {id}, which is not theirs", hex(content)),
                Err(damage) => format!("the entry of bytes {} is damaged ({damage})", hex(content)),
            };
            self.note(problem, cure, "removed the entry");
        }
    }

    /// Every image has exactly one newest change.
    fn changes(&mut self) {
        let survey = self.survey;
        for (&revision, entry) in &survey.changes {
            if let Err(damage) = entry {
                let mut cure = Batch::default();
                cure.remove(Table::Changes, &revision.to_be_bytes());
                self.note(format!("change {revision} is damaged ({damage})"), cure, "removed the entry");
            }
        }
        for id in self.sound.difference(&self.changed).copied().collect::<Vec<_>>() {
            match survey.owned.changes(id) {
                [] => {
                    let mut cure = Batch::default();
                    self.change(&mut cure, id);
                    self.note(format!("image {id} has no change"), cure, "entered a change");
                }
                [_] => {}
                [older @ .., _] => {
                    let mut cure = Batch::default();
                    older.iter().for_each(|revision| cure.remove(Table::Changes, &revision.to_be_bytes()));
                    self.note(format!("image {id} has more than one newest change"), cure, "removed the older ones");
                }
            }
        }
    }

    fn rest(&mut self) {
        let survey = self.survey;
        let highest = survey.images.keys().next_back().map_or(0, |id| id.0 + 1);
        if !survey.next_id.is_ok_and(|next| next.0 >= highest) {
            let (mut cure, key) = (Batch::default(), keys::meta::NEXT_ID);
            cure.put(Table::Meta, key, records::encode_id(Table::Meta, key, ImageId(highest)));
            self.note("the number of the next image is damaged".to_owned(), cure, "set it behind the highest");
        }
        for (table, key) in &survey.odd_keys {
            let mut cure = Batch::default();
            cure.remove(*table, key);
            self.note(
                format!("table {} has an entry with a key of {} bytes", table.name(), key.len()),
                cure,
                "removed it",
            );
        }
    }

    /// Enters a new change of an image in place of those that it has.
    fn renew_change(&mut self, cure: &mut Batch, id: ImageId) {
        let changes = self.survey.owned.changes(id);
        changes.iter().for_each(|revision| cure.remove(Table::Changes, &revision.to_be_bytes()));
        self.change(cure, id);
        self.changed.insert(id);
    }

    /// Enters a new change of an image.
    fn change(&mut self, cure: &mut Batch, id: ImageId) {
        let key = self.next_revision.to_be_bytes();
        cure.put(Table::Changes, &key, records::encode_id(Table::Changes, &key, id));
        self.next_revision += 1;
    }

    /// A file in words: its path if that can still be read.
    fn path(&self, hash: PathHash) -> String {
        let file = self.store.file(hash).ok().flatten();
        file.map_or_else(|| format!("the file with path hash {}", hex(&hash.0)), |file| file.path.display().to_string())
    }

    fn note(&mut self, problem: String, cure: Batch, mended: &str) {
        let mended = format!("{problem}: {mended}");
        self.findings.push(Finding { problem, cure, mended, forgets: false });
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
