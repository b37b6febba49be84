//! One forward pass at a time, on threads of its own.
//!
//! candle works with two pools of threads, one of which spins while it waits: two passes at once would fight for the
//! cores and finish later than one after the other. The passes also must not run on the caller's rayon threads: such a
//! thread, while it waits for its own work, may start another job of the caller that waits for this very turn.

use std::sync::{LazyLock, Mutex, PoisonError};

use crate::EncodeError;

static POOL: LazyLock<Result<rayon::ThreadPool, String>> = LazyLock::new(|| {
    let name = |i| format!("encode-{i}");
    rayon::ThreadPoolBuilder::new().thread_name(name).build().map_err(|e| e.to_string())
});
static TURN: Mutex<()> = Mutex::new(());

/// Runs `pass` when no other pass of this process is running.
///
/// # Errors
/// Those of `pass`, and [`EncodeError::Backend`] if it panicked or no thread could be started.
pub(super) fn take<T: Send>(
    stage: &'static str,
    pass: impl FnOnce() -> Result<T, EncodeError> + Send,
) -> Result<T, EncodeError> {
    let error = |reason: String| EncodeError::Backend { stage, reason };
    let pool = POOL.as_ref().map_err(|e| error(e.clone()))?;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // A plain thread waits for the pool without looking for other work meanwhile; a rayon thread would not.
    std::thread::scope(|scope| {
        let waiting = std::thread::Builder::new().spawn_scoped(scope, || pool.install(pass));
        waiting.map_err(|e| error(e.to_string()))?.join().unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(error(format!("panicked: {}", text.unwrap_or("no reason given"))))
        })
    })
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
                take("test", || {
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
        let failed = take("test", || -> Result<(), EncodeError> { panic!("no memory") });
        assert_eq!(failed.map_err(|e| e.to_string()), Err("test: panicked: no memory".to_owned()));
        assert!(matches!(take("test", || Ok(7)), Ok(7)));
    }
}
