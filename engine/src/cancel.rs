//! Giving a question up: when its asker is gone, or when it takes too long.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::EngineError;

thread_local! {
    /// What the question on this thread goes by.
    static CURRENT: RefCell<Cancel> = RefCell::default();
}

/// Says when a question is to be given up. Clones share one flag.
///
/// Questions that are asked in [`Cancel::scope`] look at it in their loops (between images, labels,
/// batches of texts) and end with [`EngineError::Cancelled`] or [`EngineError::Timeout`] soon
/// after; nothing is changed by them. A pass of the model that is under way is finished first.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    asked: Arc<AtomicBool>,
    limit: Option<(Instant, Duration)>,
}

impl Cancel {
    /// One that waits for [`Cancel::cancel`].
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, but no later than `limit` from now.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit: Some((Instant::now(), limit)), ..self }
    }

    /// Questions in its scope end soon.
    pub fn cancel(&self) {
        self.asked.store(true, Relaxed);
    }

    /// Does `work`, whose questions to an engine on this thread go by this.
    pub fn scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _before = Before(CURRENT.replace(self.clone()));
        work()
    }

    /// What questions on this thread go by, to be taken along to others.
    pub(crate) fn current() -> Self {
        CURRENT.with_borrow(Self::clone)
    }

    /// # Errors
    /// [`EngineError::Cancelled`] or [`EngineError::Timeout`] if it is time to end.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        if self.asked.load(Relaxed) {
            return Err(EngineError::Cancelled);
        }
        match self.limit {
            Some((start, limit)) if start.elapsed() > limit => Err(EngineError::Timeout { limit }),
            _ => Ok(()),
        }
    }
}

/// Puts back what was in force before a scope, also after a panic.
struct Before(Cancel);

impl Drop for Before {
    fn drop(&mut self) {
        CURRENT.set(std::mem::take(&mut self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_holds_for_its_work_and_is_left_again() {
        let (outer, inner) = (Cancel::new(), Cancel::new().within(Duration::ZERO));
        outer.scope(|| {
            std::thread::sleep(Duration::from_millis(2));
            inner.scope(|| assert!(matches!(Cancel::current().check(), Err(EngineError::Timeout { .. }))));
            assert!(Cancel::current().check().is_ok());
            outer.cancel();
            assert!(matches!(Cancel::current().check(), Err(EngineError::Cancelled)));
        });
        assert!(Cancel::current().check().is_ok());
    }
}
