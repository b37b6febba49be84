//! A bound on work in progress: past it, a request is refused at once instead of waiting without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts requests that run or wait for a thread.
#[derive(Debug, Clone)]
pub struct Gate {
    busy: Arc<AtomicUsize>,
    limit: usize,
}

/// The right to work; given back when dropped.
#[derive(Debug)]
pub struct Pass(Arc<AtomicUsize>);

impl Gate {
    /// Lets `limit` requests in at a time.
    pub fn new(limit: usize) -> Self {
        Self { busy: Arc::default(), limit }
    }

    /// A pass, or `None` if too many are inside.
    pub fn enter(&self) -> Option<Pass> {
        self.busy
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |busy| (busy < self.limit).then_some(busy + 1))
            .ok()
            .map(|_| Pass(Arc::clone(&self.busy)))
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_gate_opens_again() {
        let gate = Gate::new(2);
        let (first, second) = (gate.enter(), gate.enter());
        assert!(first.is_some() && second.is_some() && gate.enter().is_none());
        drop(first);
        assert!(gate.enter().is_some());
    }
}
