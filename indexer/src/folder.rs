//! Folders whose entries outlive a power cut.

use std::fs::File;
use std::path::Path;

/// Makes renames in a folder outlive a power cut.
pub(crate) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and renames are journalled.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
