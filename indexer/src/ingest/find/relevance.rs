//! Which paths an index run would look at, by their names alone: for watching, which is told of
//! every change below a root.

use std::path::Path;

use super::names::{is_kept_by_the_system, is_of_interest};
use super::rules::IGNORE_FILE;
use super::scope::Reach;
use super::walk::has_hidden_part;
use crate::ingest::metadata::is_sidecar;

/// How much of its folder has to be looked at when a file changes; `None` if it is neither an
/// image, nor describes one, nor says what is left out.
pub(crate) fn reach_of_change(file: &Path) -> Option<Reach> {
    if file.file_name().is_some_and(|name| name == IGNORE_FILE) {
        return Some(Reach::All);
    }
    (is_of_interest(file) || is_sidecar(file)).then_some(Reach::Files)
}

/// True for a folder, named as seen from its root, that a run does not enter because of its name.
pub(crate) fn is_left_alone(below_root: &Path, hidden: bool) -> bool {
    let is_systems = || below_root.components().any(|part| is_kept_by_the_system(part.as_os_str()));
    !hidden && has_hidden_part(below_root) || is_systems()
}
