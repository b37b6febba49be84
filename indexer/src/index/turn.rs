//! Whose turn it is. Four things are done by one at a time, and whoever does more than one of them
//! begins with the one that stands first here: to end a run of changes, to read the regions, to
//! feed the word index, and to write.
//!
//! Writing takes milliseconds. The others take minutes; they read without the writer's turn, and
//! take it for each part of what they write.

use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};

/// What only the writer of the moment may touch.
#[derive(Debug)]
pub(super) struct Writer {
    pub next_id: u64,
}

/// While it lives, nobody else writes.
pub(super) type WriterTurn<'a> = MutexGuard<'a, Writer>;

/// When words were brought up to date last; `None` before the first time.
pub(super) type LastWords = Option<Instant>;

pub(super) struct Turns {
    finishing: Mutex<()>,
    regions: Mutex<()>,
    words: Mutex<LastWords>,
    writer: Mutex<Writer>,
}

impl Turns {
    pub fn new(writer: Writer) -> Self {
        Self {
            finishing: Mutex::default(),
            regions: Mutex::default(),
            words: Mutex::default(),
            writer: Mutex::new(writer),
        }
    }

    /// Waits for the turn to end a run of changes.
    pub fn lock_finishing(&self) -> MutexGuard<'_, ()> {
        self.finishing.lock()
    }

    /// Waits for the turn to read the regions.
    pub fn lock_regions(&self) -> MutexGuard<'_, ()> {
        self.regions.lock()
    }

    /// The turn to read the regions; `None` if somebody else has it.
    pub fn try_lock_regions(&self) -> Option<MutexGuard<'_, ()>> {
        self.regions.try_lock()
    }

    /// Waits for the turn to feed the word index.
    pub fn lock_words(&self) -> MutexGuard<'_, LastWords> {
        self.words.lock()
    }

    /// The turn to feed the word index; `None` if somebody else has it.
    pub fn try_lock_words(&self) -> Option<MutexGuard<'_, LastWords>> {
        self.words.try_lock()
    }

    /// Waits for the writer's turn.
    pub fn lock(&self) -> WriterTurn<'_> {
        self.writer.lock()
    }
}
