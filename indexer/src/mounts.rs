//! What is mounted where, as the system tells without asking the drives. Known on Linux; elsewhere
//! the table is empty.

use std::path::{Path, PathBuf};

/// Kinds of file systems that are somewhere else (`/proc/mounts`).
const NETWORK: [&str; 21] = [
    "9p",
    "acfs",
    "afs",
    "ceph",
    "cifs",
    "davfs",
    "fuse.davfs2",
    "fuse.gcsfuse",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "fuse.vmhgfs-fuse",
    "glusterfs",
    "ncpfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
    "vboxsf",
    "virtiofs",
];

/// Mount points and the kinds of their file systems.
#[derive(Debug, Default)]
pub struct MountTable(Vec<(PathBuf, String)>);

impl MountTable {
    /// As the system says now.
    pub fn now() -> Self {
        Self::of(&std::fs::read("/proc/self/mounts").unwrap_or_default())
    }

    /// Reads lines of `/proc/mounts`: device, folder, kind, options.
    fn of(table: &[u8]) -> Self {
        let drive = |line: &[u8]| {
            let mut fields = line.split(|byte| *byte == b' ').skip(1);
            let (folder, kind) = (fields.next()?, fields.next()?);
            Some((path_of(unescaped(folder)), String::from_utf8_lossy(kind).into_owned()))
        };
        Self(table.split(|byte| *byte == b'\n').filter_map(drive).collect())
    }

    /// The mount point that a path without links is at or below; `None` if nothing is known.
    pub fn mount_point_of(&self, path: &Path) -> Option<&Path> {
        self.mount_of(path).map(|(folder, _)| folder.as_path())
    }

    fn mount_of(&self, path: &Path) -> Option<&(PathBuf, String)> {
        // Of what is mounted at one place, the last hides the others.
        let above = self.0.iter().filter(|(folder, _)| path.starts_with(folder));
        above.max_by_key(|(folder, _)| folder.components().count())
    }

    /// The folders of a root of which the system tells no changes, since they are on network
    /// drives, where others write: itself, or those below it.
    pub(crate) fn silent(&self, root: &Path) -> Vec<PathBuf> {
        let is_network = |kind: &String| NETWORK.contains(&kind.as_str());
        if self.mount_of(root).is_some_and(|(_, kind)| is_network(kind)) {
            return vec![root.to_path_buf()];
        }
        let below = self.0.iter().filter(|(folder, kind)| folder.starts_with(root) && is_network(kind));
        below.map(|(folder, _)| folder.clone()).filter(|folder| folder != root).collect()
    }
}

/// Spaces and the like stand as three digits: `\040`.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), field);
    while let [first, after @ ..] = rest {
        let digits = after.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => (bytes.push(byte), rest = &after[3..]).1,
            None => (bytes.push(*first), rest = after).1,
        }
    }
    bytes
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn network_drives_are_told_by_their_kind() {
        let table = MountTable::of(
            b"/dev/sda1 / ext4 rw 0 0\n\
              nas:/photos /mnt/my\\040nas nfs4 rw 0 0\n\
              /dev/sdb1 /mnt/my\\040nas/disk ext4 rw 0 0\n\
              me@host: /srv/me/Pictures/far fuse.sshfs rw 0 0\n\
              //nas/a /mnt/over cifs rw 0 0\n\
              /dev/sdc1 /mnt/over ext4 rw 0 0\n\
              broken\n",
        );
        let silent = |root: &str| table.silent(Path::new(root));
        assert_eq!(silent("/mnt/my nas/2024"), [Path::new("/mnt/my nas/2024")]);
        assert!(silent("/mnt/my nas/disk/2024").is_empty(), "a drive of this machine");
        assert_eq!(silent("/srv/me/Pictures"), [Path::new("/srv/me/Pictures/far")]);
        assert!(silent("/srv/me/Documents").is_empty());
        assert!(silent("/mnt/over/a").is_empty(), "hidden by what was mounted over it");
        let point = |path: &str| table.mount_point_of(Path::new(path)).unwrap().to_str().unwrap().to_owned();
        assert_eq!(point("/mnt/my nas/2024"), "/mnt/my nas");
        assert_eq!(point("/mnt/my nas/disk/a"), "/mnt/my nas/disk");
        assert_eq!(point("/mnt/my nas 2"), "/");
        assert_eq!(MountTable::of(b"").mount_point_of(Path::new("/a")), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_system_has_mounts() {
        assert_eq!(MountTable::now().mount_point_of(Path::new("/proc/self")), Some(Path::new("/proc")));
    }
}
