//! Sets of images and of vectors.

use std::marker::PhantomData;

use crate::{ImageId, VectorId};

/// A set of images, or of other things with small numbers, as a bitmap over these.
#[derive(Debug, Clone)]
pub struct IdSet<Id = ImageId> {
    words: Vec<u64>,
    len: usize,
    of: PhantomData<fn() -> Id>,
}

/// A set of vectors of an index.
pub type VectorSet = IdSet<VectorId>;

/// What is known by a number.
pub trait Numbered: Copy {
    /// The number.
    fn number(self) -> u64;

    /// What a number stands for.
    fn of_number(number: u64) -> Self;
}

impl Numbered for ImageId {
    fn number(self) -> u64 {
        self.0
    }

    fn of_number(number: u64) -> Self {
        Self(number)
    }
}

impl Numbered for VectorId {
    fn number(self) -> u64 {
        self.0
    }

    fn of_number(number: u64) -> Self {
        Self(number)
    }
}

impl<Id> Default for IdSet<Id> {
    fn default() -> Self {
        Self { words: Vec::new(), len: 0, of: PhantomData }
    }
}

impl IdSet {
    /// The vectors of these images as wholes.
    pub fn vectors(&self) -> VectorSet {
        IdSet { words: self.words.clone(), len: self.len, of: PhantomData }
    }
}

impl IdSet<VectorId> {
    /// Adds elements of one word, those with bits of it.
    pub(crate) fn insert_word(&mut self, place: usize, bits: u64) {
        if place >= self.words.len() {
            self.words.resize(place + 1, 0);
        }
        self.len += (bits & !self.words[place]).count_ones() as usize;
        self.words[place] |= bits;
    }
}

impl<Id: Numbered> IdSet<Id> {
    /// Adds an element; true if it was new.
    pub fn insert(&mut self, id: Id) -> bool {
        let (word, bit) = ((id.number() / 64) as usize, 1u64 << (id.number() % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.len += usize::from(new);
        new
    }

    /// Removes an element; true if it was there.
    pub fn remove(&mut self, id: Id) -> bool {
        let there = self.contains(id);
        if there {
            self.words[(id.number() / 64) as usize] &= !(1 << (id.number() % 64));
            self.len -= 1;
        }
        there
    }

    /// True if it is in the set.
    pub fn contains(&self, id: Id) -> bool {
        self.words.get((id.number() / 64) as usize).is_some_and(|word| word >> (id.number() % 64) & 1 == 1)
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// True if every element of this set is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.words.iter().enumerate().all(|(i, &word)| word & !other.words.get(i).copied().unwrap_or(0) == 0)
    }

    /// What is in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        Self::from_words(self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect())
    }

    /// What is not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let others = other.words.iter().copied().chain(std::iter::repeat(0));
        Self::from_words(self.words.iter().zip(others).map(|(a, b)| a & !b).collect())
    }

    fn from_words(words: Vec<u64>) -> Self {
        let len = words.iter().map(|word| word.count_ones() as usize).sum();
        Self { words, len, of: PhantomData }
    }

    /// The elements in rising order.
    pub fn iter(&self) -> impl Iterator<Item = Id> + '_ {
        self.words.iter().enumerate().flat_map(|(i, &word)| {
            let bits = std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)));
            bits.take_while(|&rest| rest != 0)
                .map(move |rest| Id::of_number(i as u64 * 64 + u64::from(rest.trailing_zeros())))
        })
    }
}

/// Equal if they hold the same, however far their bitmaps reach.
impl<Id: Numbered> PartialEq for IdSet<Id> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.is_subset(other)
    }
}

impl<Id: Numbered> Eq for IdSet<Id> {}

impl<Id: Numbered> FromIterator<Id> for IdSet<Id> {
    fn from_iter<I: IntoIterator<Item = Id>>(ids: I) -> Self {
        let mut set = Self::default();
        ids.into_iter().for_each(|id| {
            set.insert(id);
        });
        set
    }
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
            let mut by_words = VectorSet::default();
            a.iter().for_each(|id| by_words.insert_word((id / 64) as usize, 1 << (id % 64)));
            prop_assert_eq!(by_words, x.vectors());
            let mut emptied = x.clone();
            for &id in if_any(&a) {
                prop_assert!(emptied.remove(ImageId(id)));
                prop_assert!(!emptied.remove(ImageId(id)));
            }
            prop_assert_eq!(emptied, IdSet::default());
        }
    }
}
