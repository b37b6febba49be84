//! Folders that only their owner may enter: what is in them tells what others' images show.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// As [`std::fs::create_dir_all`]; on Unix, folders that are made have mode 0700, whatever the
/// umask. Those that are there already stay as they are.
///
/// # Errors
/// As [`std::fs::create_dir_all`].
pub fn create_private_dir_all(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// As [`File::create`]; on Unix, a file that is made has mode 0600.
///
/// # Errors
/// As [`File::create`].
pub fn create_private_file(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().write(true).create(true).truncate(true)).open(path)
}

/// Opens a file to read and write it, with what it holds; on Unix, one that is made has mode 0600.
///
/// # Errors
/// As [`OpenOptions::open`].
pub(crate) fn open_private_file(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes a folder and all below it private that others may enter, as programs of before left it.
/// What may not be changed by this user stays as it is.
pub(crate) fn close_to_others(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let is_open = std::fs::metadata(folder).is_ok_and(|facts| facts.permissions().mode() & 0o077 != 0);
        if is_open && make_private(folder).is_ok() {
            let _ = std::fs::set_permissions(folder, PermissionsExt::from_mode(0o700));
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
}

/// Takes the right to read the files in a folder and below from all but their owner; for files that
/// libraries make.
///
/// # Errors
/// If the folder cannot be read, or a right not be changed.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    for entry in std::fs::read_dir(folder)? {
        use std::os::unix::fs::PermissionsExt;
        let path = entry?.path();
        let facts = std::fs::symlink_metadata(&path)?;
        if facts.is_dir() {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700))?;
            make_private(&path)?;
        } else if facts.is_file() {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_the_owner_may_read_what_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let inner = folder.path().join("a/b");
        create_private_dir_all(&inner).unwrap();
        create_private_dir_all(&inner).unwrap();
        drop(create_private_file(&inner.join("c")).unwrap());
        std::fs::write(inner.join("d"), "").unwrap();
        make_private(folder.path()).unwrap();
        assert_eq!([&inner, &folder.path().join("a")].map(|path| mode(path)), [0o700; 2]);
        assert_eq!(["c", "d"].map(|name| mode(&inner.join(name))), [0o600; 2]);
    }
}
