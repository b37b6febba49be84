//! Which folders are on one drive, without asking the drive.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use glimpse_indexer::MountTable;
use parking_lot::Mutex;

/// How long the system's table of mounts is believed.
const FRESH: Duration = Duration::from_secs(5);

/// What is mounted, as far as the system tells.
#[derive(Default)]
pub(super) struct Drives(Mutex<Option<(Instant, MountTable)>>);

impl Drives {
    /// The mount point that a folder is below: what hangs for one folder of a drive hangs for all.
    /// The folder itself if that is the system's own drive, or not known.
    pub fn of(&self, folder: &Path) -> PathBuf {
        let mut known = self.0.lock();
        let table = match &mut *known {
            Some((read, table)) if read.elapsed() < FRESH => table,
            known => &mut known.insert((Instant::now(), MountTable::now())).1,
        };
        let point = table.mount_point_of(folder).filter(|point| point.parent().is_some());
        point.unwrap_or(folder).to_path_buf()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_drive_are_one() {
        let drives = Drives::default();
        assert_eq!(drives.of(Path::new("/proc/self")), Path::new("/proc"));
        assert_eq!(drives.of(Path::new("/proc/1/fd")), Path::new("/proc"));
        assert_eq!(drives.of(Path::new("/no such folder")), Path::new("/no such folder"));
    }
}
