//! Changes as they stand in the journal, and what they make.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{Album, CollectionsError, SavedSearch};
use crate::ContentHash;

/// One line of the journal. A change can be applied twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(super) enum Change {
    /// Images that become favourites, and that are none any more.
    Favourites { add: Vec<ContentHash>, remove: Vec<ContentHash> },
    /// Images that are hidden, and that are no more.
    Hidden { add: Vec<ContentHash>, remove: Vec<ContentHash> },
    /// Tags that images have from now on; none for those that lost all.
    Tags { tags: BTreeMap<ContentHash, Vec<String>> },
    /// Images that show what a text asks for, that do not, and of which nothing is said any more.
    Feedback { text: String, right: Vec<ContentHash>, wrong: Vec<ContentHash>, unsaid: Vec<ContentHash> },
    /// An album as a whole.
    Album { album: Album },
    /// What is said of an album.
    AlbumFacts { id: String, name: String, cover: Option<ContentHash>, search: Option<SavedSearch> },
    /// As [`super::AlbumImages`].
    AlbumImages {
        id: String,
        add: Vec<ContentHash>,
        remove: Vec<ContentHash>,
        order: Vec<ContentHash>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ContentHash>,
    },
    /// An album that is gone.
    AlbumRemoved { id: String },
}

/// Everything that is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Data {
    pub favourites: Arc<HashSet<ContentHash>>,
    pub hidden: Arc<HashSet<ContentHash>>,
    pub tags: BTreeMap<ContentHash, Vec<String>>,
    /// Of each text, whether images show it.
    pub feedback: BTreeMap<String, BTreeMap<ContentHash, bool>>,
    pub albums: BTreeMap<String, Arc<Album>>,
}

impl Change {
    /// What this makes of the images of an album; `None` if it is no such change.
    pub fn images_of(&self, images: &[ContentHash]) -> Option<Vec<ContentHash>> {
        let Self::AlbumImages { add, remove, order, after, .. } = self else { return None };
        let remove: HashSet<_> = remove.iter().collect();
        let mut known = HashSet::new();
        let all = images.iter().chain(add);
        let mut left: Vec<_> =
            all.filter(|content| !remove.contains(content) && known.insert(**content)).copied().collect();
        if !order.is_empty() {
            let places: HashMap<_, _> = order.iter().rev().zip((0..order.len()).rev()).collect();
            let (mut moved, stay): (Vec<_>, Vec<_>) = left.iter().partition(|content| places.contains_key(content));
            moved.sort_by_key(|content| places.get(content).copied());
            let at = after.and_then(|after| stay.iter().position(|content| *content == after)).map_or(0, |at| at + 1);
            left = [&stay[..at], &moved, &stay[at..]].concat();
        }
        Some(left)
    }
}

/// Says of images that they show a text, that they do not, or nothing any more.
pub(super) fn say(
    said: &mut BTreeMap<ContentHash, bool>,
    right: &[ContentHash],
    wrong: &[ContentHash],
    unsaid: &[ContentHash],
) {
    said.extend(right.iter().map(|image| (*image, true)));
    said.extend(wrong.iter().map(|image| (*image, false)));
    unsaid.iter().for_each(|image| _ = said.remove(image));
}

fn alter(set: &mut HashSet<ContentHash>, add: Vec<ContentHash>, remove: &[ContentHash]) {
    set.extend(add);
    remove.iter().for_each(|content| _ = set.remove(content));
}

impl Data {
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Favourites { add, remove } => alter(Arc::make_mut(&mut self.favourites), add, &remove),
            Change::Hidden { add, remove } => alter(Arc::make_mut(&mut self.hidden), add, &remove),
            Change::Tags { tags } => {
                self.tags.extend(tags);
                self.tags.retain(|_, tags| !tags.is_empty());
            }
            Change::Feedback { text, right, wrong, unsaid } => {
                let said = self.feedback.entry(text).or_default();
                say(said, &right, &wrong, &unsaid);
                self.feedback.retain(|_, said| !said.is_empty());
            }
            Change::Album { album } => _ = self.albums.insert(album.id.clone(), Arc::new(album)),
            Change::AlbumFacts { id, name, cover, search } => {
                let album = self.album_mut(&id);
                (album.name, album.cover, album.search) = (name, cover, search);
            }
            Change::AlbumImages { ref id, .. } => {
                let album = self.album_mut(id);
                album.images = change.images_of(&album.images).unwrap_or_default();
            }
            Change::AlbumRemoved { id } => _ = self.albums.remove(&id),
        }
    }

    /// The changes that make this of nothing.
    pub fn changes(&self) -> impl Iterator<Item = Change> + '_ {
        let sorted = |set: &HashSet<ContentHash>| {
            let mut all: Vec<_> = set.iter().copied().collect();
            all.sort_unstable();
            (!all.is_empty()).then_some(all)
        };
        let favourites = sorted(&self.favourites).map(|add| Change::Favourites { add, remove: Vec::new() });
        let hidden = sorted(&self.hidden).map(|add| Change::Hidden { add, remove: Vec::new() });
        let tags = (!self.tags.is_empty()).then(|| Change::Tags { tags: self.tags.clone() });
        let albums = self.albums.values().map(|album| Change::Album { album: Album::clone(album) });
        let feedback = self.feedback.iter().map(|(text, said)| {
            let of = |wanted| said.iter().filter(|(_, right)| **right == wanted).map(|(image, _)| *image).collect();
            Change::Feedback { text: text.clone(), right: of(true), wrong: of(false), unsaid: Vec::new() }
        });
        favourites.into_iter().chain(hidden).chain(tags).chain(feedback).chain(albums)
    }

    pub fn album(&self, id: &str) -> Result<Arc<Album>, CollectionsError> {
        self.albums.get(id).cloned().ok_or_else(|| CollectionsError::NoSuchAlbum(id.to_owned()))
    }

    /// An album to change. One whose making stood in a line that is lost is begun again, so that
    /// what came later is kept.
    fn album_mut(&mut self, id: &str) -> &mut Album {
        let lost = || {
            let (name, images) = (format!("Album {id}"), Vec::new());
            Arc::new(Album { id: id.to_owned(), name, cover: None, search: None, images })
        };
        Arc::make_mut(self.albums.entry(id.to_owned()).or_insert_with(lost))
    }

    /// A name for a new album that no other has.
    pub fn free_id(&self, name: &str) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_nanos());
        let id = |attempt: u32| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&now.to_le_bytes()).update(&attempt.to_le_bytes()).update(name.as_bytes());
            hasher.finalize().to_hex()[..16].to_owned()
        };
        (0..).map(id).find(|id| !self.albums.contains_key(id)).unwrap_or_default()
    }
}
