//! What happens while a library is indexed.

use glimpse_engine::{FileEvent, Reason, ReasonCode, Summary};
use serde::Serialize;

use super::paths::shown;

/// One line of `glimpse index --json`: an `event`, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
#[allow(missing_docs, reason = "the variants and fields are those of `FileEvent` and `Summary`")]
pub enum EventLine {
    Indexed { path: String },
    Unchanged { path: String },
    Moved { from: String, path: String },
    Duplicate { path: String, of: String },
    Paired { path: String, with: String },
    Skipped { path: String, reason: String, reason_code: ReasonCode },
    Failed { path: String, reason: String, reason_code: ReasonCode },
    Missing { path: String },
    Pruned { path: String },
    Summary(SummaryLine),
}

/// The sums of a run, the last line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the fields are those of `Summary`")]
pub struct SummaryLine {
    pub indexed: usize,
    pub unchanged: usize,
    pub moved: usize,
    pub duplicate: usize,
    pub paired: usize,
    pub skipped: usize,
    pub failed: usize,
    pub missing: usize,
    pub pruned: usize,
    pub cancelled: bool,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Share of the wall time in which the model was busy, 0 to 1.
    pub encoder_busy: f32,
    /// Share of the wall time in which a reading thread decoded, on average, 0 to 1.
    pub decoders_busy: f32,
}

impl From<&FileEvent> for EventLine {
    fn from(event: &FileEvent) -> Self {
        match event {
            FileEvent::Indexed(path) => Self::Indexed { path: shown(path) },
            FileEvent::Unchanged(path) => Self::Unchanged { path: shown(path) },
            FileEvent::Moved { from, to } => Self::Moved { from: shown(from), path: shown(to) },
            FileEvent::Duplicate { path, of } => Self::Duplicate { path: shown(path), of: shown(of) },
            FileEvent::Paired { path, with } => Self::Paired { path: shown(path), with: shown(with) },
            FileEvent::Skipped { path, reason: Reason { code, text } } => {
                Self::Skipped { path: shown(path), reason: text.clone(), reason_code: *code }
            }
            FileEvent::Failed { path, reason: Reason { code, text } } => {
                Self::Failed { path: shown(path), reason: text.clone(), reason_code: *code }
            }
            FileEvent::Missing(path) => Self::Missing { path: shown(path) },
            FileEvent::Pruned(path) => Self::Pruned { path: shown(path) },
        }
    }
}

impl From<&Summary> for EventLine {
    fn from(summary: &Summary) -> Self {
        Self::Summary(SummaryLine {
            indexed: summary.indexed,
            unchanged: summary.unchanged,
            moved: summary.moved,
            duplicate: summary.duplicate,
            paired: summary.paired,
            skipped: summary.skipped,
            failed: summary.failed,
            missing: summary.missing,
            pruned: summary.pruned,
            cancelled: summary.cancelled,
            seconds: summary.elapsed.as_secs_f64(),
            encoder_busy: summary.encoder_busy,
            decoders_busy: summary.decoders_busy,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_line_names_its_event_and_path() {
        let event = FileEvent::Moved { from: "/a/old.jpg".into(), to: "/a/new.jpg".into() };
        let line = serde_json::to_string(&EventLine::from(&event)).unwrap();
        assert_eq!(line, r#"{"event":"moved","from":"/a/old.jpg","path":"/a/new.jpg"}"#);
        let reason = Reason::new(ReasonCode::EmptyFile, "the file is empty");
        let event = FileEvent::Skipped { path: "/a/b.jpg".into(), reason };
        let line = serde_json::to_value(EventLine::from(&event)).unwrap();
        assert_eq!((&line["reason"], &line["reason_code"]), (&"the file is empty".into(), &"empty_file".into()));
        let line = serde_json::to_value(EventLine::from(&Summary { indexed: 3, ..Summary::default() })).unwrap();
        assert_eq!((&line["event"], &line["indexed"]), (&"summary".into(), &3.into()));
    }
}
