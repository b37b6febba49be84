//! What a killed process leaves behind that sled 0.34 takes for damage when it opens the store
//! again.
//!
//! - It writes a snapshot to `snap.X.generating` and renames it, but counts a half-written one
//!   among the snapshots, and as the newest. Without it, the one before or the whole log is read,
//!   which holds the same.
//! - It writes `conf` in two steps, while the log is still empty.
//!
//! And what such a process leaves of a copy that was to take the store's place ([`super::pack`]).

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::pack::COPY;

/// Removes them, unless some process has the store open.
pub(super) fn clear(dir: &Path) -> io::Result<()> {
    let log = match File::options().read(true).write(true).open(dir.join("db")) {
        Ok(log) => log,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    // The same lock that sled takes: nobody generates a snapshot meanwhile.
    if log.try_lock().is_err() {
        return Ok(());
    }
    // Whoever makes another one says so if it cannot be removed.
    let _ = fs::remove_dir_all(dir.join(COPY));
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let half = name.starts_with("snap.") && name.ends_with(".generating");
        if half || (name == "conf" && log.metadata()?.len() == 0) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Store;
    use super::super::keys::Table;
    use super::*;

    #[test]
    fn half_written_files_do_not_keep_a_store_shut() {
        let dir = tempfile::tempdir().unwrap();
        let entries = |store: &Store| store.entries(Table::Meta).count();
        let held = {
            let store = Store::open(dir.path()).unwrap();
            store.sync().unwrap();
            entries(&store)
        };
        fs::write(dir.path().join("snap.00000000000FFFFF.generating"), b"half").unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(entries(&store), held);
        fs::write(dir.path().join("snap.00000000000FFFFF.generating"), b"half").unwrap();
        clear(dir.path()).unwrap();
        assert!(dir.path().join("snap.00000000000FFFFF.generating").exists(), "the owner may be writing it");

        let young = tempfile::tempdir().unwrap();
        fs::write(young.path().join("db"), b"").unwrap();
        fs::write(young.path().join("conf"), b"segment_size: 524288\nuse_comp").unwrap();
        Store::open(young.path()).unwrap();
    }
}
