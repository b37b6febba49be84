//! An album, and what can be changed of it.

use serde::{Deserialize, Serialize};

use crate::{ContentHash, ImageId};

/// Images that a person has put together, or a search that fills itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Album {
    /// Names it for good: 16 hexadecimal digits.
    pub id: String,
    /// For people.
    pub name: String,
    /// The image that stands for it, if one was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<ContentHash>,
    /// What a saved search asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<SavedSearch>,
    /// Its images in their order; none for a saved search.
    #[serde(default)]
    pub images: Vec<ContentHash>,
}

/// A search that is kept. What it says is up to whoever asks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSearch {
    /// The query as JSON.
    pub query: String,
    /// It asks for things in images, by their regions, and not for images as a whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub regions: bool,
    /// The same as an address of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the images contain that the query and the address name by number: other generations
    /// have other numbers. `None` for a search that was kept before this was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<(ImageId, ContentHash)>>,
    /// What the library held when it was last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// A moment of a library: images with this number and above are newer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The generation, in which numbers mean something.
    pub generation: String,
    /// The number that the next image gets.
    pub next: u64,
}

/// An album to make.
#[derive(Debug, Clone, Default)]
pub struct NewAlbum {
    /// For people; 400 bytes at most.
    pub name: String,
    /// Its images in their order.
    pub images: Vec<ContentHash>,
    /// Makes it a saved search, which has no images of its own.
    pub search: Option<SavedSearch>,
}

/// What to change of an album; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct AlbumChange {
    /// The new name.
    pub name: Option<String>,
    /// The image that stands for it.
    pub cover: Option<ContentHash>,
    /// Of a saved search: what has been looked at.
    pub seen: Option<Seen>,
}

/// What to change of an album's images.
#[derive(Debug, Clone, Default)]
pub struct AlbumImages {
    /// Put behind the others, if they are not in it.
    pub add: Vec<ContentHash>,
    /// Taken out.
    pub remove: Vec<ContentHash>,
    /// The order of those that it names, which come together.
    pub order: Vec<ContentHash>,
    /// The image that they come behind; without one, or if it is not in the album, they come first.
    pub after: Option<ContentHash>,
}
