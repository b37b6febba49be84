//! Folders of generations below a library's folder.
//!
//! ```text
//! gen-0001           a generation
//! gen-0001.retired   one whose place another took; removed when a later run of changes has succeeded
//! ```

use std::io;
use std::path::{Path, PathBuf};

use crate::IndexError;
use crate::store::Store;

const PREFIX: &str = "gen-";
const RETIRED: &str = ".retired";

/// Where generation `number` is kept.
pub(super) fn dir_of(home: &Path, number: u32) -> PathBuf {
    home.join(format!("{PREFIX}{number:04}"))
}

/// Numbers of the generations under `home`, rising; none if there is no such folder.
///
/// # Errors
/// If the folder cannot be listed.
pub(super) fn numbers(home: &Path) -> Result<Vec<u32>, IndexError> {
    Ok(list(home)?.into_iter().filter_map(|(number, retired)| (!retired).then_some(number)).collect())
}

/// Numbers of the retired generations under `home`, rising.
///
/// # Errors
/// As [`numbers`].
pub(super) fn retired(home: &Path) -> Result<Vec<u32>, IndexError> {
    Ok(list(home)?.into_iter().filter_map(|(number, retired)| retired.then_some(number)).collect())
}

/// Retires the generation in `dir`, unless some process still reads it; true if that was done.
pub(super) fn retire(dir: &Path) -> bool {
    matches!(Store::is_open_somewhere(&dir.join("sled")), Ok(false)) && rename_retired(dir).is_ok()
}

/// Gives the folder of a generation, which nobody may read any more, its retired name.
///
/// # Errors
/// If it cannot be renamed.
pub(crate) fn rename_retired(dir: &Path) -> io::Result<()> {
    std::fs::rename(dir, retired_name(dir))
}

/// Removes a retired generation. What cannot be removed now is tried again after the next run.
pub(super) fn remove_retired(home: &Path, number: u32) {
    let _ = std::fs::remove_dir_all(retired_name(&dir_of(home, number)));
}

fn retired_name(dir: &Path) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push(RETIRED);
    name.into()
}

/// Number of each generation, and whether it is retired.
fn list(home: &Path) -> Result<Vec<(u32, bool)>, IndexError> {
    let failed = |source| IndexError::Io { path: home.to_path_buf(), source };
    let entries = match std::fs::read_dir(home) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let (number, retired) = name.strip_suffix(RETIRED).map_or((name, false), |number| (number, true));
        found.extend(number.parse().ok().map(|number| (number, retired)));
    }
    found.sort_unstable();
    Ok(found)
}
