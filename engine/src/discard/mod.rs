//! Putting files of images into the system's trash, from where people can take them back.

#[cfg(all(unix, not(target_os = "macos")))]
mod freedesktop;

use std::io;
use std::path::{Path, PathBuf};

use glimpse_indexer::{FileRecord, ImageId, ImageRecord, Index};

use crate::{Cancel, Engine, EngineError};

/// Puts one file into a trash.
pub type PutAway = fn(&Path) -> io::Result<()>;

/// What became of the files of some images.
#[derive(Debug, Default)]
pub struct Trashed {
    /// Those that are in the trash now.
    pub moved: Vec<PathBuf>,
    /// Those that stay where they are, and why.
    pub failed: Vec<(PathBuf, EngineError)>,
}

/// Puts a file into the system's trash.
///
/// # Errors
/// If there is none on the file's drive, or the file may not be moved.
#[cfg(all(unix, not(target_os = "macos")))]
pub fn move_to_trash(path: &Path) -> io::Result<()> {
    freedesktop::put(path)
}

/// Puts a file into the system's trash.
///
/// # Errors
/// If there is none on the file's drive, or the file may not be moved.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub fn move_to_trash(path: &Path) -> io::Result<()> {
    trash::delete(path).map_err(|error| io::Error::other(error.to_string()))
}

impl Engine {
    /// Puts all files of some images away that still have the content that was indexed, as
    /// `put_away` does it ([`move_to_trash`]); the library then has them as missing, so that a file
    /// that is taken back is known again. With `companions`, those go too that lie beside a file
    /// that went, and have the size and time that they had; else they stay, and a raw file among
    /// them is an image of its own from the next run on. A file that cannot be moved is told, and
    /// the rest goes on.
    ///
    /// # Errors
    /// [`glimpse_indexer::IndexError::NoSuchImage`] and
    /// [`glimpse_indexer::IndexError::ReadOnly`] before anything is moved; if the store fails, or
    /// the request is given up ([`Cancel`]).
    pub fn trash(&self, ids: &[ImageId], companions: bool, put_away: PutAway) -> Result<Trashed, EngineError> {
        let index = self.writable()?;
        let records: Vec<ImageRecord> =
            ids.iter().map(|&id| self.image(index.video_of(id))).collect::<Result<_, _>>()?;
        let (mut trashed, cancel) = (Trashed::default(), Cancel::current());
        let mut put = |file: FileRecord, put: &dyn Fn(&FileRecord) -> Result<(), EngineError>| {
            if let Err(given_up) = cancel.check() {
                index.commit()?; // what was moved is missing
                return Err(given_up);
            }
            match put(&file) {
                Ok(()) => {
                    index.mark_missing(&file.path)?;
                    trashed.moved.push(file.path);
                }
                Err(error) => trashed.failed.push((file.path, error)),
            }
            Ok(trashed.moved.len())
        };
        for record in &records {
            let (files, beside) = present_files(&index, record.id)?;
            let mut folders = Vec::new();
            let mut moved = 0;
            for file in files {
                let folder = file.path.parent().map(Path::to_path_buf);
                let now = put(file, &|file| self.with_unchanged(record, file, put_away))?;
                folders.extend(folder.filter(|_| now > moved));
                moved = now;
            }
            let is_left =
                |file: &FileRecord| file.path.parent().is_some_and(|folder| folders.iter().any(|it| it == folder));
            for file in beside.into_iter().filter(|file| companions && is_left(file)) {
                put(file, &|file| self.put_away_companion(file, put_away))?;
            }
        }
        index.commit()?;
        Ok(trashed)
    }
}

/// The files of an image that are there, and its companions.
fn present_files(index: &Index, id: ImageId) -> Result<(Vec<FileRecord>, Vec<FileRecord>), EngineError> {
    let (mut files, mut companions) = index.files_and_companions_of(id)?;
    files.retain(|file| !file.missing);
    companions.retain(|file| !file.missing);
    Ok((files, companions))
}
