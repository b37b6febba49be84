//! Whose turn it is to change the library: one run at a time, and what people ask for comes before
//! what watching does by itself.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::{EngineError, RunControl};

/// How long a run that makes way may take to stop: a batch of images, or a drive that is slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// The turn to change the library.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    running: Mutex<()>,
    /// The update that has the turn, if it is one.
    update: Mutex<Option<Arc<RunControl>>>,
    /// People wait.
    wanted: Mutex<usize>,
}

/// The turn of an update by watching.
pub(crate) struct UpdateTurn<'a> {
    turns: &'a Turns,
    running: Option<MutexGuard<'a, ()>>,
}

impl Turns {
    /// The turn for what somebody asked for; an update is stopped for it. `None` while something
    /// else that somebody asked for is under way.
    pub fn take(&self) -> Option<MutexGuard<'_, ()>> {
        let update = {
            let update = self.update.lock();
            if let Some(running) = self.running.try_lock() {
                return Some(running);
            }
            update.clone()?
        };
        *self.wanted.lock() += 1;
        update.cancel();
        let running = self.running.try_lock_for(PATIENCE);
        *self.wanted.lock() -= 1;
        running
    }

    /// The same, or why it cannot be had.
    ///
    /// # Errors
    /// [`EngineError::Busy`] while something else is under way.
    pub fn claim(&self) -> Result<MutexGuard<'_, ()>, EngineError> {
        let busy = "the library is being changed already; wait until that is done, or stop it";
        self.take().ok_or_else(|| EngineError::Busy(busy.into()))
    }

    /// The turn for an update, which stops when `control` is cancelled; `None` if it is not its
    /// turn.
    pub fn take_for_update(&self, control: &Arc<RunControl>) -> Option<UpdateTurn<'_>> {
        let mut update = self.update.lock();
        if *self.wanted.lock() > 0 {
            return None;
        }
        let running = self.running.try_lock()?;
        *update = Some(Arc::clone(control));
        Some(UpdateTurn { turns: self, running: Some(running) })
    }
}

impl Drop for UpdateTurn<'_> {
    fn drop(&mut self) {
        let mut update = self.turns.update.lock();
        *update = None;
        self.running.take();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_update_makes_way_for_what_is_asked_for() {
        let turns = Turns::default();
        let control = Arc::new(RunControl::new());
        let update = turns.take_for_update(&control).unwrap();
        assert!(turns.take_for_update(&Arc::new(RunControl::new())).is_none());
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| turns.take().is_some());
            while !control.is_cancelled() {
                std::thread::yield_now();
            }
            drop(update);
            assert!(asked.join().unwrap());
        });
        let asked = turns.take().unwrap();
        assert!(turns.take().is_none(), "one at a time");
        assert!(turns.take_for_update(&control).is_none());
        drop(asked);
        assert!(turns.take_for_update(&control).is_some());
    }
}
