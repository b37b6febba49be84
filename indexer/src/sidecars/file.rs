//! Sidecars as files: read whole, and replaced as a whole.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::time::SystemTime;

use glimpse_encoder::files;

use super::{SidecarError, unusable};
use crate::folder::sync_dir;

/// The largest sidecar that is changed, in bytes; masks of a raw developer may take some.
const MOST: u64 = 16 << 20;

/// A sidecar that was read.
pub(super) struct SidecarFile<'a> {
    path: &'a Path,
    bytes: Vec<u8>,
    state: (u64, Option<SystemTime>),
}

impl<'a> SidecarFile<'a> {
    pub fn read(path: &'a Path) -> Result<Self, SidecarError> {
        let failed = |source| SidecarError::Io { path: path.to_path_buf(), source };
        let file = files::open(path).map_err(failed)?;
        let state = state(&file.metadata().map_err(failed)?);
        if state.0 > MOST {
            return Err(unusable(path, "is larger than 16 MiB"));
        }
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Self { path, bytes, state })
    }

    pub fn text(&self) -> Result<&str, SidecarError> {
        std::str::from_utf8(&self.bytes).map_err(|_| unusable(self.path, "is not UTF-8"))
    }
}

fn state(facts: &Metadata) -> (u64, Option<SystemTime>) {
    (facts.len(), facts.modified().ok())
}

/// Writes a sidecar in the place of the one that was read, unless it has changed since, or a new
/// one where there is none.
pub(super) fn write(path: &Path, text: &str, read: Option<&SidecarFile<'_>>) -> io::Result<()> {
    let Some(read) = read else { return put(path, text, true) };
    let facts = fs::metadata(path)?;
    if state(&facts) != read.state {
        return Err(io::Error::other("another program is changing it; try again"));
    }
    if facts.permissions().readonly() {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "it may not be written"));
    }
    replace(path, text)
}

/// Writes a file as a whole, with the permissions of the one that it replaces: after a crash it is
/// the old one or the new one. Through a link, what it leads to is replaced.
///
/// # Errors
/// The system's, when the folder cannot be written.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    match fs::canonicalize(path) {
        Ok(real) => put(&real, text, false),
        Err(_) => put(path, text, false),
    }
}

fn put(path: &Path, text: &str, is_new: bool) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".glimpse-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less what the umask takes
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(facts) = fs::metadata(path) {
        file.as_file().set_permissions(facts.permissions())?;
    }
    file.as_file().sync_all()?;
    let persisted = if is_new { file.persist_noclobber(path) } else { file.persist(path) };
    persisted.map_err(|error| error.error)?;
    sync_dir(folder)
}
