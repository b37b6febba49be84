//! Paths as texts.

use std::path::Path;

/// A path in JSON; what of it is not UTF-8 is shown with replacement characters.
pub fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The last part of a path; the whole of one without, such as `/`.
pub fn name(path: &Path) -> String {
    shown(path.file_name().map_or(path, Path::new))
}
