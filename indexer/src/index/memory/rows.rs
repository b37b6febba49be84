//! Facts of images by number, in blocks that copies of the table share until one of them is
//! changed.

use std::sync::Arc;

/// Images of a block: a change copies one block at most.
const BLOCK: usize = if cfg!(test) { 16 } else { 4096 };

/// A table of rows by image number; numbers of images that went have none. Cloning it copies a
/// pointer for each block.
#[derive(Debug, Clone)]
pub(super) struct Rows<R> {
    blocks: Vec<Arc<Vec<Option<R>>>>,
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self { blocks: Vec::new() }
    }
}

impl<R: Clone> Rows<R> {
    /// Numbers from 0 that there is room for.
    pub(super) fn len(&self) -> usize {
        self.blocks.len() * BLOCK
    }

    /// One more than the largest number that has a row; 0 if none has.
    pub(super) fn end(&self) -> usize {
        let largest = |(block, rows): (usize, &Arc<Vec<Option<R>>>)| {
            rows.iter().rposition(Option::is_some).map(|row| block * BLOCK + row + 1)
        };
        self.blocks.iter().enumerate().rev().find_map(largest).unwrap_or(0)
    }

    pub(super) fn get(&self, number: usize) -> Option<&R> {
        self.blocks.get(number / BLOCK)?[number % BLOCK].as_ref()
    }

    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut R> {
        // A row that is not there is no reason to copy a block.
        self.get(number)?;
        Arc::make_mut(self.blocks.get_mut(number / BLOCK)?)[number % BLOCK].as_mut()
    }

    pub(super) fn put(&mut self, number: usize, row: R) {
        while self.len() <= number {
            self.blocks.push(Arc::new(vec![None; BLOCK]));
        }
        Arc::make_mut(&mut self.blocks[number / BLOCK])[number % BLOCK] = Some(row);
    }

    pub(super) fn remove(&mut self, number: usize) {
        if self.get(number).is_some() {
            Arc::make_mut(&mut self.blocks[number / BLOCK])[number % BLOCK] = None;
        }
    }

    /// Numbers and rows, rising.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &R)> {
        let rows = self.blocks.iter().flat_map(|block| block.iter());
        rows.enumerate().filter_map(|(number, row)| row.as_ref().map(|row| (number, row)))
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.len() * size_of::<Option<R>>()
    }
}

impl<R: Clone> From<Vec<Option<R>>> for Rows<R> {
    fn from(rows: Vec<Option<R>>) -> Self {
        let mut blocks: Vec<_> = rows.chunks(BLOCK).map(<[_]>::to_vec).collect();
        blocks.iter_mut().for_each(|block| block.resize(BLOCK, None));
        Self { blocks: blocks.into_iter().map(Arc::new).collect() }
    }
}
