//! Whose turn it is: one writer at a time, and nobody writes while the regions are read from the
//! store.

use std::ops::{Deref, DerefMut};
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};

/// What only the writer of the moment may touch.
#[derive(Debug)]
pub(super) struct Writer {
    pub next_id: u64,
    /// When words were brought up to date last; `None` before the first time.
    pub last_words: Option<Instant>,
}

/// What writers and whoever reads the regions wait for. Taken in this order: writer, regions.
pub(super) struct Turns {
    writer: Mutex<Writer>,
    regions: Mutex<()>,
}

/// While it lives, nobody else writes or reads the regions from the store.
pub(super) struct WriterTurn<'a> {
    turns: &'a Turns,
    writer: MutexGuard<'a, Writer>,
    regions: Option<MutexGuard<'a, ()>>,
}

impl Turns {
    pub fn new(writer: Writer) -> Self {
        Self { writer: Mutex::new(writer), regions: Mutex::new(()) }
    }

    /// Waits for the writer's turn.
    pub fn lock(&self) -> WriterTurn<'_> {
        let writer = self.writer.lock();
        WriterTurn { turns: self, writer, regions: Some(self.regions.lock()) }
    }

    /// Waits for the turn to read the regions. Whoever has it takes no other.
    pub fn lock_regions(&self) -> MutexGuard<'_, ()> {
        self.regions.lock()
    }
}

impl WriterTurn<'_> {
    /// Does work that takes long and touches no regions: meanwhile they may be read, and other
    /// writers still wait.
    pub fn while_regions_may_be_read<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.regions = None;
        let done = work();
        self.regions = Some(self.turns.regions.lock());
        done
    }
}

impl Deref for WriterTurn<'_> {
    type Target = Writer;

    fn deref(&self) -> &Writer {
        &self.writer
    }
}

impl DerefMut for WriterTurn<'_> {
    fn deref_mut(&mut self) -> &mut Writer {
        &mut self.writer
    }
}
