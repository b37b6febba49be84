//! Which tokens may come next, so that every box has an inside and every caption is made of words.

use std::ops::Range;

use super::token_ids::{COORDINATES, END, SEPARATOR};
use super::vocabulary::Vocabulary;

/// The shape of an answer.
#[derive(Debug, Clone)]
pub(super) struct Grammar {
    /// Begins with four coordinates.
    region: bool,
    /// Goes on with words, after a separator if there was a region.
    words: bool,
    coordinates: Range<u32>,
    pieces: u32,
    length: usize,
}

/// What is allowed at one place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The answer is complete.
    Nothing,
    /// One of these ids.
    Among(Range<u32>),
    /// A piece (from this id on) or the end.
    Word(u32),
}

impl Grammar {
    pub fn words(vocabulary: &Vocabulary) -> Self {
        Self::new(vocabulary, false, true)
    }

    pub fn region(vocabulary: &Vocabulary) -> Self {
        Self::new(vocabulary, true, false)
    }

    pub fn region_words(vocabulary: &Vocabulary) -> Self {
        Self::new(vocabulary, true, true)
    }

    fn new(vocabulary: &Vocabulary, region: bool, words: bool) -> Self {
        let first = vocabulary.first_coordinate();
        let coordinates = first..first + COORDINATES;
        Self { region, words, coordinates, pieces: vocabulary.first_piece(), length: vocabulary.length() }
    }

    /// What may follow `answer`, which stands behind a prefix of `before` tokens.
    pub fn next(&self, before: usize, answer: &[u32]) -> Next {
        let Range { start: first, end } = self.coordinates;
        match (self.region, answer) {
            _ if before + answer.len() >= self.length || answer.last() == Some(&END) => Next::Nothing,
            // Left and bottom leave room for right and top.
            (true, []) => Next::Among(first..end - 1),
            (true, [_]) => Next::Among(first + 1..end),
            (true, [left, _]) => Next::Among(left + 1..end),
            (true, [_, bottom, _]) => Next::Among(first..*bottom),
            (true, [_, _, _, _]) if !self.words => Next::Nothing,
            (true, [_, _, _, _]) => Next::Among(SEPARATOR..SEPARATOR + 1),
            _ => Next::Word(self.pieces),
        }
    }
}
