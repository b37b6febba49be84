//! The words about images, searched with BM25. The only module that knows tantivy.
//!
//! ```text
//! words/format      what wrote the rest; anything else there and the index is made anew
//! words/meta.json   tantivy's list of segments, with the revision of the store that they hold
//! ```
//!
//! The index can be rebuilt from the store at any time, so it may be behind after a crash, and it
//! is thrown away when there is any doubt about it: [`WordIndex::committed_revision`] says from
//! where to go on.
//!
//! tantivy panics over damaged files, and aborts the process if that happens in one of its own
//! threads. So every file is compared with its checksum when the index is opened and before
//! segments are merged ([`check`]), merging is begun by us and waited for, and panics are caught
//! here.

mod check;
mod collect;
mod document;
mod fold;
mod nearest;
mod query;
mod tokenize;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use tantivy::merge_policy::{LogMergePolicy, MergePolicy, NoMergePolicy};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term};

pub use document::WordDocument;

use self::collect::TopImages;
use self::tokenize::AnyScript;
use crate::vectors::Scored;
use crate::{IdSet, ImageId, IndexError};

/// Changes whenever the fields, the words of a text or tantivy's files change.
const FORMAT: &str = "glimpse words 1, tantivy 0.27\n";
const FORMAT_FILE: &str = "format";
const TOKENIZER: &str = "any-script";
const ID: &str = "id";

/// Most words of a text that others are looked for.
const MOST_TYPED: usize = 16;

/// Memory of the writer before it writes a segment: tantivy's least.
const WRITER_BYTES: usize = 15_000_000;

/// Words of images, on disk. Reading needs no lock and sees the last commit; the writer is made
/// when it is first needed and let go by [`WordIndex::close_writer`].
pub struct WordIndex {
    dir: PathBuf,
    fields: Fields,
    opened: RwLock<Opened>,
    writer: Mutex<Option<IndexWriter>>,
    /// Something could not be read: the index must be made anew.
    doubtful: AtomicBool,
}

#[derive(Clone)]
struct Opened {
    index: tantivy::Index,
    reader: IndexReader,
}

impl std::fmt::Debug for WordIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WordIndex").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// The fields, text ones with their weight in a search.
struct Fields {
    id: Field,
    name: Field,
    folder: Field,
    camera: Field,
    date: Field,
    place: Field,
    caption: Field,
    keyword: Field,
}

impl Fields {
    fn schema() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let words = TextFieldIndexing::default()
            .set_tokenizer(TOKENIZER)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let words = TextOptions::default().set_indexing_options(words);
        let mut text = |name: &str| schema.add_text_field(name, words.clone());
        let [name, folder, camera, date] = ["name", "folder", "camera", "date"].map(&mut text);
        let [place, caption, keyword] = ["place", "caption", "keyword"].map(&mut text);
        let id = schema.add_u64_field(ID, INDEXED | FAST);
        (schema.build(), Self { id, name, folder, camera, date, place, caption, keyword })
    }

    /// What people wrote about an image counts most.
    fn weights(&self) -> [(Field, f32); 7] {
        [
            (self.keyword, 3.0),
            (self.caption, 2.5),
            (self.name, 2.0),
            (self.folder, 1.5),
            (self.date, 1.2),
            (self.camera, 1.0),
            (self.place, 1.0),
        ]
    }

    fn document(&self, words: &WordDocument) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_u64(self.id, words.id.0);
        let mut add = |field, text: &str| document.add_text(field, text);
        words.file_names.iter().for_each(|name| add(self.name, name));
        words.folders.iter().for_each(|name| add(self.folder, name));
        words.camera.iter().for_each(|camera| add(self.camera, camera));
        words.taken.and_then(document::date_words).iter().for_each(|date| add(self.date, date));
        words.place.map(document::place_words).iter().for_each(|place| add(self.place, place));
        words.caption.iter().for_each(|caption| add(self.caption, caption));
        words.keywords.iter().for_each(|keyword| add(self.keyword, keyword));
        document
    }
}

impl WordIndex {
    /// Opens the index in `dir`. One that is missing, damaged or of another version is made anew,
    /// empty, with [`WordIndex::committed_revision`] 0: the caller fills it again.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn open_or_create(dir: &Path) -> Result<Self, IndexError> {
        let opened = match check::guarded(|| Opened::open(dir)) {
            Ok(opened) => opened,
            Err(_) => Opened::anew(dir)?,
        };
        Ok(Self {
            dir: dir.to_path_buf(),
            fields: Fields::schema().1,
            opened: RwLock::new(opened),
            writer: Mutex::new(None),
            doubtful: AtomicBool::new(false),
        })
    }

    /// Throws the index away and begins an empty one, with [`WordIndex::committed_revision`] 0.
    /// Searches that are under way end with what they had.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn renew(&self) -> Result<(), IndexError> {
        let mut writer = self.writer.lock();
        // What it was at is of no use any more.
        drop(writer.take());
        *self.opened.write() = Opened::anew(&self.dir)?;
        self.doubtful.store(false, Ordering::Release);
        Ok(())
    }

    /// True if something could not be read since the index was opened or begun anew.
    pub fn is_doubtful(&self) -> bool {
        self.doubtful.load(Ordering::Acquire)
    }

    /// The revision given to the last commit; 0 if there was none.
    pub fn committed_revision(&self) -> u64 {
        let payload = self.opened().index.load_metas().ok().and_then(|meta| meta.payload);
        payload.and_then(|revision| revision.parse().ok()).unwrap_or(0)
    }

    fn opened(&self) -> Opened {
        self.opened.read().clone()
    }

    /// Every image with words, as of the last commit.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`].
    pub fn ids(&self) -> Result<IdSet, IndexError> {
        self.read(|opened| {
            let mut ids = IdSet::default();
            for segment in opened.reader.searcher().segment_readers() {
                let column = segment.fast_fields().u64(ID)?;
                segment.doc_ids_alive().filter_map(|doc| column.first(doc)).for_each(|id| {
                    ids.insert(ImageId(id));
                });
            }
            Ok(ids)
        })
    }

    /// Number of images in the index in `dir`, which is only read; `None` if it cannot be.
    pub fn count_in(dir: &Path) -> Option<usize> {
        let count = || {
            let opened = Opened::open(dir)?;
            Ok(opened.reader.searcher().num_docs())
        };
        check::guarded(count).ok().and_then(|count| usize::try_from(count).ok())
    }

    /// Reads every byte of the index.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] names the first file that is not what was written.
    pub fn check(&self) -> Result<(), IndexError> {
        self.read(|opened| opened.check(&self.dir))
    }

    /// Adds or replaces the words of an image; found after the next commit.
    ///
    /// # Errors
    /// If the writer fails, a full disk included.
    pub fn put(&self, words: &WordDocument) -> Result<(), IndexError> {
        self.write("adding words", |writer, fields| {
            writer.delete_term(Term::from_field_u64(fields.id, words.id.0));
            writer.add_document(fields.document(words)).map(drop)
        })
    }

    /// Removes the words of an image; gone after the next commit.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn remove(&self, id: ImageId) -> Result<(), IndexError> {
        self.write("removing words", |writer, fields| {
            writer.delete_term(Term::from_field_u64(fields.id, id.0));
            Ok(())
        })
    }

    /// Makes what was added and removed durable and visible, and records up to which revision of
    /// the store that is.
    ///
    /// # Errors
    /// If the writer fails, a full disk included; readers stay at the commit before.
    pub fn commit(&self, revision: u64) -> Result<(), IndexError> {
        self.write("committing words", |writer, _| {
            let mut commit = writer.prepare_commit()?;
            commit.set_payload(&revision.to_string());
            commit.commit()?;
            self.merge(writer)?;
            self.opened().reader.reload()
        })
    }

    /// Merges segments of like sizes, after a look at their checksums.
    fn merge(&self, writer: &mut IndexWriter) -> Result<(), TantivyError> {
        let index = self.opened().index;
        let segments = index.searchable_segment_metas()?;
        for candidate in LogMergePolicy::default().compute_merge_candidates(&segments) {
            let merged: Vec<_> = segments.iter().filter(|it| candidate.0.contains(&it.id())).cloned().collect();
            check::check_segments(&index, &self.dir, &merged)?;
            writer.merge(&candidate.0).wait()?;
        }
        Ok(())
    }

    /// Gives the writer's threads and memory back. What was not committed is lost.
    ///
    /// # Errors
    /// If the writer's threads failed.
    pub fn close_writer(&self) -> Result<(), IndexError> {
        let writer = self.writer.lock().take();
        let closed = check::guarded(|| writer.map_or(Ok(()), IndexWriter::wait_merging_threads));
        closed.map_err(|error| self.failure("closing the word index", &error))
    }

    /// The `k` images that fit the words best (BM25, falling, ties by id), among `allowed` if
    /// given. Any text is a question, if only an empty one.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] if the index cannot be read.
    pub fn search(&self, text: &str, k: usize, allowed: Option<&IdSet>) -> Result<Vec<Scored>, IndexError> {
        let Some(query) = query::parse(text, &self.fields.weights()) else { return Ok(Vec::new()) };
        let best = TopImages { k, allowed: allowed.cloned().map(Arc::new), id_column: ID };
        self.read(|opened| opened.reader.searcher().search(&query, &best))
    }

    /// Words of a text that no image has, each with the nearest that some have within one or two
    /// edits, folded; those without one are left out. Dates and places have no such words.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] if the index cannot be read.
    pub fn nearest_words(&self, text: &str) -> Result<Vec<(String, String)>, IndexError> {
        let Fields { name, folder, camera, caption, keyword, .. } = self.fields;
        let fields = [keyword, caption, name, folder, camera];
        self.read(|opened| {
            let searcher = opened.reader.searcher();
            let mut nearest = Vec::new();
            for typed in text.split_whitespace().take(MOST_TYPED) {
                let words = tokenize::words(typed);
                let [word] = &words[..] else { continue };
                if let Some(other) = nearest::nearest(&searcher, &fields, &word.text)? {
                    nearest.push((typed.to_owned(), other));
                }
            }
            Ok(nearest)
        })
    }

    /// Runs `work`, which reads. If it fails the index is doubtful from now on.
    fn read<T>(&self, work: impl FnOnce(&Opened) -> Result<T, TantivyError>) -> Result<T, IndexError> {
        let opened = self.opened();
        check::guarded(|| work(&opened)).map_err(|error| {
            self.doubtful.store(true, Ordering::Release);
            self.damage(&error)
        })
    }

    /// Runs `work` on the writer. One that failed is thrown away with what it had not committed, so
    /// that the next call starts afresh.
    fn write<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut IndexWriter, &Fields) -> Result<T, TantivyError>,
    ) -> Result<T, IndexError> {
        let mut slot = self.writer.lock();
        let index = self.opened().index;
        let result = check::guarded(|| {
            if let Some(writer) = &mut *slot {
                return work(writer, &self.fields);
            }
            let writer: IndexWriter = index.writer_with_num_threads(1, WRITER_BYTES)?;
            writer.set_merge_policy(Box::new(NoMergePolicy));
            // What a killed process left half written may bear the name of what this commit will
            // write.
            writer.garbage_collect_files().wait()?;
            work(slot.insert(writer), &self.fields)
        });
        result.map_err(|error| {
            *slot = None;
            self.failure(what, &error)
        })
    }

    /// An error of the writer; one that tells of damage leaves the index doubtful.
    fn failure(&self, what: &'static str, error: &TantivyError) -> IndexError {
        if check::is_damage(error) {
            self.doubtful.store(true, Ordering::Release);
            return self.damage(error);
        }
        failure(&self.dir, what, error)
    }

    fn damage(&self, reason: &impl ToString) -> IndexError {
        let what = "the word index".to_owned();
        IndexError::Corrupt { dir: self.dir.clone(), what, reason: reason.to_string() }
    }
}

impl Opened {
    /// An index that was made by this program and is as it was written.
    fn open(dir: &Path) -> Result<Self, TantivyError> {
        let format = std::fs::read_to_string(dir.join(FORMAT_FILE))?;
        if format != FORMAT {
            return Err(TantivyError::InvalidArgument(format));
        }
        let index = tantivy::Index::open_in_dir(dir)?;
        check::check_segments(&index, dir, &index.searchable_segment_metas()?)?;
        let opened = Self::with(index)?;
        check::check_counts(&opened.reader)?;
        Ok(opened)
    }

    /// An empty index in place of whatever was there.
    fn anew(dir: &Path) -> Result<Self, IndexError> {
        clear(dir).map_err(|source| IndexError::Io { path: dir.to_path_buf(), source })?;
        let create = || {
            let index = tantivy::Index::create_in_dir(dir, Fields::schema().0)?;
            // Written last: a folder that a crash left half made is made anew.
            std::fs::write(dir.join(FORMAT_FILE), FORMAT)?;
            Self::with(index)
        };
        create().map_err(|error: TantivyError| failure(dir, "making the word index", &error))
    }

    fn with(index: tantivy::Index) -> Result<Self, TantivyError> {
        if index.schema() != Fields::schema().0 {
            return Err(TantivyError::SchemaError("other fields".to_owned()));
        }
        index.tokenizers().register(TOKENIZER, AnyScript);
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { index, reader })
    }

    /// Reads every byte.
    fn check(&self, dir: &Path) -> Result<(), TantivyError> {
        check::check_segments(&self.index, dir, &self.index.searchable_segment_metas()?)?;
        check::check_counts(&self.reader)
    }
}

/// An empty folder, whatever was there.
fn clear(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => crate::create_private_dir_all(dir),
    }
}

fn failure(dir: &Path, what: &'static str, error: &TantivyError) -> IndexError {
    IndexError::Store { dir: dir.to_path_buf(), what, reason: error.to_string() }
}
