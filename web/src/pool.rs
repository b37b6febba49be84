//! Threads for one kind of work, with a bounded queue: past the bound a request is refused at once
//! instead of waiting without end, and one kind of work never takes the threads of another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use actix_web::rt::time::timeout;
use crossbeam_channel::{Sender, bounded};
use glimpse_engine::Cancel;
use tokio::sync::oneshot;

use crate::error::{ApiError, Code};

type Work = Box<dyn FnOnce() + Send>;

/// Some threads and the queue before them. The threads end when the pool is dropped.
#[derive(Debug)]
pub struct Pool {
    name: &'static str,
    queue: Sender<Work>,
    running: Arc<AtomicUsize>,
    refused: AtomicU64,
    limit: Duration,
}

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
    /// Starts `threads` threads, before which at most `waiting` requests wait.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(name: &'static str, threads: usize, waiting: usize) -> std::io::Result<Self> {
        let (queue, work) = bounded::<Work>(waiting);
        let running = Arc::new(AtomicUsize::new(0));
        for _ in 0..threads {
            let (work, running) = (work.clone(), Arc::clone(&running));
            std::thread::Builder::new().name(name.to_owned()).spawn(move || {
                for work in work {
                    running.fetch_add(1, Relaxed);
                    work();
                    running.fetch_sub(1, Relaxed);
                }
            })?;
        }
        Ok(Self { name, queue, running, refused: AtomicU64::new(0), limit: USUAL_LIMIT })
    }

    /// Works on one request for so long at most, instead of [`USUAL_LIMIT`].
    #[must_use]
    pub fn lasting(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Runs `work` when its turn comes. Nothing is done for a client that has left by then, and
    /// questions to the engine are given up when it leaves later, or when the time for a request is
    /// over. Work that does not heed that, as it hangs, is not waited for much longer.
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
        if self.queue.try_send(Box::new(work)).is_err() {
            self.refused.fetch_add(1, Relaxed);
            return Err(ApiError::busy());
        }
        let answer = timeout(limit + limit / 2, answer).await.map_err(|_| {
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
    async fn a_bug_costs_one_request() {
        let pool = Pool::start("test", 1, 1).unwrap();
        assert!(pool.run(|| -> Result<(), ApiError> { panic!("a bug") }).await.is_err());
        assert_eq!(pool.run(|| Ok(5)).await.unwrap(), 5);
    }
}
