//! A bound on memory that several threads share.

use parking_lot::{Condvar, Mutex};

/// So many bytes may be in use at once. Threads are served in the order in which they asked, so
/// that a large request is not overtaken for ever by small ones; a request beyond the whole budget
/// waits until it is alone.
#[derive(Debug)]
pub(crate) struct Budget {
    capacity: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    used: u64,
    next_ticket: u64,
    serving: u64,
}

/// A part of a [`Budget`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Budget {
    pub fn new(capacity: u64) -> Self {
        Self { capacity, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits for `bytes`.
    pub fn take(&self, bytes: u64) -> Share<'_> {
        let bytes = bytes.min(self.capacity);
        let mut state = self.state.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        while state.serving != ticket || state.used + bytes > self.capacity {
            self.changed.wait(&mut state);
        }
        state.serving += 1;
        state.used += bytes;
        drop(state);
        self.changed.notify_all();
        Share { budget: self, bytes }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.budget.state.lock().used -= self.bytes;
        self.budget.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

    use super::*;

    #[test]
    fn never_more_than_the_capacity_is_in_use() {
        let budget = Budget::new(100);
        let (used, peak, served) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8u64 {
                let (budget, used, peak, served) = (&budget, &used, &peak, &served);
                scope.spawn(move || {
                    for round in 0..200 {
                        // One request in eight is larger than the whole and counts as the whole.
                        let bytes = (thread * 37 + round * 11) % 150 + 1;
                        let share = budget.take(bytes);
                        let now = used.fetch_add(bytes.min(100), SeqCst) + bytes.min(100);
                        peak.fetch_max(now, SeqCst);
                        std::thread::yield_now();
                        used.fetch_sub(bytes.min(100), SeqCst);
                        served.fetch_add(1, SeqCst);
                        drop(share);
                    }
                });
            }
        });
        assert_eq!(served.into_inner(), 8 * 200);
        let peak = peak.into_inner();
        assert!((90..=100).contains(&peak), "{peak}");
    }
}
