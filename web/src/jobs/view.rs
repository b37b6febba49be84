//! What a client sees of a job.

use std::path::{Path, PathBuf};

use glimpse_engine::{Reason, ReasonCode, Summary, TagStage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::names;
use crate::wire::paths::shown;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Under way.
    Running,
    /// Waiting to be resumed.
    Paused,
    /// Everything was looked at.
    Done,
    /// Stopped before its end; what was done is kept.
    Cancelled,
    /// Ended by an error.
    Failed,
}

impl JobState {
    /// True if nothing will change any more.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Running | Self::Paused)
    }
}

/// What a job does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Brings the library up to date with folders.
    #[default]
    Index,
    /// Tags regions of all images, and keeps their tags.
    TagRegions,
}

/// What a job counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobUnit {
    /// Files that are indexed.
    Files,
    /// Labels that are compared with the library, before images are tagged.
    Labels,
    /// Images whose regions are tagged.
    Images,
}

/// A run that brings the library up to date, or tags it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JobView {
    /// Its number.
    pub id: u64,
    /// Where it stands.
    pub state: JobState,
    /// What it does.
    pub kind: JobKind,
    /// What `found`, `done` and `rate` count.
    pub unit: JobUnit,
    /// Folders and files that it looks at; none if it tags.
    pub roots: Vec<String>,
    /// Files found so far that may be images; of a job that tags, labels or images in all.
    pub found: usize,
    /// True when all folders were walked, so that `found` is the whole.
    pub found_all: bool,
    /// Files, labels or images dealt with so far.
    pub done: usize,
    /// Files by outcome.
    pub counts: Counts,
    /// Files, labels or images dealt with in a second, over the last seconds.
    pub rate: f64,
    /// Seconds still to go, when that can be told.
    pub eta: Option<u64>,
    /// Seconds since the start.
    pub seconds: f64,
    /// Failures and skipped files that can be read and tried again.
    pub failures: usize,
    /// Why it failed, worded for people.
    pub error: Option<String>,
    /// Why it failed, for programs; none if that is about what was asked.
    #[schema(value_type = Option<names::ReasonCode>)]
    pub reason_code: Option<ReasonCode>,
}

/// Files by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    /// Encoded and stored.
    pub indexed: usize,
    /// Known by size and time.
    pub unchanged: usize,
    /// Known by content under a path that is gone.
    pub moved: usize,
    /// Same bytes as another file.
    pub duplicate: usize,
    /// Belong to the image of another file.
    pub paired: usize,
    /// No images that can be indexed.
    pub skipped: usize,
    /// Could not be read.
    pub failed: usize,
    /// Are gone.
    pub missing: usize,
    /// Were forgotten.
    pub pruned: usize,
}

/// A file that gave no image.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Failure {
    /// The file.
    pub path: String,
    /// True if it is no image that can be indexed, false if it could not be read.
    pub skipped: bool,
    /// The reason, worded for people.
    pub reason: String,
    /// The reason, for programs.
    #[schema(value_type = names::ReasonCode)]
    pub reason_code: ReasonCode,
    /// The bytes of `path`.
    #[serde(skip)]
    #[schema(ignore)]
    pub file: PathBuf,
}

impl Failure {
    pub fn new(file: &Path, skipped: bool, reason: &Reason) -> Self {
        let Reason { code, text } = reason.clone();
        Self { path: shown(file), skipped, reason: text, reason_code: code, file: file.to_path_buf() }
    }
}

impl JobView {
    pub fn new(id: u64, kind: JobKind, roots: &[PathBuf]) -> Self {
        Self {
            id,
            state: JobState::Running,
            kind,
            unit: if kind == JobKind::Index { JobUnit::Files } else { JobUnit::Labels },
            roots: roots.iter().take(100).map(|root| shown(root)).collect(),
            found: 0,
            found_all: false,
            done: 0,
            counts: Counts::default(),
            rate: 0.0,
            eta: None,
            seconds: 0.0,
            failures: 0,
            error: None,
            reason_code: None,
        }
    }

    pub fn set_paused(&mut self, paused: bool) {
        if !self.state.is_over() {
            self.state = if paused { JobState::Paused } else { JobState::Running };
        }
    }

    /// Notes how fast it goes, and from that how long.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
        let left = self.found.saturating_sub(self.done);
        self.eta = (self.found_all && rate > 0.0).then(|| (left as f64 / rate).ceil() as u64);
    }

    pub fn finish(&mut self, summary: &Summary) {
        self.end(summary.cancelled);
        self.seconds = summary.elapsed.as_secs_f64();
    }

    /// Notes that it is over.
    pub fn end(&mut self, cancelled: bool) {
        self.state = if cancelled { JobState::Cancelled } else { JobState::Done };
        self.eta = None;
    }

    /// Notes how far a job that tags is. True if it counts something else from now on.
    pub fn tagging(&mut self, stage: TagStage, done: usize, all: usize) -> bool {
        let before = self.unit;
        self.unit = match stage {
            TagStage::Labels => JobUnit::Labels,
            TagStage::Images => JobUnit::Images,
        };
        (self.found, self.found_all, self.done) = (all, true, done);
        self.unit != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_only_when_everything_was_found() {
        let mut view = JobView::new(1, JobKind::Index, &[]);
        (view.found, view.done) = (100, 40);
        view.set_rate(10.0);
        assert_eq!(view.eta, None);
        view.found_all = true;
        view.set_rate(10.0);
        assert_eq!(view.eta, Some(6));
    }

    #[test]
    fn what_is_over_cannot_be_paused() {
        let mut view = JobView::new(1, JobKind::Index, &[]);
        view.finish(&Summary::default());
        view.set_paused(true);
        assert_eq!(view.state, JobState::Done);
    }
}
