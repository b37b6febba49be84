//! Threads for calls that may not return.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Most threads: those that hang are among them.
const MOST_THREADS: usize = 512;
/// Of these, threads that no call takes to a folder that did not answer before: however many
/// drives are away, others are served.
const RESERVED: usize = 128;
/// A thread without work ends after this time.
const IDLE: Duration = Duration::from_secs(10);

type Call = Box<dyn FnOnce() + Send>;

/// As many threads as calls are under way, up to a bound; threads without work wait for more.
pub(super) struct Calls(Arc<Shared>);

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

    /// Begins `call` on a thread: its answer comes by the receiver. `None` if all threads are
    /// taken. `is_retry` is true for a folder that did not answer before.
    pub fn begin<T: Send + 'static>(
        &self,
        is_retry: bool,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Option<Receiver<T>> {
        let (give, answer) = mpsc::sync_channel(1);
        let call = move || drop(give.try_send(call())); // who has left misses the answer
        let most = if is_retry { MOST_THREADS - RESERVED } else { MOST_THREADS };
        self.hand_over(most, Box::new(call)).then_some(answer)
    }

    /// Threads, those that hang included.
    #[cfg(test)]
    pub fn threads(&self) -> usize {
        self.0.state.lock().threads
    }

    /// False if `most` threads are taken.
    fn hand_over(&self, most: usize, call: Call) -> bool {
        let mut state = self.0.state.lock();
        if state.idle > state.queue.len() {
            state.queue.push_back(call);
            self.0.arrived.notify_one();
            return true;
        }
        if state.threads >= most {
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
    use std::time::Duration;

    use super::*;

    /// What `call` gives within `time`.
    fn run<T: Send + 'static>(calls: &Calls, time: Duration, call: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        calls.begin(false, call)?.recv_timeout(time).ok()
    }

    #[test]
    fn calls_that_hang_take_no_more_than_their_threads() {
        let calls = Calls::new();
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let hang = |is_retry| {
            let held = Arc::clone(&held);
            calls.begin(is_retry, move || _ = held.lock().recv())
        };
        for _ in 0..2 * MOST_THREADS {
            drop(hang(true));
        }
        assert_eq!(calls.threads(), MOST_THREADS - RESERVED, "tries leave threads for others");
        assert_eq!(run(&calls, Duration::from_secs(5), || 2), Some(2));
        for _ in 0..2 * MOST_THREADS {
            drop(hang(false));
        }
        assert_eq!(calls.threads(), MOST_THREADS);
        assert!(hang(false).is_none());
        drop(release);
        let again = (0..200).find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            run(&calls, Duration::from_secs(5), || 3)
        });
        assert_eq!(again, Some(3));
        assert_eq!(run(&calls, Duration::from_secs(5), || -> u8 { panic!("a bug") }), None);
        assert_eq!(run(&calls, Duration::from_secs(5), || 4), Some(4));
    }
}
