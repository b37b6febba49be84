//! The trash of Linux and the BSDs, as freedesktop.org's specification 1.0 has it: the user's own
//! for files on the drive of the home folder, else one at the top of the drive.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Zoned;

/// Names that are tried for a file whose own is taken.
const MOST_NAMES: usize = 10_000;
/// Only the directory's owner may remove from it.
const STICKY: u32 = 0o1000;

/// Puts a file into the trash.
///
/// # Errors
/// If there is no trash for its drive, or the file may not be moved.
pub(super) fn put(path: &Path) -> io::Result<()> {
    let dirs = directories::BaseDirs::new().ok_or_else(|| io::Error::other("there is no home folder"))?;
    // Owned by whoever this process runs as.
    let itself = fs::metadata("/proc/self").or_else(|_| fs::metadata(dirs.home_dir()))?;
    let deleted = Zoned::now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
    put_into(&dirs.data_dir().join("Trash"), path, itself.uid(), &deleted)
}

fn put_into(home: &Path, path: &Path, user: u32, deleted: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let drive = fs::metadata(folder)?.dev();
    if drive_of(home)? == drive {
        make_folder(home)?;
        return place(home, path, path, deleted);
    }
    let top = folder.ancestors().take_while(|above| fs::metadata(above).is_ok_and(|facts| facts.dev() == drive));
    let top = top.last().unwrap_or(folder);
    let trash = trash_of_drive(top, user)?;
    place(&trash, path, path.strip_prefix(top).unwrap_or(path), deleted)
}

/// The drive of a folder, or of the nearest above it that is there.
fn drive_of(folder: &Path) -> io::Result<u64> {
    let there = folder.ancestors().find_map(|above| fs::metadata(above).ok());
    there.map(|facts| facts.dev()).ok_or_else(|| ErrorKind::NotFound.into())
}

/// The trash of a user at the top of a drive: in the one that an administrator has made for all, if
/// it is as it has to be, else one of the user's own.
fn trash_of_drive(top: &Path, user: u32) -> io::Result<PathBuf> {
    let shared = top.join(".Trash");
    let is_sound =
        fs::symlink_metadata(&shared).is_ok_and(|facts| facts.is_dir() && facts.permissions().mode() & STICKY != 0);
    let trash = if is_sound { shared.join(user.to_string()) } else { top.join(format!(".Trash-{user}")) };
    make_folder(&trash)?;
    let facts = fs::symlink_metadata(&trash)?;
    match facts.is_dir() && facts.uid() == user {
        true => Ok(trash),
        false => Err(io::Error::other(format!("{} is no trash of this user", trash.display()))),
    }
}

/// Moves a file into a trash, with a note of where it was.
fn place(trash: &Path, path: &Path, noted: &Path, deleted: &str) -> io::Result<()> {
    let (files, info) = (trash.join("files"), trash.join("info"));
    make_folder(&files)?;
    make_folder(&info)?;
    let (name, mut note) = free_name(&files, &info, path)?;
    let text = format!("[Trash Info]\nPath={}\nDeletionDate={deleted}\n", escaped(noted));
    let moved = note.write_all(text.as_bytes()).and_then(|()| fs::rename(path, files.join(&name)));
    if moved.is_err() {
        let _ = fs::remove_file(note_of(&info, &name)); // the file stays, its note would mislead
    }
    moved
}

/// A name that is free, and its note, which holds it.
fn free_name(files: &Path, info: &Path, path: &Path) -> io::Result<(OsString, File)> {
    let (stem, extension) = (path.file_stem().unwrap_or_default(), path.extension());
    for n in 1..MOST_NAMES {
        let mut name = stem.to_owned();
        if n > 1 {
            name.push(format!(".{n}"));
        }
        if let Some(extension) = extension {
            name.push(".");
            name.push(extension);
        }
        match OpenOptions::new().write(true).create_new(true).open(note_of(info, &name)) {
            Ok(_) if fs::symlink_metadata(files.join(&name)).is_ok() => fs::remove_file(note_of(info, &name))?,
            Ok(note) => return Ok((name, note)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the trash has too many files of this name"))
}

fn note_of(info: &Path, name: &std::ffi::OsStr) -> PathBuf {
    let mut note = name.to_owned();
    note.push(".trashinfo");
    info.join(note)
}

/// A path as the specification writes it (RFC 2396).
fn escaped(path: &Path) -> String {
    let mut text = String::new();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => text.push(byte.into()),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// Makes a folder that only its owner sees, unless it is there.
fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const DELETED: &str = "2024-05-17T18:30:00";

    #[test]
    fn files_lie_in_the_trash_with_a_note_of_where_they_were() {
        let home = tempfile::tempdir().unwrap();
        let (trash, file) = (home.path().join("data/Trash"), home.path().join("Ä b%.jpg"));
        for content in ["first", "second"] {
            fs::write(&file, content).unwrap();
            put_into(&trash, &file, 7, DELETED).unwrap();
            assert!(!file.exists());
        }
        assert_eq!(fs::read_to_string(trash.join("files/Ä b%.jpg")).unwrap(), "first");
        assert_eq!(fs::read_to_string(trash.join("files/Ä b%.2.jpg")).unwrap(), "second");
        let note = fs::read_to_string(trash.join("info/Ä b%.2.jpg.trashinfo")).unwrap();
        let path = format!("{}/%C3%84%20b%25.jpg", escaped(home.path()));
        assert_eq!(note, format!("[Trash Info]\nPath={path}\nDeletionDate={DELETED}\n"));
        assert_eq!(fs::metadata(&trash).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn what_cannot_be_moved_leaves_no_note() {
        let home = tempfile::tempdir().unwrap();
        let trash = home.path().join("Trash");
        assert!(put_into(&trash, &home.path().join("none.jpg"), 7, DELETED).is_err());
        assert_eq!(fs::read_dir(trash.join("info")).unwrap().count(), 0);
    }

    #[test]
    fn a_drive_has_a_trash_of_its_own_for_each_user() {
        let top = tempfile::tempdir().unwrap();
        let user = fs::metadata(top.path()).unwrap().uid();
        let own = top.path().join(format!(".Trash-{user}"));
        assert_eq!(trash_of_drive(top.path(), user).unwrap(), own);
        let shared = top.path().join(".Trash");
        fs::create_dir(&shared).unwrap();
        assert_eq!(trash_of_drive(top.path(), user).unwrap(), own, "anybody could remove from it");
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(trash_of_drive(top.path(), user).unwrap(), shared.join(user.to_string()));
        let file = top.path().join("deep/a.jpg");
        fs::create_dir(top.path().join("deep")).unwrap();
        fs::write(&file, "a").unwrap();
        place(&own, &file, file.strip_prefix(top.path()).unwrap(), DELETED).unwrap();
        let note = fs::read_to_string(own.join("info/a.jpg.trashinfo")).unwrap();
        assert!(note.contains("\nPath=deep/a.jpg\n"), "{note}");
    }
}
