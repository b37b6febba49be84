//! Tells the observer what happened, and not before it is true for good.

use std::time::{Duration, Instant};

use crate::ingest::event::{FileEvent, Observer, Summary};
use crate::{Index, IndexError};

/// A commit follows so many changes or so much time, whichever comes first.
const MOST_CHANGES: usize = 256;
const MOST_WAIT: Duration = Duration::from_secs(1);

pub(crate) struct Report<'a> {
    observer: &'a mut dyn Observer,
    /// Events whose changes are not committed yet, and events after them.
    pending: Vec<FileEvent>,
    changes: usize,
    last_commit: Instant,
    pub summary: Summary,
    told: (usize, bool),
}

impl<'a> Report<'a> {
    pub fn new(observer: &'a mut dyn Observer) -> Self {
        let (pending, summary) = (Vec::new(), Summary::default());
        Self { observer, pending, changes: 0, last_commit: Instant::now(), summary, told: (0, false) }
    }

    /// Something happened that changed nothing in the index.
    pub fn event(&mut self, event: FileEvent) {
        if self.changes == 0 { self.tell(&event) } else { self.pending.push(event) }
    }

    /// Something happened that changed the index.
    pub fn change(&mut self, event: FileEvent) {
        if self.changes == 0 {
            self.last_commit = Instant::now(); // nothing waited before this
        }
        self.changes += 1;
        self.pending.push(event);
    }

    /// The index changed in a way that nobody is told of.
    pub fn step(&mut self) {
        if self.changes == 0 {
            self.last_commit = Instant::now();
        }
        self.changes += 1;
    }

    pub fn is_commit_due(&self) -> bool {
        self.changes >= MOST_CHANGES || self.changes > 0 && self.last_commit.elapsed() >= MOST_WAIT
    }

    /// Makes all changes durable, then tells of them.
    pub fn commit(&mut self, index: &Index) -> Result<(), IndexError> {
        if self.changes > 0 {
            index.commit()?;
            index.require_fed()?;
            self.changes = 0;
            std::mem::take(&mut self.pending).iter().for_each(|event| self.tell(event));
        }
        Ok(())
    }

    pub fn found(&mut self, files: usize, complete: bool) {
        if self.told != (files, complete) {
            self.told = (files, complete);
            self.observer.found(files, complete);
        }
    }

    pub fn note(&mut self, text: &str) {
        self.observer.note(text);
    }

    pub fn linked(&mut self, done: usize, all: usize) {
        self.observer.linked(done, all);
    }

    fn tell(&mut self, event: &FileEvent) {
        let sums = &mut self.summary;
        *match event {
            FileEvent::Indexed(_) => &mut sums.indexed,
            FileEvent::Unchanged(_) => &mut sums.unchanged,
            FileEvent::Moved { .. } => &mut sums.moved,
            FileEvent::Duplicate { .. } => &mut sums.duplicate,
            FileEvent::Paired { .. } => &mut sums.paired,
            FileEvent::Skipped { .. } => &mut sums.skipped,
            FileEvent::Failed { .. } => &mut sums.failed,
            FileEvent::Missing(_) => &mut sums.missing,
            FileEvent::Pruned(_) => &mut sums.pruned,
        } += 1;
        self.observer.event(event);
    }
}
