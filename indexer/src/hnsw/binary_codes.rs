//! Vectors as one bit for each of their first components, eight side by side, so that one
//! instruction compares a word of each with the query's.

use crate::vectors::{Kernel, LikeBits, SIDE_BY_SIDE};

/// Words of a code at most. Two vectors with a cosine of 0.5 are alike in some 128 of 192 bits,
/// which hardly one of 30,000 that have nothing to do with each other is: more bits find no better
/// starts, and a search reads them all.
const MOST_WORDS: usize = 3;

/// Codes by number.
#[derive(Debug, Default, PartialEq)]
pub(super) struct BinaryCodes {
    /// Words of a code.
    words: usize,
    len: usize,
    /// Word `w` of eight codes, then word `w + 1`; the last eight may be fewer.
    blocks: Vec<u64>,
}

impl BinaryCodes {
    pub(super) fn new(dim: usize) -> Self {
        Self { words: dim.div_ceil(64).min(MOST_WORDS), ..Self::default() }
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.blocks.clear();
    }

    /// Appends the code of a vector: which of its components are above the mean's?
    pub(super) fn push(&mut self, vector: &[f32], mean: &[f32]) {
        if self.len.is_multiple_of(SIDE_BY_SIDE) {
            self.blocks.resize(self.blocks.len() + SIDE_BY_SIDE * self.words, 0);
        }
        let start = self.start(self.len);
        for (word, bits) in binary_code(vector, mean).enumerate() {
            self.blocks[start + SIDE_BY_SIDE * word] = bits;
        }
        self.len += 1;
    }

    /// Removes a code; the last takes its number.
    pub(super) fn swap_remove(&mut self, at: usize) {
        let (to, from) = (self.start(at), self.start(self.len - 1));
        for word in (0..self.words).map(|word| SIDE_BY_SIDE * word) {
            self.blocks[to + word] = self.blocks[from + word];
            self.blocks[from + word] = 0;
        }
        self.len -= 1;
        self.blocks.truncate(self.len.div_ceil(SIDE_BY_SIDE) * SIDE_BY_SIDE * self.words);
    }

    /// Leaves the `count` codes most like that of a vector in `like`, or all if there are fewer.
    pub(super) fn nearest(&self, kernel: Kernel, vector: &[f32], mean: &[f32], count: usize, like: &mut LikeBits) {
        like.reset(binary_code(vector, mean), count, self.len);
        kernel.most_alike(&self.blocks, like);
    }

    /// Bytes in memory.
    pub(super) fn memory(&self) -> usize {
        self.blocks.capacity() * size_of::<u64>()
    }

    /// Where the first word of a code stands.
    fn start(&self, at: usize) -> usize {
        at / SIDE_BY_SIDE * SIDE_BY_SIDE * self.words + at % SIDE_BY_SIDE
    }
}

/// One bit a component: is it above the mean?
fn binary_code(vector: &[f32], mean: &[f32]) -> impl Iterator<Item = u64> {
    let bit = |word: u64, (i, (value, mean)): (usize, (&f32, &f32))| word | u64::from(value > mean) << i;
    let words = vector.chunks(64).zip(mean.chunks(64)).take(MOST_WORDS);
    words.map(move |(values, means)| values.iter().zip(means).enumerate().fold(0, bit))
}
