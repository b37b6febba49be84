//! The bundled model: carried by the program, unpacked at first use.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::EngineError;

macro_rules! bundled {
    ($($name:literal),*) => {
        [$(($name, include_bytes!(concat!("../../models/demo/", $name)))),*]
    };
}

/// Names and contents of the checkpoint's files.
const FILES: [(&str, &[u8]); 8] = bundled![
    "calibration.json",
    "config.json",
    "decoder.json",
    "decoder.safetensors",
    "model.safetensors",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json"
];

/// The folder of the bundled model, unpacked under `home` if it is not there yet, or not as it
/// should be.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn unpack(home: &Path) -> Result<PathBuf, EngineError> {
    let folder = home.join("models").join(format!("demo-{}", digest()));
    if !is_whole(&folder) {
        write(&folder).map_err(|source| EngineError::Io { path: folder.clone(), source })?;
    }
    Ok(folder)
}

/// Tells the models of different builds apart.
fn digest() -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, contents) in FILES {
        hasher.update(name.as_bytes()).update(&(contents.len() as u64).to_le_bytes()).update(contents);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

fn is_whole(folder: &Path) -> bool {
    FILES.iter().all(|(name, contents)| std::fs::read(folder.join(name)).is_ok_and(|found| found == *contents))
}

/// Everything is written beside the folder, which then appears at once: another process sees all of
/// it or nothing.
fn write(folder: &Path) -> std::io::Result<()> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let beside = tempfile::Builder::new().prefix(".unpacking-").tempdir_in(parent)?;
    for (name, contents) in FILES {
        let mut file = std::fs::File::create(beside.path().join(name))?;
        file.write_all(contents)?;
        file.sync_all()?;
    }
    if folder.exists() && !is_whole(folder) {
        std::fs::remove_dir_all(folder)?;
    }
    match std::fs::rename(beside.path(), folder) {
        Err(_) if is_whole(folder) => Ok(()), // another process was faster
        done => done,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    #[test]
    fn a_damaged_copy_is_replaced_and_nothing_else_is_left() {
        let home = tempfile::tempdir().unwrap();
        let folder = unpack(home.path()).unwrap();
        assert!(is_whole(&folder));
        std::fs::write(folder.join("config.json"), "{}").unwrap();
        std::fs::remove_file(folder.join("tokenizer.json")).unwrap();
        assert_eq!(unpack(home.path()).unwrap(), folder);
        assert!(is_whole(&folder));
        assert_eq!(std::fs::read_dir(home.path().join("models")).unwrap().count(), 1);
    }

    #[test]
    fn many_may_unpack_at_once() {
        let home = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| unpack(home.path()).unwrap())).collect();
            each(threads).for_each(|thread| assert!(is_whole(&thread.join().unwrap())));
        });
        assert_eq!(std::fs::read_dir(home.path().join("models")).unwrap().count(), 1);
    }
}
