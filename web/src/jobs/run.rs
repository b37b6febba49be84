//! The run itself: what the pipeline tells becomes what clients see.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use glimpse_engine::{Engine, EngineError, FileEvent, IngestOptions, Observer, ReasonCode, TagStage};

use super::rate::Rate;
use super::view::{Failure, JobState, JobView};
use super::{Job, MOST_FAILURES};

/// Clients hear of progress this often at most.
const TELL: Duration = Duration::from_millis(200);

/// Indexes to the end and notes how it ended.
pub fn index(engine: &Engine, job: &Job, options: &IngestOptions) {
    let index = |watcher: &mut Watcher<'_>| engine.index_in_background(options, &job.control, watcher);
    watched(job, index, |view, summary| view.finish(&summary));
}

/// Tags regions to the end and notes how it ended.
pub fn tag_regions(engine: &Engine, job: &Job, labels: &[String]) {
    let tag = |watcher: &mut Watcher<'_>| {
        let mut progress = |stage, done, all| watcher.tagging(stage, done, all);
        engine.keep_region_tags_in_background(labels, &job.control, &mut progress)
    };
    watched(job, tag, |view, tagging| view.end(tagging.cancelled));
}

/// Does the work of a job, and notes how it ended.
fn watched<T>(
    job: &Job,
    work: impl FnOnce(&mut Watcher<'_>) -> Result<T, EngineError>,
    finish: impl FnOnce(&mut JobView, T),
) {
    let mut watcher = Watcher::new(job);
    let ran = catch_unwind(AssertUnwindSafe(|| work(&mut watcher)));
    watcher.tell();
    job.view.send_modify(|view| match ran {
        Ok(Ok(done)) => finish(view, done),
        Ok(Err(error)) => fail(view, error.to_string(), error.reason_code()),
        Err(_) => {
            let error = "the run met a bug and stopped; what was done before it is kept";
            fail(view, error.to_owned(), Some(ReasonCode::Fault));
        }
    });
}

fn fail(view: &mut JobView, error: String, reason_code: Option<ReasonCode>) {
    (view.state, view.eta) = (JobState::Failed, None);
    (view.error, view.reason_code) = (Some(error), reason_code);
}

/// Collects events, and tells of them now and then.
struct Watcher<'a> {
    job: &'a Job,
    next: JobView,
    rate: Rate,
    started: Instant,
    told: Instant,
}

impl<'a> Watcher<'a> {
    fn new(job: &'a Job) -> Self {
        let now = Instant::now();
        Self { job, next: job.view(), rate: Rate::new(now), started: now, told: now }
    }

    fn tagging(&mut self, stage: TagStage, done: usize, all: usize) {
        if self.next.tagging(stage, done, all) {
            self.rate = Rate::new(Instant::now());
            self.tell();
        }
        self.changed();
    }

    fn changed(&mut self) {
        if self.told.elapsed() >= TELL {
            self.tell();
        }
    }

    fn tell(&mut self) {
        self.told = Instant::now();
        self.next.seconds = self.started.elapsed().as_secs_f64();
        self.next.set_rate(self.rate.note(self.told, self.next.done));
        self.next.set_paused(self.job.control.is_paused());
        self.job.view.send_replace(self.next.clone());
    }

    fn failure(&mut self, failure: Failure) {
        let mut failures = self.job.failures.lock();
        if failures.len() < MOST_FAILURES {
            failures.push(failure);
        }
        self.next.failures = failures.len();
    }
}

impl Observer for Watcher<'_> {
    fn found(&mut self, files: usize, complete: bool) {
        (self.next.found, self.next.found_all) = (files, complete);
        self.changed();
    }

    fn event(&mut self, event: &FileEvent) {
        let counts = &mut self.next.counts;
        match event {
            FileEvent::Indexed(_) => counts.indexed += 1,
            FileEvent::Unchanged(_) => counts.unchanged += 1,
            FileEvent::Moved { .. } => counts.moved += 1,
            FileEvent::Duplicate { .. } => counts.duplicate += 1,
            FileEvent::Paired { .. } => counts.paired += 1,
            FileEvent::Skipped { .. } => counts.skipped += 1,
            FileEvent::Failed { .. } => counts.failed += 1,
            FileEvent::Missing(_) => counts.missing += 1,
            FileEvent::Pruned(_) => counts.pruned += 1,
        }
        match event {
            FileEvent::Missing(_) | FileEvent::Pruned(_) => {} // these were not found
            _ => self.next.done += 1,
        }
        match event {
            FileEvent::Skipped { path, reason } => self.failure(Failure::new(path, true, reason)),
            FileEvent::Failed { path, reason } => self.failure(Failure::new(path, false, reason)),
            _ => {}
        }
        self.changed();
    }
}
