//! Folders of which the system tells no changes: those on network drives, where others write. Known
//! on Linux; elsewhere none are.

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

/// What is mounted where.
#[derive(Debug)]
pub(super) struct Drives(Vec<(PathBuf, String)>);

impl Drives {
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

    /// The folders of a root of which no changes are told: itself, or those below it.
    pub fn silent(&self, root: &Path) -> Vec<PathBuf> {
        let is_network = |kind: &String| NETWORK.contains(&kind.as_str());
        // Of what is mounted at one place, the last hides the others.
        let above = self.0.iter().filter(|(folder, _)| root.starts_with(folder));
        let own = above.max_by_key(|(folder, _)| folder.components().count());
        if own.is_some_and(|(_, kind)| is_network(kind)) {
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
mod tests {
    use super::*;

    #[test]
    fn network_drives_are_told_by_their_kind() {
        let drives = Drives::of(
            b"/dev/sda1 / ext4 rw 0 0\n\
              nas:/photos /mnt/my\\040nas nfs4 rw 0 0\n\
              /dev/sdb1 /mnt/my\\040nas/disk ext4 rw 0 0\n\
              me@host: /srv/me/Pictures/far fuse.sshfs rw 0 0\n\
              //nas/a /mnt/over cifs rw 0 0\n\
              /dev/sdc1 /mnt/over ext4 rw 0 0\n\
              broken\n",
        );
        let silent = |root: &str| drives.silent(Path::new(root));
        assert_eq!(silent("/mnt/my nas/2024"), [Path::new("/mnt/my nas/2024")]);
        assert!(silent("/mnt/my nas/disk/2024").is_empty(), "a drive of this machine");
        assert_eq!(silent("/srv/me/Pictures"), [Path::new("/srv/me/Pictures/far")]);
        assert!(silent("/srv/me/Documents").is_empty());
        assert!(silent("/mnt/over/a").is_empty(), "hidden by what was mounted over it");
    }
}
