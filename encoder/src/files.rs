//! Reading files as [`std::fs`] does, but never waiting for one that is not a regular file.
//!
//! Opening a pipe waits until somebody writes into it, and a device may wait for ever or never
//! end. Whoever may write into a folder of images may put one in the place of any file there.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// Opens a regular file, or one that a link leads to, for reading.
///
/// # Errors
/// As [`File::open`]; [`ErrorKind::IsADirectory`] for a folder, and [`ErrorKind::InvalidInput`]
/// for a pipe, a socket or a device, at once.
pub fn open(path: &Path) -> io::Result<File> {
    // Devices may do something already when they are opened, such as rewinding a tape.
    require_regular(&fs::metadata(path)?)?;
    let file = open_without_waiting(path)?;
    // Something else may lie there by now.
    require_regular(&file.metadata()?)?;
    Ok(file)
}

/// Reads a regular file whole.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a regular file of UTF-8.
///
/// # Errors
/// As [`open`], and [`ErrorKind::InvalidData`] for what is not UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

fn require_regular(facts: &fs::Metadata) -> io::Result<()> {
    match (facts.is_file(), facts.is_dir()) {
        (true, _) => Ok(()),
        (_, true) => Err(io::Error::new(ErrorKind::IsADirectory, "it is a folder")),
        _ => Err(io::Error::new(ErrorKind::InvalidInput, "it is a pipe, a socket or a device, and is not opened")),
    }
}

#[cfg(unix)]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    match File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path) {
        // A file server holds a lease on it, which it gives up when asked by one who waits.
        Err(error) if error.kind() == ErrorKind::WouldBlock => File::open(path),
        opened => opened,
    }
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// What `open` says of a path; a test that waits for ever would not say that it does.
    fn opened(path: &Path) -> Result<(), ErrorKind> {
        let (tell, told) = mpsc::channel();
        let path = path.to_path_buf();
        std::thread::spawn(move || tell.send(open(&path).map(drop).map_err(|error| error.kind())));
        told.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    #[test]
    fn only_regular_files_are_opened_and_nothing_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let (file, pipe, link) = (dir.path().join("file"), dir.path().join("pipe"), dir.path().join("link"));
        fs::write(&file, "text").unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
        assert_eq!(opened(&file), Ok(()));
        assert_eq!(read_to_string(&file).unwrap(), "text");
        for other in [pipe, link, dir.path().join("socket"), "/dev/zero".into()] {
            assert_eq!(opened(&other), Err(ErrorKind::InvalidInput), "{other:?}");
        }
        assert_eq!(opened(dir.path()), Err(ErrorKind::IsADirectory));
        assert_eq!(opened(&dir.path().join("none")), Err(ErrorKind::NotFound));
    }

    /// A pipe that took the place of a file after the first look.
    #[test]
    fn a_pipe_is_opened_without_a_writer() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || tell.send(open_without_waiting(&pipe).map(drop)));
        told.recv_timeout(Duration::from_secs(10)).unwrap().unwrap();
    }
}
