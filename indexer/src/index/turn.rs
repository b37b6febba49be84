//! Whose turn it is. Three things are done by one at a time, and whoever does more than one of them begins with the one that
//! stands first here: to end a run of changes, to read the regions, and to write.
//!
//! Writing takes milliseconds. The other two take minutes; they read without the writer's turn, and take it for each part of
//! what they write.

use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};

/// What only the writer of the moment may touch.
#[derive(Debug)]
pub(super) struct Writer {
    pub next_id: u64,
    /// When words were brought up to date last; `None` before the first time.
    pub last_words: Option<Instant>,
}

/// While it lives, nobody else writes.
pub(super) type WriterTurn<'a> = MutexGuard<'a, Writer>;

pub(super) struct Turns {
    finishing: Mutex<()>,
    regions: Mutex<()>,
    writer: Mutex<Writer>,
}

impl Turns {
    pub fn new(writer: Writer) -> Self {
        Self { finishing: Mutex::default(), regions: Mutex::default(), writer: Mutex::new(writer) }
    }

    /// Waits for the turn to end a run of changes.
    pub fn lock_finishing(&self) -> MutexGuard<'_, ()> {
        self.finishing.lock()
    }

    /// Waits for the turn to read the regions.
    pub fn lock_regions(&self) -> MutexGuard<'_, ()> {
        self.regions.lock()
    }

    /// Waits for the writer's turn.
    pub fn lock(&self) -> WriterTurn<'_> {
        self.writer.lock()
    }
}
