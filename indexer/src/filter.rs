//! Filters on stored facts, and the sets of images that pass them.

use std::path::PathBuf;

use glimpse_encoder::image_file::Format;

use crate::ImageId;

/// Conditions that all must hold; an empty filter lets everything pass that has a file present.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Taken at or after (seconds since 1970, camera clock).
    pub taken_from: Option<i64>,
    /// Taken before.
    pub taken_before: Option<i64>,
    /// In one of these folders or below.
    pub folders: Vec<PathBuf>,
    /// Camera contains one of these, whatever the case.
    pub cameras: Vec<String>,
    /// The lens's name contains one of these, whatever the case.
    pub lenses: Vec<String>,
    /// Has one of these keywords, whatever the case.
    pub tags: Vec<String>,
    /// In one of these formats.
    pub formats: Vec<Format>,
    /// Taken inside this box.
    pub place: Option<GeoBox>,
    /// A favourite.
    pub favourite: bool,
    /// In this album, by its id. An album that is not there has no images, and a saved search has
    /// none of its own.
    pub album: Option<String>,
}

impl Filter {
    /// True if nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// True if people change what passes it, not the index.
    pub fn asks_collections(&self) -> bool {
        self.favourite || self.album.is_some()
    }
}

/// A box on the map in degrees; `west > east` crosses the date line.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct GeoBox {
    pub south: f64,
    pub west: f64,
    pub north: f64,
    pub east: f64,
}

impl GeoBox {
    /// True if the point is inside or on the border.
    pub fn contains(&self, latitude: f64, longitude: f64) -> bool {
        let east_west = if self.west <= self.east {
            (self.west..=self.east).contains(&longitude)
        } else {
            longitude >= self.west || longitude <= self.east
        };
        east_west && (self.south..=self.north).contains(&latitude)
    }
}

/// A set of images, as a bitmap over their numbers.
#[derive(Debug, Clone, Default)]
pub struct IdSet {
    words: Vec<u64>,
    len: usize,
}

impl IdSet {
    /// Adds an image; true if it was new.
    pub fn insert(&mut self, id: ImageId) -> bool {
        let (word, bit) = ((id.0 / 64) as usize, 1u64 << (id.0 % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.len += usize::from(new);
        new
    }

    /// Removes an image; true if it was there.
    pub fn remove(&mut self, id: ImageId) -> bool {
        let there = self.contains(id);
        if there {
            self.words[(id.0 / 64) as usize] &= !(1 << (id.0 % 64));
            self.len -= 1;
        }
        there
    }

    /// True if the image is in the set.
    pub fn contains(&self, id: ImageId) -> bool {
        self.words.get((id.0 / 64) as usize).is_some_and(|word| word >> (id.0 % 64) & 1 == 1)
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// True if every image of this set is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.words.iter().enumerate().all(|(i, &word)| word & !other.words.get(i).copied().unwrap_or(0) == 0)
    }

    /// The images that are in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        Self::from_words(self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect())
    }

    /// The images that are not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let others = other.words.iter().copied().chain(std::iter::repeat(0));
        Self::from_words(self.words.iter().zip(others).map(|(a, b)| a & !b).collect())
    }

    fn from_words(words: Vec<u64>) -> Self {
        let len = words.iter().map(|word| word.count_ones() as usize).sum();
        Self { words, len }
    }

    /// The images in rising order.
    pub fn iter(&self) -> impl Iterator<Item = ImageId> + '_ {
        self.words.iter().enumerate().flat_map(|(i, &word)| {
            let bits = std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)));
            bits.take_while(|&rest| rest != 0)
                .map(move |rest| ImageId(i as u64 * 64 + u64::from(rest.trailing_zeros())))
        })
    }
}

/// Equal if they hold the same images, however far their bitmaps reach.
impl PartialEq for IdSet {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.is_subset(other)
    }
}

impl Eq for IdSet {}

impl FromIterator<ImageId> for IdSet {
    fn from_iter<I: IntoIterator<Item = ImageId>>(ids: I) -> Self {
        let mut set = Self::default();
        ids.into_iter().for_each(|id| {
            set.insert(id);
        });
        set
    }
}

/// What there is to filter by, with counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facets {
    /// Cameras, most frequent first.
    pub cameras: Vec<(String, usize)>,
    /// Lenses, most frequent first.
    pub lenses: Vec<(String, usize)>,
    /// Keywords, most frequent first.
    pub tags: Vec<(String, usize)>,
    /// Formats, most frequent first.
    pub formats: Vec<(Format, usize)>,
    /// Folders that directly hold images, by path.
    pub folders: Vec<(PathBuf, usize)>,
    /// First and last date taken.
    pub taken: Option<(i64, i64)>,
    /// Images of each day on which some were taken: days since 1970, rising, and how many.
    pub days: Vec<(i64, usize)>,
    /// Images with a place.
    pub with_place: usize,
}

/// Images that lie together on the map.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Their mean, in degrees.
    pub latitude: f64,
    /// The same to the east.
    pub longitude: f64,
    /// How many there are.
    pub images: usize,
    /// The newest of them by the date taken; without dates, the one that came last.
    pub newest: ImageId,
    /// The box around them.
    pub bounds: GeoBox,
}

/// A keyword and the images that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagCount {
    /// The keyword, as it was first written.
    pub tag: String,
    /// How many images have it, in whatever case.
    pub images: usize,
    /// The newest of them by the date taken; without dates, the one that came last.
    pub newest: ImageId,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use glimpse_nonempty::if_any;
    use proptest::prelude::*;

    use super::*;

    fn set(ids: &BTreeSet<u64>) -> IdSet {
        ids.iter().map(|&id| ImageId(id)).collect()
    }

    fn ids(set: &IdSet) -> BTreeSet<u64> {
        set.iter().map(|id| id.0).collect()
    }

    proptest! {
        #[test]
        fn id_set_is_a_set(
            a in proptest::collection::btree_set(0u64..300, 0..40),
            b in proptest::collection::btree_set(0u64..300, 0..40),
        ) {
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(&ids(&x), &a);
            prop_assert_eq!(x.len(), a.len());
            prop_assert_eq!(ids(&x.intersection(&y)), a.intersection(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(ids(&x.difference(&y)), a.difference(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(x.intersection(&y).len() + x.difference(&y).len(), x.len());
            prop_assert_eq!(x.is_subset(&y), a.is_subset(&b));
            prop_assert_eq!(x == y, a == b);
            let mut emptied = x.clone();
            for &id in if_any(&a) {
                prop_assert!(emptied.remove(ImageId(id)));
                prop_assert!(!emptied.remove(ImageId(id)));
            }
            prop_assert_eq!(emptied, IdSet::default());
        }
    }

    #[test]
    fn box_may_cross_the_date_line() {
        let fiji = GeoBox { south: -20.0, west: 176.0, north: -15.0, east: -178.0 };
        assert!(fiji.contains(-17.0, 179.0) && fiji.contains(-17.0, -179.0));
        assert!(!fiji.contains(-17.0, 0.0) && !fiji.contains(10.0, 179.0));
    }
}
