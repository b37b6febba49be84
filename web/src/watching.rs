//! The library follows its folders while the server runs.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use glimpse_engine::{FileEvent, IngestOptions, Observer, Update, WatchControl, WatchObserver, WatchOptions};

use crate::state::AppState;

/// What watching tells.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchNote {
    /// An update came to its end.
    Updated(Update),
    /// What people should know, such as a folder that cannot be watched.
    Problem(String),
}

/// A thread that watches.
pub struct Watching {
    control: Arc<WatchControl>,
    thread: JoinHandle<()>,
}

impl Watching {
    /// Begins; `notes` hears what is done, if anybody listens.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(state: Arc<AppState>, options: WatchOptions, notes: mpsc::Sender<WatchNote>) -> io::Result<Self> {
        let control = Arc::new(WatchControl::new());
        let held = Arc::clone(&control);
        let thread = std::thread::Builder::new().name("watch".into()).spawn(move || {
            let base = IngestOptions {
                follow_links: state.follow_links,
                batch: crate::jobs::BATCH,
                on_image: state.thumbnail_indexer.hook(),
                workers: state.workers.clone(),
                ..IngestOptions::default()
            };
            state.engine.watch(&options, &base, state.pace, &held, &mut Teller(notes));
        })?;
        Ok(Self { control, thread })
    }

    /// Ends it, and waits so long at most: an update may hang on a drive that does not answer.
    pub fn stop(self, patience: Duration) {
        self.control.stop();
        let start = Instant::now();
        while !self.thread.is_finished() && start.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

struct Teller(mpsc::Sender<WatchNote>);

impl Observer for Teller {
    fn found(&mut self, _: usize, _: bool) {}

    fn event(&mut self, _: &FileEvent) {}

    fn note(&mut self, text: &str) {
        let _ = self.0.send(WatchNote::Problem(text.to_owned())); // nobody has to listen
    }
}

impl WatchObserver for Teller {
    fn updated(&mut self, update: &Update) {
        let _ = self.0.send(WatchNote::Updated(update.clone()));
    }
}
