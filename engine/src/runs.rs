//! A journal of the runs that brought the library up to date, by the command line and by the
//! server: a line of JSON for each, beside the index.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use glimpse_indexer::ingest::Summary;
use glimpse_indexer::{ReasonCode, create_private_file};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

const NAME: &str = "runs.journal";
/// A longer journal is cut to its newer half.
const LONG: u64 = 1 << 20;
/// Folders of a run that are named.
const MOST_ROOTS: usize = 100;

/// A run that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// When it began, in UTC: `2024-05-17T18:30:00Z`.
    pub began: String,
    /// When it ended.
    pub ended: String,
    /// Who asked for it.
    pub by: RunBy,
    /// The folders that it went through, up to 100; none if all of the library were meant.
    pub roots: Vec<PathBuf>,
    /// Files that it looked at.
    pub seen: usize,
    /// Images that are new.
    pub added: usize,
    /// Files that are gone, or were forgotten.
    pub removed: usize,
    /// Files that could not be read.
    pub failed: usize,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Why it failed, worded for people.
    pub message: Option<String>,
    /// Why it failed, for translations.
    #[serde(default)]
    pub reason_code: Option<ReasonCode>,
}

/// Who asked for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunBy {
    /// `glimpse index`.
    #[serde(rename = "command line")]
    CommandLine,
    /// A job of the server.
    #[serde(rename = "server")]
    Server,
    /// Nobody: folders changed that are watched.
    #[serde(rename = "watch")]
    Watch,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunOutcome {
    /// It came to its end.
    Done,
    /// Somebody stopped it; what it did is kept.
    Stopped,
    /// Something failed; what it did before is kept.
    Failed,
}

impl Engine {
    /// The last runs, the latest first. A run whose process was killed is not among them, nor a
    /// line that cannot be read.
    ///
    /// # Errors
    /// [`EngineError::Io`] if the journal is there and cannot be read.
    pub fn runs(&self, limit: usize) -> Result<Vec<RunRecord>, EngineError> {
        let path = self.settings.library_dir().join(NAME);
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(EngineError::Io { path, source }),
        };
        Ok(text.lines().rev().filter_map(|line| serde_json::from_str(line).ok()).take(limit).collect())
    }

    /// Notes a run. That this is not possible, on a full drive, is no reason to fail.
    pub(crate) fn note_run(
        &self,
        began: Timestamp,
        by: RunBy,
        roots: &[PathBuf],
        ended: &Result<Summary, EngineError>,
    ) {
        let moment = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let (summary, message, reason_code) = match ended {
            Ok(summary) => (summary.clone(), None, None),
            Err(error) => (Summary::default(), Some(error.to_string()), error.reason_code()),
        };
        let outcome = match ended {
            Ok(summary) if summary.cancelled => RunOutcome::Stopped,
            Ok(_) => RunOutcome::Done,
            Err(_) => RunOutcome::Failed,
        };
        let known = [summary.indexed, summary.unchanged, summary.moved, summary.duplicate, summary.paired];
        let run = RunRecord {
            began: moment(began),
            ended: moment(Timestamp::now()),
            by,
            roots: roots.iter().take(MOST_ROOTS).cloned().collect(),
            seen: known.iter().sum::<usize>() + summary.skipped + summary.failed,
            added: summary.indexed,
            removed: summary.missing + summary.pruned,
            failed: summary.failed,
            outcome,
            message,
            reason_code,
        };
        let _ = append(&self.settings.library_dir(), &run);
    }
}

fn append(folder: &Path, run: &RunRecord) -> io::Result<()> {
    let path = folder.join(NAME);
    // A process that was killed may have left half a line, which the next one must not join.
    let line = format!("\n{}\n", serde_json::to_string(run)?);
    match fs::metadata(&path) {
        Ok(facts) if facts.len() < LONG => OpenOptions::new().append(true).open(&path)?.write_all(line.as_bytes()),
        Ok(_) => {
            let text = fs::read_to_string(&path)?;
            let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
            let kept = lines[lines.len() / 2..].join("\n") + &line;
            let beside = path.with_extension("new");
            create_private_file(&beside)?.write_all(kept.as_bytes())?;
            fs::rename(&beside, &path)
        }
        // A first run that failed leaves no folder behind.
        Err(_) if !folder.is_dir() => Ok(()),
        Err(_) => create_private_file(&path)?.write_all(line.as_bytes()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Settings;

    fn engine(home: &Path) -> Engine {
        fs::create_dir_all(home.join("library")).unwrap();
        Engine::open(Settings::at(home)).unwrap()
    }

    fn note(engine: &Engine, indexed: usize) {
        let summary = Summary { indexed, unchanged: 2, cancelled: indexed == 7, ..Summary::default() };
        engine.note_run(Timestamp::UNIX_EPOCH, RunBy::Server, &["/photos".into()], &Ok(summary));
    }

    #[test]
    fn runs_are_told_latest_first_after_a_restart_too() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(engine(home.path()).runs(9).unwrap(), []);
        note(&engine(home.path()), 3);
        note(&engine(home.path()), 7);
        let failed = Err(EngineError::BadRequest("no such folder".to_owned()));
        engine(home.path()).note_run(Timestamp::UNIX_EPOCH, RunBy::CommandLine, &[], &failed);
        let runs = engine(home.path()).runs(9).unwrap();
        let outcomes: Vec<_> = runs.iter().map(|run| (run.outcome, run.added, run.seen)).collect();
        assert_eq!(outcomes, [(RunOutcome::Failed, 0, 0), (RunOutcome::Stopped, 7, 9), (RunOutcome::Done, 3, 5)]);
        assert_eq!(runs[0].message.as_deref(), Some("no such folder"));
        assert_eq!((runs[2].began.as_str(), runs[2].by), ("1970-01-01T00:00:00Z", RunBy::Server));
        assert_eq!(engine(home.path()).runs(1).unwrap(), runs[..1]);
    }

    #[test]
    fn half_a_line_costs_itself_and_a_long_journal_its_older_half() {
        let home = tempfile::tempdir().unwrap();
        let engine = engine(home.path());
        let path = engine.settings.library_dir().join(NAME);
        note(&engine, 1);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        note(&engine, 2);
        let added = |engine: &Engine| engine.runs(usize::MAX).unwrap().iter().map(|run| run.added).collect::<Vec<_>>();
        assert_eq!(added(&engine), [2]);
        let many: String = (0..8000).map(|_| String::from_utf8_lossy(&whole).into_owned()).collect();
        fs::write(&path, many).unwrap();
        note(&engine, 3);
        let left = added(&engine);
        assert_eq!((left.len(), left[0]), (4001, 3));
    }
}
