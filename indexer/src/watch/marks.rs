//! Folders in which something happened, until they are quiet.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::ingest::{Reach, Scope};

/// A folder in which things go on happening is looked at after so many times the quiet that is
/// waited for.
const PATIENCE: u32 = 10;
/// With more marks than this, looking through everything is as quick.
const MOST: usize = 10_000;

/// Marked folders.
#[derive(Debug)]
pub(super) struct Marks {
    quiet: Duration,
    folders: BTreeMap<PathBuf, Mark>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    reach: Reach,
    first: Instant,
    last: Instant,
}

impl Marks {
    /// A folder is due when nothing has happened in it for so long.
    pub fn new(quiet: Duration) -> Self {
        Self { quiet, folders: BTreeMap::new() }
    }

    /// Something happened in a folder. `false` if there are too many marks to keep.
    pub fn mark(&mut self, folder: PathBuf, reach: Reach, now: Instant) -> bool {
        let mark = self.folders.entry(folder).or_insert(Mark { reach, first: now, last: now });
        (mark.reach, mark.last) = (mark.reach.max(reach), now);
        self.folders.len() <= MOST
    }

    /// Takes the marks of the folders that are due.
    pub fn take_due(&mut self, now: Instant) -> Scope {
        let (quiet, patience) = (self.quiet, self.quiet * PATIENCE);
        let is_due = |mark: &Mark| {
            now.saturating_duration_since(mark.last) >= quiet || now.saturating_duration_since(mark.first) >= patience
        };
        let mut scope = Scope::default();
        self.folders.retain(|folder, mark| {
            let due = is_due(mark);
            if due {
                scope.add(folder.clone(), mark.reach);
            }
            !due
        });
        scope
    }

    /// Forgets all marks.
    pub fn clear(&mut self) {
        self.folders.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use glimpse_nonempty::Every as _;

    use super::*;

    const QUIET: Duration = Duration::from_secs(3);

    fn folders(scope: &Scope) -> Vec<(&Path, Reach)> {
        scope.folders().collect()
    }

    #[test]
    fn a_folder_is_due_when_it_is_quiet() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut marks = Marks::new(QUIET);
        marks.mark("/r/a".into(), Reach::Files, at(0));
        marks.mark("/r/b".into(), Reach::All, at(0));
        marks.mark("/r/a".into(), Reach::Files, at(2));
        assert!(marks.take_due(at(2)).is_empty());
        assert_eq!(folders(&marks.take_due(at(3))), [(Path::new("/r/b"), Reach::All)]);
        assert!(marks.take_due(at(4)).is_empty(), "what was taken is not due again");
        assert_eq!(folders(&marks.take_due(at(5))), [(Path::new("/r/a"), Reach::Files)]);
    }

    #[test]
    fn a_folder_that_is_never_quiet_is_due_now_and_then() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut marks = Marks::new(QUIET);
        let due = (0..=60).filter(|&second| {
            marks.mark("/r".into(), if second == 7 { Reach::All } else { Reach::Files }, at(second));
            let scope = marks.take_due(at(second));
            if second == 30 {
                assert_eq!(folders(&scope), [(Path::new("/r"), Reach::All)], "as far as was ever said");
            }
            !scope.is_empty()
        });
        assert_eq!(due.collect::<Vec<_>>(), [30]);
    }

    #[test]
    fn too_many_marks_are_told() {
        let now = Instant::now();
        let mut marks = Marks::new(QUIET);
        assert!((0..MOST).every(|n| marks.mark(format!("/r/{n}").into(), Reach::Files, now)));
        assert!(!marks.mark("/r/one more".into(), Reach::Files, now));
        marks.clear();
        assert!(marks.take_due(now + QUIET).is_empty());
    }
}
