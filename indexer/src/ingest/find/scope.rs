//! The part of its roots that a run looks at: folders that changed.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};

/// How much of a folder is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The files in it, without its folders.
    Files,
    /// All below it. It may be gone: then that is what a run finds out.
    All,
}

/// The folders that a run is limited to. The walk is that of a whole run: it begins at the roots,
/// obeys the same rules on the way, and enters only what leads to these folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(BTreeMap<PathBuf, Reach>);

impl Scope {
    /// Adds a folder: an absolute path without links.
    pub fn add(&mut self, folder: PathBuf, reach: Reach) {
        let known = self.0.entry(folder).or_insert(reach);
        *known = reach.max(*known);
    }

    /// True without any folder.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The folders, in order.
    pub fn folders(&self) -> impl Iterator<Item = (&Path, Reach)> {
        self.0.iter().map(|(folder, reach)| (folder.as_path(), *reach))
    }

    /// The folders that are below no other one which is meant whole.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Path, Reach)> {
        self.folders().filter(|(folder, _)| !self.is_below_whole(folder))
    }

    /// True if the files in a folder are looked at.
    pub(crate) fn holds(&self, folder: &Path) -> bool {
        self.0.contains_key(folder) || self.is_below_whole(folder)
    }

    /// True if the walk enters a folder.
    pub(crate) fn enters(&self, folder: &Path) -> bool {
        // Paths are in order of their parts: what is below a folder comes next.
        let next = || self.0.range::<Path, _>((Bound::Excluded(folder), Bound::Unbounded)).next();
        self.holds(folder) || next().is_some_and(|(next, _)| next.starts_with(folder))
    }

    fn is_below_whole(&self, folder: &Path) -> bool {
        folder.ancestors().skip(1).any(|above| self.0.get(above) == Some(&Reach::All))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(folders: &[(&str, Reach)]) -> Scope {
        let mut scope = Scope::default();
        folders.iter().for_each(|(folder, reach)| scope.add(folder.into(), *reach));
        scope
    }

    #[test]
    fn a_walk_enters_what_leads_to_its_folders() {
        let scope = scope(&[("/r/a/b", Reach::Files), ("/r/c", Reach::All)]);
        let holds = |folder: &str| scope.holds(Path::new(folder));
        let enters = |folder: &str| scope.enters(Path::new(folder));
        assert!(holds("/r/a/b") && holds("/r/c") && holds("/r/c/d/e"));
        assert!(!holds("/r") && !holds("/r/a") && !holds("/r/a/b/c") && !holds("/r/cc"));
        assert!(enters("/r") && enters("/r/a") && enters("/r/a/b") && enters("/r/c/d"));
        assert!(!enters("/r/a/b/c") && !enters("/r/a/bb") && !enters("/r/cc") && !enters("/q"));
    }

    #[test]
    fn a_folder_is_meant_as_far_as_it_was_ever_said() {
        let scope = scope(&[("/r", Reach::All), ("/r", Reach::Files), ("/r/a", Reach::Files), ("/s", Reach::Files)]);
        let parts: Vec<_> = scope.parts().collect();
        assert_eq!(parts, [(Path::new("/r"), Reach::All), (Path::new("/s"), Reach::Files)]);
    }
}
