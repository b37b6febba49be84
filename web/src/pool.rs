//! Threads for one kind of work, with a bounded queue: past the bound a request is refused at once
//! instead of waiting without end, and one kind of work never takes the threads of another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use actix_web::rt::time::timeout;
use crossbeam_channel::{Receiver, Sender, bounded};
use glimpse_engine::Cancel;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::error::{ApiError, Code};

type Work = Box<dyn FnOnce() + Send>;

/// Some threads and the queue before them. The threads end when the pool is dropped.
#[derive(Debug)]
pub struct Pool {
    name: &'static str,
    queue: Sender<Work>,
    work: Receiver<Work>,
    threads: Mutex<Threads>,
    running: Arc<AtomicUsize>,
    refused: AtomicU64,
    limit: Duration,
}

/// The threads of a pool.
#[derive(Debug, Default)]
struct Threads {
    at_work: Vec<Arc<Thread>>,
    /// Threads that were given up and have not come back.
    given_up: Vec<Arc<Thread>>,
}

/// What is known of one thread.
#[derive(Debug, Default)]
struct Thread(Mutex<State>);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Waiting,
    Working(Instant),
    /// Its work does not end, and another thread has its place: it ends with its work.
    GivenUp,
    Ended,
}

/// Threads that may be given up and still be at work: each may hold a core and perhaps a gigabyte.
const MOST_GIVEN_UP: usize = 8;
/// How long a request is worked on at most, unless the pool is for longer ones.
const USUAL_LIMIT: Duration = Duration::from_secs(60);

/// Gives up the work for a request when nobody waits for its answer: actix drops a request whose
/// client has left.
struct Gone(Cancel);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Pool {
    /// Starts `count` threads, before which at most `waiting` requests wait.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(name: &'static str, count: usize, waiting: usize) -> std::io::Result<Self> {
        let (queue, work) = bounded::<Work>(waiting);
        let threads = Mutex::default();
        let pool = Self {
            name,
            queue,
            work,
            threads,
            running: Arc::default(),
            refused: AtomicU64::new(0),
            limit: USUAL_LIMIT,
        };
        for _ in 0..count {
            let thread = pool.start_thread()?;
            pool.threads.lock().at_work.push(thread);
        }
        Ok(pool)
    }

    fn start_thread(&self) -> std::io::Result<Arc<Thread>> {
        let (work, running, thread) = (self.work.clone(), Arc::clone(&self.running), Arc::<Thread>::default());
        let own = Arc::clone(&thread);
        std::thread::Builder::new().name(self.name.to_owned()).spawn(move || {
            for work in work {
                *own.0.lock() = State::Working(Instant::now());
                running.fetch_add(1, Relaxed);
                work();
                running.fetch_sub(1, Relaxed);
                let mut state = own.0.lock();
                if *state == State::GivenUp {
                    *state = State::Ended;
                    return;
                }
                *state = State::Waiting;
            }
        })?;
        Ok(thread)
    }

    /// Gives threads whose work does not end, as a decoder may on a hostile image, a successor.
    fn replace_stuck(&self) {
        let mut threads = self.threads.lock();
        let Threads { at_work, given_up } = &mut *threads;
        given_up.retain(|thread| *thread.0.lock() != State::Ended);
        for thread in at_work {
            if given_up.len() >= MOST_GIVEN_UP {
                return;
            }
            let is_stuck = matches!(*thread.0.lock(), State::Working(since) if since.elapsed() > self.stuck_after());
            if !is_stuck {
                continue;
            }
            let Ok(successor) = self.start_thread() else { return };
            *thread.0.lock() = State::GivenUp; // if it came back just now, it ends after its next work
            given_up.push(std::mem::replace(thread, successor));
        }
    }

    /// How long work that heeds its limit cannot last.
    fn stuck_after(&self) -> Duration {
        self.limit + self.limit / 4
    }

    /// How long work is waited for: questions to the engine are given up a while before.
    fn patience(&self) -> Duration {
        self.limit + self.limit / 2
    }

    /// Works on one request for so long at most, instead of [`USUAL_LIMIT`].
    #[must_use]
    pub fn lasting(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Runs `work` when its turn comes. Nothing is done for a client that has left by then, and
    /// questions to the engine are given up when it leaves later, or when the time for a request is
    /// over. Work that does not heed that, as it hangs, is not waited for much longer, and another
    /// thread takes the place of its thread.
    pub async fn run<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, ApiError> + Send + 'static,
    {
        let (give, answer) = oneshot::channel();
        let (cancel, limit) = (Cancel::new(), self.limit);
        let _gone = Gone(cancel.clone());
        let work = move || {
            if !give.is_closed() {
                let done = catch_unwind(AssertUnwindSafe(|| cancel.within(limit).scope(work)));
                let done =
                    done.unwrap_or_else(|_| Err(ApiError::internal("the request met a bug; its work was dropped")));
                drop(give.send(done)); // a client that has left misses its answer
            }
        };
        self.replace_stuck();
        if self.queue.try_send(Box::new(work)).is_err() {
            self.refused.fetch_add(1, Relaxed);
            return Err(ApiError::busy());
        }
        let answer = timeout(self.patience(), answer).await.map_err(|_| {
            let message = format!("the answer took longer than {} s", limit.as_secs());
            ApiError::new(Code::TookTooLong, message)
        })?;
        answer.map_err(|_| ApiError::internal("the request was dropped while the server stops"))?
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Requests before the threads.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Requests on the threads.
    pub fn running(&self) -> usize {
        self.running.load(Relaxed)
    }

    /// Requests refused since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::mpsc;

    use actix_web::rt;
    use glimpse_nonempty::each;

    use super::*;

    #[actix_web::test]
    async fn past_the_bound_requests_are_refused_at_once() {
        let pool = Arc::new(Pool::start("test", 1, 1).unwrap());
        let (release, held) = mpsc::channel::<()>();
        let (started, wait) = mpsc::channel::<()>();
        let first = Arc::clone(&pool);
        let first = rt::spawn(async move {
            let work = move || {
                started.send(()).unwrap();
                held.recv().unwrap();
                Ok(1)
            };
            first.run(work).await
        });
        rt::task::yield_now().await;
        wait.recv().unwrap(); // the thread is taken
        let second = Arc::clone(&pool);
        let second = rt::spawn(async move { second.run(|| Ok(2)).await });
        rt::task::yield_now().await;
        assert_eq!((pool.running(), pool.waiting()), (1, 1));
        assert_eq!(pool.run(|| Ok(3)).await.unwrap_err(), ApiError::busy());
        assert_eq!(pool.refused(), 1);
        release.send(()).unwrap();
        assert_eq!((first.await.unwrap().unwrap(), second.await.unwrap().unwrap()), (1, 2));
    }

    #[actix_web::test]
    async fn work_that_hangs_is_not_waited_for() {
        let pool = Pool::start("test", 1, 1).unwrap().lasting(Duration::from_millis(40));
        let (release, held) = mpsc::channel::<()>();
        let late = pool.run(move || Ok(held.recv().is_ok())).await.unwrap_err();
        assert_eq!(late.code(), Code::TookTooLong);
        drop(release);
        assert_eq!(pool.run(|| Ok(5)).await.unwrap(), 5);
    }

    #[actix_web::test]
    async fn work_that_never_ends_does_not_keep_its_thread_from_others() {
        let pool = Arc::new(Pool::start("test", 2, 100).unwrap().lasting(Duration::from_millis(100)));
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let hang = || {
            let (pool, held) = (Arc::clone(&pool), Arc::clone(&held));
            rt::spawn(async move { pool.run(move || Ok(held.lock().recv().is_ok())).await })
        };
        // As long as a few threads may be given up, others are served.
        while pool.threads.lock().given_up.len() < MOST_GIVEN_UP {
            for late in each([hang(), hang()]) {
                assert_eq!(late.await.unwrap().unwrap_err().code(), Code::TookTooLong);
            }
            let mut served = false;
            for _ in 0..20 {
                served = served || pool.run(|| Ok(())).await.is_ok();
            }
            assert!(served);
        }
        // No more than that: work that never ends is bounded.
        for late in each([hang(), hang()]) {
            assert!(late.await.unwrap().is_err());
        }
        assert!(pool.run(|| Ok(())).await.is_err());
        assert_eq!(pool.threads.lock().given_up.len(), MOST_GIVEN_UP);
        drop(release);
        let again = loop {
            if let Ok(again) = pool.run(|| Ok(6)).await {
                break again;
            }
        };
        assert_eq!(again, 6);
    }

    #[actix_web::test]
    async fn a_bug_costs_one_request() {
        let pool = Pool::start("test", 1, 1).unwrap();
        assert!(pool.run(|| -> Result<(), ApiError> { panic!("a bug") }).await.is_err());
        assert_eq!(pool.run(|| Ok(5)).await.unwrap(), 5);
    }
}
