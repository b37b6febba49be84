//! Feeding the server what changed: a fold over the store's changes, as words are. How far it has
//! come is written to the store after the server has taken each part, so that whatever ends in the
//! middle, the part is sent again and comes to the same.

use std::ops::ControlFlow::Continue;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::counts::{Count, RegionCounts};
use super::{Outside, regions::ImageRegions};
use crate::backend::{Row, RowFacts};
use crate::store::keys::Table;
use crate::store::{Batch, Bytes, Store, records};
use crate::{ImageId, Index, IndexError, fault};

/// Changes that are one part: some 100 KB of vectors each, where an image has regions.
const PART: usize = if cfg!(test) { 16 } else { 256 };
/// How far the server may lag behind commits while there is little to send.
const EVERY: Duration = Duration::from_secs(5);
/// Changes that a search sends before it asks. Who has more to send does so by `glimpse index`.
const BEFORE_SEARCH: usize = 4096;
/// A server that did not take what changed is not asked again for so long.
const PATIENCE: Duration = Duration::from_secs(60);
const FED: &str = "vectors-fed";

/// How far the server was fed.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Fed {
    /// [`crate::backend::VectorsAt::name`]: another's state is none.
    name: String,
    /// It holds what there was at this revision.
    pub revision: u64,
    /// Images up to here may have been sent, whether that was confirmed or not.
    sent_to: u64,
}

impl Fed {
    /// Nothing was sent to the server with this name.
    fn of(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}

/// Tells how many changes of how many are sent; ends it when it breaks.
pub(in crate::index) type Sending<'a> = dyn FnMut(usize, usize) -> std::ops::ControlFlow<()> + 'a;

/// What the store says of the server with this name; what cannot be read counts as nothing, so that
/// all is sent again.
///
/// # Errors
/// If the store fails.
pub(super) fn read_state(store: &Store, name: &str) -> Result<(Fed, RegionCounts), IndexError> {
    let fed = read_fed(store, name)?.unwrap_or_else(|| Fed::of(name));
    let mut counts = RegionCounts::default();
    for (key, value) in count_entries(store, name)? {
        if counts.decode(&key, &value).is_err() {
            return Ok((Fed { revision: 0, ..fed }, RegionCounts::default()));
        }
    }
    Ok(if fed.revision == 0 { (fed, RegionCounts::default()) } else { (fed, counts) })
}

/// Keys and values of the counts that the store has for this name: parts may be missing before
/// others.
fn count_entries(store: &Store, name: &str) -> Result<Vec<(Bytes, Bytes)>, IndexError> {
    let (first, end) = RegionCounts::keys(name);
    store.range(Table::Meta, &first, &end).collect()
}

/// Each name has a state of its own: a move that is given up leaves that of the server before it.
fn fed_key(name: &str) -> Vec<u8> {
    format!("{FED}/{name}").into_bytes()
}

/// `None` if nothing is known of what was sent.
fn read_fed(store: &Store, name: &str) -> Result<Option<Fed>, IndexError> {
    let json = match store.json(&fed_key(name), "how far the server was fed") {
        Ok(Some(json)) => json,
        Ok(None) | Err(IndexError::Corrupt { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let fed = serde_json::from_str::<Fed>(&json).ok().filter(|fed| fed.name == name);
    // A newer one than the store is that of a store that was restored from a copy.
    let newest = store.last_revision()?;
    Ok(fed.filter(|fed| fed.revision <= newest))
}

impl Outside {
    /// Keeps what the server says against what it is sent, and leaves it in peace for a while then.
    fn unless_refused(&self, send: impl FnOnce() -> Result<(), IndexError>) -> Result<(), IndexError> {
        if self.refused.lock().as_ref().is_some_and(|(when, _)| when.elapsed() < PATIENCE) {
            return Ok(());
        }
        let refused = match send() {
            Ok(()) => None,
            Err(IndexError::Vectors { reason, .. }) => Some((Instant::now(), reason)),
            Err(error) => return Err(error),
        };
        *self.refused.lock() = refused;
        Ok(())
    }
}

impl Index {
    /// Sends what changed, if that is much, or some time has passed; nothing where vectors are
    /// here.
    ///
    /// # Errors
    /// [`IndexError::Vectors`] if the server does not answer for a minute and a half.
    pub(in crate::index) fn feed_now_and_then(&self) -> Result<(), IndexError> {
        let Some(outside) = &self.outside else { return Ok(()) };
        let Some(mut last) = outside.feeding.try_lock() else { return Ok(()) };
        let behind = self.revision() - outside.fed.load(Ordering::Acquire).min(self.revision());
        if behind >= PART as u64 || last.is_none_or(|last| last.elapsed() >= EVERY) {
            self.feed(outside, false, &mut |_, _| Continue(()))?;
            *last = Some(Instant::now());
        }
        Ok(())
    }

    /// Sends all that changed; `flush` has the server put it where it belongs.
    ///
    /// # Errors
    /// [`IndexError::Vectors`].
    pub(in crate::index) fn feed_all(&self, flush: bool) -> Result<(), IndexError> {
        let Some(outside) = &self.outside else { return Ok(()) };
        let mut last = outside.feeding.lock();
        let before = outside.fed.load(Ordering::Acquire);
        self.feed(outside, false, &mut |_, _| Continue(()))?;
        *last = Some(Instant::now());
        if flush && outside.fed.load(Ordering::Acquire) > before {
            outside.backend.flush()?;
        }
        Ok(())
    }

    /// After a change that is stored, and that no answer of the server can undo: sends all that
    /// changed, or as much as [`Index::feed_now_and_then`] does. What the server says against it is
    /// kept for [`Index::require_fed`], and it is left in peace for a while.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::index) fn feed_or_note(&self, all: bool) -> Result<(), IndexError> {
        let Some(outside) = &self.outside else { return Ok(()) };
        outside.unless_refused(|| if all { self.feed_all(false) } else { self.feed_now_and_then() })
    }

    /// # Errors
    /// [`IndexError::Vectors`] if the server did not take what the last commit had for it.
    pub(crate) fn require_fed(&self) -> Result<(), IndexError> {
        let Some(outside) = &self.outside else { return Ok(()) };
        let refused = outside.refused.lock().take(); // the next commit asks again
        refused.map_or(Ok(()), |(_, reason)| Err(IndexError::Vectors { url: outside.at.url.clone(), reason }))
    }

    /// Before the first search of a process: sends what a killed one left behind, if it is little.
    /// A server that does not take it may have answers all the same.
    pub(super) fn feed_if_behind(&self, outside: &Outside) -> Result<(), IndexError> {
        outside.unless_refused(|| self.send_left_behind(outside))
    }

    fn send_left_behind(&self, outside: &Outside) -> Result<(), IndexError> {
        let is_level = outside.fed.load(Ordering::Acquire) >= self.revision();
        if is_level || outside.is_prepared.load(Ordering::Acquire) || self.require_writable().is_err() {
            return Ok(());
        }
        let Some(mut last) = outside.feeding.try_lock() else { return Ok(()) };
        let changes = self.store.changes_after(outside.fed.load(Ordering::Acquire), BEFORE_SEARCH + 1)?;
        if changes.len() <= BEFORE_SEARCH {
            self.feed(outside, false, &mut |_, _| Continue(()))?;
            *last = Some(Instant::now());
        }
        Ok(())
    }

    /// Sends everything after `fed`, part by part; the caller has the turn. `anew`: whatever was
    /// sent before. Others write meanwhile: what they change has a newer revision, and is sent
    /// again.
    pub(super) fn feed(&self, outside: &Outside, anew: bool, progress: &mut Sending<'_>) -> Result<(), IndexError> {
        self.require_writable()?;
        let kept = read_fed(&self.store, &outside.at.name)?;
        let is_unknown = kept.is_none();
        let mut fed = kept.unwrap_or_else(|| Fed::of(&outside.at.name));
        fed.revision = outside.fed.load(Ordering::Acquire);
        if !outside.is_prepared.load(Ordering::Acquire) || anew {
            let is_new = outside.backend.prepare()?;
            if is_new || anew {
                fed = Fed { revision: 0, ..fed };
                self.forget_counts(outside, &fed)?;
            }
            if !is_new && is_unknown {
                // Of a store that was restored from a copy, say: any number may have been sent.
                fed.sent_to = u64::MAX;
            }
            outside.is_prepared.store(true, Ordering::Release);
        }
        let goal = self.revision();
        let all = self.store.changes_after(fed.revision, usize::MAX)?.len();
        let mut sent = 0;
        while fed.revision < goal {
            let listed = self.revision();
            let part = self.store.changes_after(fed.revision, PART)?;
            let mut changed: Vec<ImageId> = part.iter().flat_map(|&(_, id)| self.with_own_frames(id)).collect();
            // A frame may have changed too; a server that is given a number twice keeps both.
            changed.sort_unstable();
            changed.dedup();
            // The server is never ahead of what outlives a power cut, and a number that may have
            // been sent is known before it is.
            let sent_to = changed.iter().map(|id| id.0 + 1).max().unwrap_or(0).max(fed.sent_to);
            let known = fed.sent_to;
            fed.sent_to = sent_to;
            self.write_fed(outside, &fed, &[])?;
            self.store.sync()?;
            let mut counts = Vec::with_capacity(changed.len());
            // A video has hundreds of frames.
            for some in changed.chunks(PART) {
                counts.extend(self.send(outside, some, known)?);
            }
            fault::nobody_waits();
            fed.revision = match part.last() {
                Some(&(last, _)) if part.len() == PART => last,
                _ => listed,
            };
            let parts = {
                let mut held = outside.counts.write();
                let mut parts: Vec<usize> = counts.into_iter().map(|(id, count)| held.set(id, count)).collect();
                parts.sort_unstable();
                parts.dedup();
                parts
            };
            self.write_fed(outside, &fed, &parts)?;
            outside.fed.store(fed.revision, Ordering::Release);
            sent += part.len();
            if progress(sent, all.max(sent)).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Sends images as they are now; gives their regions. Images from `known` on were never sent.
    fn send(&self, outside: &Outside, changed: &[ImageId], known: u64) -> Result<Vec<(ImageId, Count)>, IndexError> {
        let (mut rows, mut gone, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for &id in changed {
            match self.row(id)? {
                Some(row) => {
                    let largest = row.regions.iter().map(|(area, _)| *area).fold(0.0, f32::max);
                    counts.push((id, Count { regions: row.regions.len() as u8, largest }));
                    rows.push(Row { is_known: id.0 < known, ..row });
                }
                None => {
                    counts.push((id, Count::default()));
                    gone.push(id);
                }
            }
        }
        outside.backend.upsert(&rows)?;
        // Of what was never sent there is nothing to remove.
        gone.retain(|id| id.0 < known);
        if !gone.is_empty() {
            outside.backend.delete(&gone)?;
        }
        Ok(counts)
    }

    /// What the server holds of an image; `None` if it is not in the library, or has no vector that
    /// can be read.
    fn row(&self, id: ImageId) -> Result<Option<Row>, IndexError> {
        let Some(record) = self.store.image(id).ok().flatten() else { return Ok(None) };
        let Some(vector) = self.read_vector(id)? else { return Ok(None) };
        let regions = self.read_image_regions(id)?.map_or_else(Vec::new, |ImageRegions { shapes, vectors }| {
            shapes.iter().zip(vectors).map(|(shape, vector)| (shape.area, vector.decode())).collect()
        });
        // What is said of a frame is said of its video.
        let video = self.video_of(id);
        let said = if video == id { Some(record) } else { self.store.image(video).ok().flatten() };
        let Some(said) = said else { return Ok(None) };
        let files: Vec<_> = self.files_of(id)?.into_iter().filter(|file| !file.missing).collect();
        let facts = RowFacts {
            present: !files.is_empty(),
            taken: said.taken,
            folders: files.iter().filter_map(|file| file.path.parent().map(Path::to_path_buf)).collect(),
            camera: said.camera,
            format: said.format,
            place: said.place.map(|place| (place.latitude, place.longitude)),
        };
        Ok(Some(Row { id, vector: vector.decode(), regions, facts, is_known: true }))
    }

    /// An image and the further frames of the video that it stands for: they have its facts.
    fn with_own_frames(&self, id: ImageId) -> Vec<ImageId> {
        match self.video_of(id) == id {
            true => {
                let mut frames = self.frames_of(id);
                if frames.is_empty() {
                    frames.push(id); // it is gone
                }
                frames
            }
            false => vec![id],
        }
    }

    fn write_fed(&self, outside: &Outside, fed: &Fed, parts: &[usize]) -> Result<(), IndexError> {
        let json = serde_json::to_string(fed);
        let json = json.map_err(|error| self.store.corrupt("how far the server was fed".to_owned(), error))?;
        let (mut batch, key) = (Batch::default(), fed_key(&fed.name));
        batch.put(Table::Meta, &key, records::encode_json(&key, &json));
        let counts = outside.counts.read();
        for &part in parts {
            let (key, value) = counts.encode(&fed.name, part);
            batch.put(Table::Meta, &key, value);
        }
        drop(counts);
        self.store.apply(&batch)
    }

    /// Nothing was sent yet.
    fn forget_counts(&self, outside: &Outside, fed: &Fed) -> Result<(), IndexError> {
        *outside.counts.write() = RegionCounts::default();
        self.forget_feeding(&fed.name)?;
        outside.fed.store(0, Ordering::Release);
        self.write_fed(outside, fed, &[])
    }

    /// The store says nothing of the server with this name any more.
    pub(super) fn forget_feeding(&self, name: &str) -> Result<(), IndexError> {
        let mut batch = Batch::default();
        batch.remove(Table::Meta, &fed_key(name));
        for (key, _) in count_entries(&self.store, name)? {
            batch.remove(Table::Meta, &key);
        }
        self.store.apply(&batch)
    }
}
