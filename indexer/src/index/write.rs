//! Writing: each public method is one atomic step.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use glimpse_encoder::dense::Regions;
use glimpse_encoder::{Embedding, EncodeError, ModelInfo};

use super::Index;
use super::step::Step;
use crate::hnsw::Progress;
use crate::regions::format::Stored;
use crate::store::keys::PathHash;
use crate::store::{GoesOn, When, records};
use crate::{Facts, FileRecord, FileRole, ImageId, ImageRecord, IndexError, Manifest};

/// How far words may lag behind commits.
const WORDS_EVERY: Duration = Duration::from_secs(10);

impl Index {
    /// # Errors
    /// [`IndexError::ReadOnly`] for a copy.
    pub(super) fn require_writable(&self) -> Result<(), IndexError> {
        match &self.copy {
            Some(copy) => Err(IndexError::ReadOnly { dir: copy.of.clone(), reason: copy.reason.clone() }),
            None => Ok(()),
        }
    }

    /// As [`Index::add_with_regions`] for an image whose regions are not known.
    ///
    /// # Errors
    /// As [`Index::add_with_regions`].
    pub fn add(&self, record: ImageRecord, vector: &[f32], file: FileRecord) -> Result<ImageId, IndexError> {
        self.add_stored(record, vector, None, file)
    }

    /// Stores a new image with its vector, its regions and first file in one atomic step. Visible
    /// to readers at once, safe against a killed process after the next [`Index::commit`].
    /// `record.id`, `file.image` and `file.role` are ignored; the image's number is returned. If
    /// the content is known already, only the file is added. The vector is brought to length 1.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`], a vector without direction, or if the store fails.
    pub fn add_with_regions(
        &self,
        record: ImageRecord,
        vector: &[f32],
        regions: &Regions,
        file: FileRecord,
    ) -> Result<ImageId, IndexError> {
        self.add_stored(record, vector, Some(self.stored(regions)?), file)
    }

    pub(crate) fn add_stored(
        &self,
        mut record: ImageRecord,
        vector: &[f32],
        regions: Option<Stored>,
        mut file: FileRecord,
    ) -> Result<ImageId, IndexError> {
        let dim = self.scan.dim();
        if vector.len() != dim {
            return Err(IndexError::WrongDimension { expected: dim, found: vector.len() });
        }
        // Scores are cosines only between unit vectors.
        let unit = Embedding::new(vector.to_vec())?;
        let vector = self.scan.encode(unit.as_slice()).ok_or(EncodeError::NotAVector { dim })?;
        let mut writer = self.writer.lock();
        let mut step = Step::new(self);
        let known = self.by_content(&record.content)?;
        let id = known.unwrap_or(ImageId(writer.next_id));
        if known.is_none() {
            record.id = id;
            self.add_own_tags(&mut record);
            self.raise_format(records::format_of(&record))?;
            records::fit(&mut record);
            step.new_image(record, vector);
            regions.map_or(Ok(()), |regions| step.put_regions(id, regions))?;
        }
        (file.image, file.role) = (id, FileRole::Primary);
        step.put_file(file)?;
        step.commit()?;
        writer.next_id = writer.next_id.max(id.0 + 1);
        Ok(id)
    }

    /// Notes, before the first record that a program of the library's age does not know, that such
    /// a program is too old for it: it would take the record for damage.
    pub(super) fn raise_format(&self, needed: u32) -> Result<(), IndexError> {
        if self.manifest.read().format >= needed {
            return Ok(());
        }
        self.put_manifest(Manifest { format: needed, ..self.manifest() })
    }

    /// Adds a file of a known image, or replaces the record of a file (touched, moved, back again,
    /// other content, another role). An image that loses the last file that held it is removed, and
    /// its companions with it.
    ///
    /// # Errors
    /// [`IndexError::NoSuchImage`], for a companion also if no other file holds the image, or if
    /// the store fails.
    pub fn put_file(&self, file: FileRecord) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        self.require(file.image)?;
        self.raise_format(if file.role.is_companion() { 2 } else { 1 })?;
        let mut step = Step::new(self);
        step.put_file(file)?;
        step.commit()
    }

    /// Replaces what files and sidecars say of an image.
    ///
    /// # Errors
    /// [`IndexError::NoSuchImage`], or if the store fails.
    pub fn set_facts(&self, id: ImageId, facts: Facts) -> Result<(), IndexError> {
        let Facts { taken, place, caption, keywords, exposure, rating } = facts;
        self.change(id, |record| {
            *record = ImageRecord { taken, place, caption, keywords, exposure, rating, ..record.clone() };
        })
    }

    /// Replaces the rating of an image.
    ///
    /// # Errors
    /// [`IndexError::NoSuchImage`], or if the store fails.
    pub fn set_rating(&self, id: ImageId, rating: Option<u8>) -> Result<(), IndexError> {
        self.change(id, |record| record.rating = rating)
    }

    /// Replaces caption and keywords of an image.
    ///
    /// # Errors
    /// [`IndexError::NoSuchImage`], or if the store fails.
    pub fn set_words(&self, id: ImageId, caption: Option<String>, keywords: Vec<String>) -> Result<(), IndexError> {
        self.change(id, |record| (record.caption, record.keywords) = (caption, keywords))
    }

    /// Replaces what the model's decoder says of an image.
    ///
    /// # Errors
    /// [`IndexError::NoSuchImage`], or if the store fails.
    pub fn set_model_caption(&self, id: ImageId, text: String) -> Result<(), IndexError> {
        self.change(id, |record| record.model_caption = Some(text))
    }

    pub(super) fn change(&self, id: ImageId, change: impl FnOnce(&mut ImageRecord)) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        let old = self.store.image(id)?.ok_or(IndexError::NoSuchImage(id))?;
        let mut record = old.clone();
        change(&mut record);
        self.add_own_tags(&mut record);
        records::fit(&mut record);
        if record == old {
            return Ok(());
        }
        self.raise_format(records::format_of(&record))?;
        let mut step = Step::new(self);
        step.replace_facts(record);
        step.commit()
    }

    /// Marks a file as missing: it is no longer found, its vector stays for its return. An unknown
    /// file is no error.
    ///
    /// # Errors
    /// If the store fails.
    pub fn mark_missing(&self, path: &Path) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        let Some(file) = self.store.file(PathHash::of(path))? else { return Ok(()) };
        let mut step = Step::new(self);
        step.put_file(FileRecord { missing: true, ..file })?;
        step.commit()
    }

    /// Forgets a file, and its image with all companions if no other file holds it. An unknown file
    /// is no error.
    ///
    /// # Errors
    /// If the store fails.
    pub fn remove_file(&self, path: &Path) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        let Some(file) = self.store.file(PathHash::of(path))? else { return Ok(()) };
        let mut step = Step::new(self);
        step.remove_file(file)?;
        step.commit()
    }

    /// Whether files of one shot are one image, as `choice` says, which is recorded; without one,
    /// as it was recorded last.
    ///
    /// # Errors
    /// If the store fails.
    pub fn choose_pairs(&self, choice: Option<bool>) -> Result<bool, IndexError> {
        let _writer = self.writer.lock();
        let manifest = self.manifest();
        if let Some(pairs) = choice.filter(|&pairs| pairs != manifest.pairs) {
            self.put_manifest(Manifest { pairs, ..manifest })?;
            return Ok(pairs);
        }
        Ok(manifest.pairs)
    }

    /// Records which model the vectors are of, one of those that give images the same.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn note_model(&self, model: &ModelInfo) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        self.put_manifest(Manifest { model: model.clone(), ..self.manifest() })
    }

    /// Records that this generation serves.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn note_promotion(&self) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        let manifest = self.manifest();
        if manifest.promoted {
            return Ok(());
        }
        self.put_manifest(Manifest { promoted: true, ..manifest })
    }

    /// As [`Index::commit`]; words of what was written are found at once, after a run that is under
    /// way has had its turn with them.
    ///
    /// # Errors
    /// As [`Index::commit`].
    pub fn commit_with_words(&self) -> Result<(), IndexError> {
        self.store.sync()?;
        let mut last = self.writer.lock_words();
        self.sync_words()?;
        *last = Some(Instant::now());
        drop(last);
        self.feed_or_note(true)
    }

    /// Makes everything written so far outlive this process and a power cut. Words follow when the
    /// last ones are some seconds old, and with [`Index::finish`].
    ///
    /// # Errors
    /// If a store fails, a full disk included: then what earlier commits confirmed is still safe,
    /// and the index must be opened anew to be written again.
    pub fn commit(&self) -> Result<(), IndexError> {
        self.store.sync()?;
        self.file_waiting_regions()?;
        // Committing words costs ten files or so; doing it at every commit of a bulk load would
        // leave their index in crumbs. After a crash they catch up.
        if let Some(mut last) = self.writer.try_lock_words()
            && last.is_none_or(|last| last.elapsed() >= WORDS_EVERY)
        {
            self.sync_words()?;
            *last = Some(Instant::now());
        }
        self.feed_or_note(false)
    }

    /// Writes files of regions in the middle of a run that adds very many, so that the store does
    /// not grow by what it will give up anyway; not where somebody is at it.
    fn file_waiting_regions(&self) -> Result<(), IndexError> {
        if self.regions.has_many_waiting()
            && let Some(_turn) = self.writer.try_lock_regions()
        {
            self.finish_read_regions(&mut |_, _| ControlFlow::Continue(()))?;
            self.pack_store(When::InRun, &mut || true)?;
        }
        Ok(())
    }

    /// Writes the store anew if its log holds little of what it has room for. Others read and write
    /// meanwhile.
    fn pack_store(&self, when: When, goes_on: &mut GoesOn<'_>) -> Result<(), IndexError> {
        if self.copy.is_none() && self.store.pack_if_wasteful(when, goes_on)? {
            self.folder.note_new_log();
        }
        Ok(())
    }

    /// As [`Index::finish_with`], to the end.
    ///
    /// # Errors
    /// If a store fails.
    pub fn finish(&self) -> Result<(), IndexError> {
        self.finish_with(&mut |_, _| ControlFlow::Continue(()))
    }

    /// After bulk changes: commits, brings words up to date, builds the graph of images and writes
    /// the files of regions, each if there are enough; with a graph there is a snapshot, which
    /// opening reads. A store that takes far more room than it needs is written anew. This may take
    /// minutes; `progress` is told how many vectors of how many are linked, then how many images of
    /// how many have their regions written, and the last again and again while the store is
    /// written; it ends the work when it breaks. Then what was there serves, and the next call goes
    /// on. Others read and write meanwhile.
    ///
    /// # Errors
    /// If a store fails.
    pub fn finish_with(&self, progress: &mut Progress<'_>) -> Result<(), IndexError> {
        let _turn = self.writer.lock_finishing();
        self.store.sync()?;
        {
            let mut last = self.writer.lock_words();
            self.sync_words()?;
            *last = Some(Instant::now());
            self.words.close_writer()?;
        }
        self.feed_all(true)?;
        let (mut last, mut is_ended) = (None, false);
        let mut watched = |done, all| {
            last = Some((done, all));
            let goes_on = progress(done, all);
            is_ended |= goes_on.is_break();
            goes_on
        };
        self.finish_graph(&mut watched)?;
        self.finish_snapshot()?;
        self.finish_regions(&mut watched)?;
        if is_ended {
            return Ok(());
        }
        self.pack_store(When::AtEnd, &mut || last.is_none_or(|(done, all)| progress(done, all).is_continue()))
    }
}
