//! Favourites as ratings in XMP sidecars, so that other programs see them.

use std::path::PathBuf;

use glimpse_indexer::sidecars::{BEST, Rated, rate};
use glimpse_indexer::{FileRecord, ImageId, ImageRecord};

use crate::{Cancel, Engine, EngineError};

/// What became of the sidecars of some images.
#[derive(Debug, Default)]
pub struct SidecarsWritten {
    /// Sidecars that were written.
    pub written: Vec<PathBuf>,
    /// Images with nothing to write: those that are no favourites, and those that have a rating.
    pub unchanged: usize,
    /// Image files whose sidecar could not be written, and why.
    pub failed: Vec<(PathBuf, EngineError)>,
}

impl Engine {
    /// Gives those of some images that are favourites and have no rating the best one, 5, in the
    /// XMP sidecar of each of their files that still has the content that was indexed. What
    /// sidecars hold stays, a rating above all. The library knows the rating then, and that it has
    /// seen the sidecar. What fails is told, and the rest goes on. With `dry_run` nothing is
    /// written, and the answer says what would be.
    ///
    /// # Errors
    /// [`glimpse_indexer::IndexError::NoSuchImage`] and
    /// [`glimpse_indexer::IndexError::ReadOnly`] before anything is written; if the store fails, or
    /// the request is given up ([`Cancel`]).
    pub fn write_sidecars(&self, ids: &[ImageId], dry_run: bool) -> Result<SidecarsWritten, EngineError> {
        let index = self.writable()?;
        let records: Vec<ImageRecord> = ids.iter().map(|&id| self.image(id)).collect::<Result<_, _>>()?;
        let (mut done, cancel) = (SidecarsWritten::default(), Cancel::current());
        for record in &records {
            if let Err(given_up) = cancel.check() {
                index.commit()?; // what was written is known
                return Err(given_up);
            }
            let is_rated = record.rating.is_some_and(|rating| rating > 0);
            if is_rated || !self.is_favourite(&record.content) {
                done.unchanged += 1;
                continue;
            }
            let mut has_all = true;
            for file in index.files_of(record.id)?.into_iter().filter(|file| !file.missing) {
                let rated = self.with_unchanged(record, &file, move |path| Ok(rate(path, BEST, dry_run)));
                match rated.and_then(|rated| Ok(rated?)) {
                    Ok(None) => continue,
                    Ok(Some(rated)) => {
                        if !dry_run {
                            index.set_rating(record.id, Some(BEST))?;
                            seen(&file, &rated).map_or(Ok(()), |file| index.put_file(file))?;
                        }
                        done.written.push(rated.path);
                    }
                    Err(error) => done.failed.push((file.path, error)),
                }
                has_all = false;
            }
            done.unchanged += usize::from(has_all);
        }
        index.commit()?;
        Ok(done)
    }
}

/// A file whose sidecars the library knows as they are now, if it knew them as they were before: it
/// need not be read again for what was written here.
fn seen(file: &FileRecord, rated: &Rated) -> Option<FileRecord> {
    let is_known = file.sidecar_modified == rated.modified_before;
    is_known.then(|| FileRecord { sidecar_modified: rated.modified, ..file.clone() })
}
