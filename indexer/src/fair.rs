//! Reading without starving writers.

use std::time::Duration;

use parking_lot::{RwLock, RwLockReadGuard};

/// A reader waits so long behind a writer.
const PATIENCE: Duration = Duration::from_millis(200);

/// Waits behind writers that wait, so that readers whose work overlaps cannot keep a writer away
/// for ever.
///
/// On a thread of rayon's pool it passes them: such a thread may have taken up this work in the
/// middle of that of another reader, who has the lock already, and would wait for a writer who
/// waits for that reader. Elsewhere, whoever has the lock already and asks for it again gets it
/// after [`PATIENCE`] at the latest.
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    if rayon::current_thread_index().is_some() {
        return lock.read_recursive();
    }
    lock.try_read_for(PATIENCE).unwrap_or_else(|| lock.read_recursive())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_writer_comes_to_its_turn_among_readers_whose_work_overlaps() {
        let (lock, done) = (RwLock::new(()), AtomicBool::new(false));
        let waited = std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !done.load(Relaxed) {
                        let _guard = read(&lock);
                        std::thread::sleep(Duration::from_millis(20));
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(50));
            let start = Instant::now();
            let written = lock.try_write_for(Duration::from_secs(20)).is_some();
            done.store(true, Relaxed);
            written.then(|| start.elapsed())
        });
        assert!(waited.is_some_and(|waited| waited < Duration::from_secs(5)), "{waited:?}");
    }

    #[test]
    fn who_has_the_lock_gets_it_again_though_a_writer_waits() {
        let lock = RwLock::new(());
        std::thread::scope(|scope| {
            let first = read(&lock);
            let writer = scope.spawn(|| drop(lock.write()));
            std::thread::sleep(Duration::from_millis(50));
            drop(read(&lock));
            // On the pool nobody waits at all.
            let start = Instant::now();
            rayon::scope(|_| drop(read(&lock)));
            assert!(start.elapsed() < PATIENCE);
            drop(first);
            writer.join().unwrap();
        });
    }
}
