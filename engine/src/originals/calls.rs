//! Threads for calls that may not return.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Most threads: those that hang are among them.
const MOST_THREADS: usize = 128;
/// A thread without work ends after this time.
const IDLE: Duration = Duration::from_secs(10);

type Call = Box<dyn FnOnce() + Send>;

/// As many threads as calls are under way, up to a bound; threads without work wait for more.
pub(super) struct Calls(Arc<Shared>);

/// Why a call gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// It takes too long, or it panicked.
    Late,
    /// All threads are taken.
    NoThread,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Call>,
    threads: usize,
    idle: usize,
}

impl Calls {
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// What `call` gives. A call that takes longer than `time` goes on, and its answer is dropped.
    pub fn run<T: Send + 'static>(
        &self,
        time: Duration,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let (give, answer) = mpsc::sync_channel(1);
        let call = move || drop(give.try_send(call())); // who has left misses the answer
        if !self.begin(Box::new(call)) {
            return Err(NoAnswer::NoThread);
        }
        answer.recv_timeout(time).map_err(|_| NoAnswer::Late)
    }

    /// Threads, those that hang included.
    #[cfg(test)]
    pub fn threads(&self) -> usize {
        self.0.state.lock().threads
    }

    /// False if all threads hang.
    fn begin(&self, call: Call) -> bool {
        let mut state = self.0.state.lock();
        if state.idle > state.queue.len() {
            state.queue.push_back(call);
            self.0.arrived.notify_one();
            return true;
        }
        if state.threads == MOST_THREADS {
            return false;
        }
        state.threads += 1;
        drop(state);
        let shared = Arc::clone(&self.0);
        let started = std::thread::Builder::new().name("files".into()).spawn(move || shared.work(call));
        if started.is_err() {
            self.0.state.lock().threads -= 1;
        }
        started.is_ok()
    }
}

impl Shared {
    fn work(&self, first: Call) {
        let mut next = Some(first);
        while let Some(call) = next {
            drop(catch_unwind(AssertUnwindSafe(call))); // who waits for it learns that nothing came
            next = self.next();
        }
    }

    fn next(&self) -> Option<Call> {
        let mut state = self.state.lock();
        state.idle += 1;
        while state.queue.is_empty() && !self.arrived.wait_for(&mut state, IDLE).timed_out() {}
        state.idle -= 1;
        let next = state.queue.pop_front();
        state.threads -= usize::from(next.is_none());
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_hang_take_no_more_than_their_threads() {
        let calls = Calls::new();
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        for _ in 0..2 * MOST_THREADS {
            let held = Arc::clone(&held);
            let hangs = move || _ = held.lock().recv();
            assert!(calls.run(Duration::from_millis(1), hangs).is_err());
        }
        assert_eq!(calls.threads(), MOST_THREADS);
        drop(release);
        let again = (0..200).find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            calls.run(Duration::from_secs(5), || 3).ok()
        });
        assert_eq!(again, Some(3));
        assert_eq!(calls.run(Duration::from_secs(5), || -> u8 { panic!("a bug") }), Err(NoAnswer::Late));
        assert_eq!(calls.run(Duration::from_secs(5), || 4), Ok(4));
    }
}
