//! What people keep of a library: favourites, hidden images, tags of their own, albums, and what
//! they say of answers. It belongs to no generation, and names images by their content, so that
//! another model, a repair or a new index keep it.
//!
//! All of it is in memory; each change is one line of a journal ([`journal`]), which is on the disk
//! before the change is told as done.

mod album;
mod change;
mod error;
mod feedback;
mod journal;
mod tags;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

pub use self::album::{Album, AlbumChange, AlbumImages, NewAlbum, SavedSearch, Seen};
use self::change::{Change, Data};
pub use self::error::CollectionsError;
pub use self::feedback::{Feedback, FeedbackChange, asked_alike};
use self::journal::Journal;
pub use self::tags::same_tag;
use crate::{ContentHash, ReasonCode, Refusal};

/// Most albums of a library.
pub const MAX_ALBUMS: usize = 2_000;
/// Most images of an album.
pub const MAX_ALBUM_IMAGES: usize = 200_000;
/// Longest name of an album, in bytes.
const MAX_NAME: usize = 400;
/// Longest search of an album, and its address, in bytes.
const MAX_SEARCH: usize = 64 << 10;

/// What people keep of a library. All methods may be called from any thread; changes take
/// turns.
#[derive(Debug)]
pub struct Collections {
    data: RwLock<Data>,
    journal: Mutex<Journal>,
    revision: AtomicU64,
}

impl Collections {
    /// Reads what is kept in the folder of a library; nothing is written before the first change.
    /// Damage is no error, see [`Collections::problem`].
    pub fn open(dir: &Path) -> Self {
        let (journal, data) = Journal::open(&dir.join(journal::NAME));
        Self { data: RwLock::new(data), journal: Mutex::new(journal), revision: AtomicU64::new(0) }
    }

    /// What could not be read, and what became of it; `None` if all is well.
    pub fn problem(&self) -> Option<String> {
        self.journal.lock().problem()
    }

    /// Writes the file anew without what could not be read; the damaged one is kept beside it as
    /// `collections.damaged`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn mend(&self) -> Result<(), CollectionsError> {
        let mut journal = self.journal.lock();
        journal.mend(&self.data.read())
    }

    /// Another number after every change.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// The favourites.
    pub fn favourites(&self) -> Arc<HashSet<ContentHash>> {
        Arc::clone(&self.data.read().favourites)
    }

    /// True if an image is one of them.
    pub fn is_favourite(&self, content: &ContentHash) -> bool {
        self.data.read().favourites.contains(content)
    }

    /// Makes images favourites, and others none any more; the number of favourites then.
    ///
    /// # Errors
    /// If it cannot be written; then nothing has changed.
    pub fn set_favourites(&self, add: &[ContentHash], remove: &[ContentHash]) -> Result<usize, CollectionsError> {
        self.make(|data| {
            let change = news(&data.favourites, add, remove);
            Ok(change.map(|(add, remove)| Change::Favourites { add, remove }))
        })?;
        Ok(self.data.read().favourites.len())
    }

    /// The images that are hidden.
    pub fn hidden(&self) -> Arc<HashSet<ContentHash>> {
        Arc::clone(&self.data.read().hidden)
    }

    /// True if an image is hidden.
    pub fn is_hidden(&self, content: &ContentHash) -> bool {
        self.data.read().hidden.contains(content)
    }

    /// Hides images, and shows others again; how many are hidden then.
    ///
    /// # Errors
    /// If it cannot be written; then nothing has changed.
    pub fn set_hidden(&self, add: &[ContentHash], remove: &[ContentHash]) -> Result<usize, CollectionsError> {
        self.make(|data| Ok(news(&data.hidden, add, remove).map(|(add, remove)| Change::Hidden { add, remove })))?;
        Ok(self.data.read().hidden.len())
    }

    /// All albums, by name.
    pub fn albums(&self) -> Vec<Arc<Album>> {
        let mut albums: Vec<_> = self.data.read().albums.values().cloned().collect();
        albums.sort_by_cached_key(|album| (album.name.to_lowercase(), album.id.clone()));
        albums
    }

    /// An album.
    ///
    /// # Errors
    /// [`CollectionsError::NoSuchAlbum`].
    pub fn album(&self, id: &str) -> Result<Arc<Album>, CollectionsError> {
        self.data.read().album(id)
    }

    /// Makes an album.
    ///
    /// # Errors
    /// [`CollectionsError::Refused`] for a name or a search that is too long, too many images, or a
    /// saved search with images; if it cannot be written.
    pub fn create(&self, new: NewAlbum) -> Result<Arc<Album>, CollectionsError> {
        let mut made = None;
        self.make(|data| {
            if data.albums.len() >= MAX_ALBUMS {
                let text = format!("there are {MAX_ALBUMS} albums, which is the most");
                return Err(Refusal::new(ReasonCode::TooManyAlbums, text).at_most(MAX_ALBUMS).into());
            }
            let name = named(&new.name)?;
            if let Some(search) = &new.search {
                checked(search)?;
                if !new.images.is_empty() {
                    return Err(fills_itself("give it no images"));
                }
            }
            let images = distinct(&new.images)?;
            let album = Album { id: data.free_id(&name), name, cover: None, search: new.search.clone(), images };
            made = Some(album.id.clone());
            Ok(Some(Change::Album { album }))
        })?;
        self.album(&made.unwrap_or_default())
    }

    /// Changes what is said of an album.
    ///
    /// # Errors
    /// As [`Collections::create`]; [`CollectionsError::NoSuchAlbum`].
    pub fn change(&self, id: &str, change: &AlbumChange) -> Result<Arc<Album>, CollectionsError> {
        self.make(|data| {
            let mut album = Album::clone(&*data.album(id)?);
            if let Some(name) = &change.name {
                album.name = named(name)?;
            }
            album.cover = change.cover.or(album.cover);
            if let (Some(seen), Some(search)) = (&change.seen, &mut album.search) {
                search.seen = Some(seen.clone());
            }
            let Album { id, name, cover, search, .. } = album;
            Ok(Some(Change::AlbumFacts { id, name, cover, search }))
        })?;
        self.album(id)
    }

    /// Adds images to an album and removes others, then brings those that are named in `order` into
    /// that order, behind `after` or before the others.
    ///
    /// # Errors
    /// As [`Collections::create`]; [`CollectionsError::NoSuchAlbum`].
    pub fn change_images(&self, id: &str, change: &AlbumImages) -> Result<Arc<Album>, CollectionsError> {
        self.make(|data| {
            let album = data.album(id)?;
            if album.search.is_some() && !change.add.is_empty() {
                return Err(fills_itself("no image can be added"));
            }
            let AlbumImages { add, remove, order, after } = change.clone();
            let change = Change::AlbumImages { id: id.to_owned(), add, remove, order, after };
            change.images_of(&album.images).and_then(|images| distinct(&images).ok()).ok_or_else(too_many)?;
            Ok(Some(change))
        })?;
        self.album(id)
    }

    /// Removes an album; no image is touched.
    ///
    /// # Errors
    /// [`CollectionsError::NoSuchAlbum`]; if it cannot be written.
    pub fn remove(&self, id: &str) -> Result<(), CollectionsError> {
        self.make(|data| data.album(id).map(|album| Some(Change::AlbumRemoved { id: album.id.clone() })))
    }

    /// Makes one change, if there is any: on the disk, then in memory.
    fn make(
        &self,
        change: impl FnOnce(&Data) -> Result<Option<Change>, CollectionsError>,
    ) -> Result<(), CollectionsError> {
        let mut journal = self.journal.lock();
        let Some(change) = change(&self.data.read())? else { return Ok(()) };
        journal.append(&change)?;
        self.data.write().apply(change);
        self.revision.fetch_add(1, Ordering::AcqRel);
        journal.shorten(&self.data.read());
        Ok(())
    }
}

/// What is to be added to a set and is not in it, and what is to be removed and is; `None` if
/// nothing changes.
fn news(
    set: &HashSet<ContentHash>,
    add: &[ContentHash],
    remove: &[ContentHash],
) -> Option<(Vec<ContentHash>, Vec<ContentHash>)> {
    let add: Vec<_> = add.iter().filter(|content| !set.contains(*content)).copied().collect();
    let remove: Vec<_> = remove.iter().filter(|content| set.contains(*content)).copied().collect();
    (!add.is_empty() || !remove.is_empty()).then_some((add, remove))
}

fn named(name: &str) -> Result<String, CollectionsError> {
    let name = name.trim();
    let text = match name.len() {
        0 => "an album needs a name".to_owned(),
        1..=MAX_NAME if !name.chars().any(char::is_control) => return Ok(name.to_owned()),
        1..=MAX_NAME => "the name of an album is one line of text".to_owned(),
        long => format!("the name has {long} bytes; {MAX_NAME} is the most"),
    };
    Err(Refusal::new(ReasonCode::BadName, text).at_most(MAX_NAME).into())
}

fn checked(search: &SavedSearch) -> Result<(), CollectionsError> {
    let long = search.query.len().max(search.address.as_ref().map_or(0, String::len));
    match long <= MAX_SEARCH {
        true => Ok(()),
        false => {
            let text = format!("the search has {long} bytes; {MAX_SEARCH} is the most");
            Err(Refusal::new(ReasonCode::SearchTooLong, text).at_most(MAX_SEARCH).into())
        }
    }
}

fn distinct(images: &[ContentHash]) -> Result<Vec<ContentHash>, CollectionsError> {
    let mut known = HashSet::new();
    let images: Vec<_> = images.iter().copied().filter(|content| known.insert(*content)).collect();
    if images.len() > MAX_ALBUM_IMAGES { Err(too_many()) } else { Ok(images) }
}

fn fills_itself(so: &str) -> CollectionsError {
    Refusal::new(ReasonCode::FillsItself, format!("a saved search fills itself; {so}")).into()
}

fn too_many() -> CollectionsError {
    let text = format!("an album has {MAX_ALBUM_IMAGES} images at most");
    Refusal::new(ReasonCode::AlbumFull, text).at_most(MAX_ALBUM_IMAGES).into()
}
