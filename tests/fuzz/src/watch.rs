//! Ends the process when an input takes too long: a call that hangs cannot be stopped otherwise.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::corpus::write_failing;

/// The input that is being read, and since when.
#[derive(Default)]
struct Current {
    input: Vec<u8>,
    since: Option<Instant>,
}

/// Watches one target from a thread of its own, until it is dropped.
pub struct Watch(Arc<Mutex<Current>>);

impl Watch {
    pub fn start(name: &'static str, patience: Duration) -> Self {
        let current = Arc::new(Mutex::new(Current::default()));
        let watched = Arc::downgrade(&current);
        thread::spawn(move || watch(&watched, name, patience));
        Self(current)
    }

    /// `input` is about to be read.
    pub fn begin(&self, input: &[u8]) {
        let mut current = lock(&self.0);
        current.input.clear();
        current.input.extend_from_slice(input);
        current.since = Some(Instant::now());
    }

    /// It was read.
    pub fn end(&self) {
        lock(&self.0).since = None;
    }
}

fn watch(watched: &Weak<Mutex<Current>>, name: &str, patience: Duration) {
    while let Some(current) = watched.upgrade() {
        let current = lock(&current);
        if current.since.is_some_and(|since| since.elapsed() > patience) {
            let kept = write_failing(name, &current.input);
            // Not by a macro, whose words a test would hold back.
            let _ = writeln!(std::io::stderr(), "{name} takes longer than {} s\n{kept}", patience.as_secs());
            std::process::abort();
        }
        drop(current);
        thread::sleep(Duration::from_millis(200));
    }
}

fn lock(current: &Mutex<Current>) -> MutexGuard<'_, Current> {
    current.lock().unwrap_or_else(PoisonError::into_inner)
}
