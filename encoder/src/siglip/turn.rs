//! One forward pass at a time, on threads of its own; texts before images.
//!
//! candle works with two pools of threads, one of which spins while it waits: two passes at once
//! would fight for the cores and finish later than one after the other. The passes also must not
//! run on the caller's rayon threads: such a thread, while it waits for its own work, may start
//! another job of the caller that waits for this very turn.
//!
//! A person waits for a typed query, which is one short pass; an index run has images for hours.
//! So a text that waits gets the next turn, and images come in shorter passes while texts are
//! about.

use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::EncodeError;

/// Whose turn it is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// Before all images that wait: texts.
    First,
    /// Images, and what is made of their tokens.
    Usual,
}

/// Passes in succession that may overtake one that waits, so that images get on while texts never
/// end.
const OVERTAKING: usize = 16;
/// How long after a text the next one is expected: who types asks again.
const TYPING: Duration = Duration::from_secs(5);

static POOL: LazyLock<Result<rayon::ThreadPool, String>> = LazyLock::new(|| {
    let name = |i| format!("encode-{i}");
    rayon::ThreadPoolBuilder::new().thread_name(name).build().map_err(|e| e.to_string())
});
static TURNS: Turns = Turns::new();

/// Runs `pass` when no other pass of this process is running, and none with more priority waits.
///
/// # Errors
/// Those of `pass`, and [`EncodeError::Backend`] if it panicked or no thread could be started.
pub(super) fn run_exclusive<T: Send>(
    stage: &'static str,
    priority: Priority,
    pass: impl FnOnce() -> Result<T, EncodeError> + Send,
) -> Result<T, EncodeError> {
    let error = |reason: String| EncodeError::Backend { stage, reason };
    let pool = POOL.as_ref().map_err(|e| error(e.clone()))?;
    let _turn = TURNS.take(priority);
    // A plain thread waits for the pool without looking for other work meanwhile; a rayon thread
    // would not.
    std::thread::scope(|scope| {
        let waiting = std::thread::Builder::new().spawn_scoped(scope, || pool.install(pass));
        waiting.map_err(|e| error(e.to_string()))?.join().unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(error(format!("panicked: {}", text.unwrap_or("no reason given"))))
        })
    })
}

/// Whether images should come in short passes: a text waits, or was there a moment ago.
pub(super) fn texts_are_about() -> bool {
    TURNS.texts_are_about(Instant::now())
}

/// A lock with two classes of waiters.
struct Turns {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug)]
struct State {
    taken: bool,
    first_waiting: usize,
    usual_waiting: usize,
    /// Turns of [`Priority::First`] in succession while others waited.
    overtaken: usize,
    /// When the last turn of [`Priority::First`] was asked for.
    last_first: Option<Instant>,
}

/// Gives the turn back when dropped.
struct Turn<'a>(&'a Turns);

impl State {
    /// Whether one who waits may take a turn that is free.
    fn admits(&self, priority: Priority) -> bool {
        let first = self.first_waiting > 0 && (self.usual_waiting == 0 || self.overtaken < OVERTAKING);
        !self.taken && first == (priority == Priority::First)
    }
}

impl Turns {
    const fn new() -> Self {
        let state = State { taken: false, first_waiting: 0, usual_waiting: 0, overtaken: 0, last_first: None };
        Self { state: Mutex::new(state), freed: Condvar::new() }
    }

    fn take(&self, priority: Priority) -> Turn<'_> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting(&mut state, priority) += 1;
        if priority == Priority::First {
            state.last_first = Some(Instant::now());
        }
        while !state.admits(priority) {
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        *waiting(&mut state, priority) -= 1;
        state.taken = true;
        state.overtaken = match priority {
            Priority::First if state.usual_waiting > 0 => state.overtaken + 1,
            _ => 0,
        };
        Turn(self)
    }

    fn texts_are_about(&self, now: Instant) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = state.last_first.is_some_and(|last| now.saturating_duration_since(last) < TYPING);
        state.first_waiting > 0 || lately
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).taken = false;
        self.0.freed.notify_all();
    }
}

fn waiting(state: &mut State, priority: Priority) -> &mut usize {
    match priority {
        Priority::First => &mut state.first_waiting,
        Priority::Usual => &mut state.usual_waiting,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rayon::prelude::*;

    use super::*;

    #[test]
    fn callers_on_rayon_threads_neither_overlap_nor_deadlock() {
        let running = AtomicUsize::new(0);
        let total: Result<usize, EncodeError> = (0..64usize)
            .into_par_iter()
            .map(|i| {
                let priority = if i % 3 == 0 { Priority::First } else { Priority::Usual };
                run_exclusive("test", priority, || {
                    assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
                    let sum: usize = (0..1000usize).into_par_iter().map(|j| j % 2 * i).sum();
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok(sum)
                })
            })
            .sum();
        assert!(matches!(total, Ok(n) if n == 500 * 63 * 64 / 2));
    }

    #[test]
    fn a_panic_is_an_error_and_the_next_turn_comes() {
        let failed = run_exclusive("test", Priority::Usual, || -> Result<(), EncodeError> { panic!("no memory") });
        assert_eq!(failed.map_err(|e| e.to_string()), Err("test: panicked: no memory".to_owned()));
        assert!(matches!(run_exclusive("test", Priority::First, || Ok(7)), Ok(7)));
    }

    /// Lets `waiters` line up while the turn is taken, then gives it back, and tells in which order
    /// they came.
    fn order(waiters: &[Priority]) -> Vec<Priority> {
        let (turns, came) = (Turns::new(), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            let held = turns.take(Priority::Usual);
            for priority in waiters {
                scope.spawn(|| {
                    let _turn = turns.take(*priority);
                    came.lock().unwrap_or_else(PoisonError::into_inner).push(*priority);
                });
            }
            let lined_up = || {
                let state = turns.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.first_waiting + state.usual_waiting == waiters.len()
            };
            while !lined_up() {
                std::thread::yield_now();
            }
            drop(held);
        });
        came.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn texts_overtake_images_that_wait() {
        use Priority::{First, Usual};
        assert_eq!(order(&[Usual, Usual, First, Usual, First]), [First, First, Usual, Usual, Usual]);
        assert_eq!(order(&[Usual, Usual]), [Usual, Usual]);
    }

    #[test]
    fn images_get_on_while_texts_never_end() {
        let mut waiters = vec![Priority::First; OVERTAKING + 5];
        waiters.push(Priority::Usual);
        let came = order(&waiters);
        assert_eq!(came.iter().position(|priority| *priority == Priority::Usual), Some(OVERTAKING));
        assert_eq!(came.len(), waiters.len());
    }

    #[test]
    fn texts_are_about_until_nobody_types() {
        let turns = Turns::new();
        let start = Instant::now();
        drop(turns.take(Priority::Usual));
        assert!(!turns.texts_are_about(start));
        drop(turns.take(Priority::First));
        assert!(turns.texts_are_about(start));
        assert!(!turns.texts_are_about(Instant::now() + TYPING));
    }
}
