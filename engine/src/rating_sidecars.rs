//! Ratings in XMP sidecars, so that other programs see what was chosen here.

use std::path::{Path, PathBuf};

use glimpse_indexer::sidecars::{BEST, Rated, SidecarError, rate, set_rating};
use glimpse_indexer::{FileRecord, ImageId, ImageRecord};

use crate::{Cancel, Engine, EngineError};

/// What became of the sidecars of some images.
#[derive(Debug, Default)]
pub struct SidecarsWritten {
    /// Sidecars that were written.
    pub written: Vec<PathBuf>,
    /// Images with nothing to write: those that have the rating, and of favourites those that have
    /// any, and images that are none.
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
        let is_left = |record: &ImageRecord| {
            let is_rated = record.rating.is_some_and(|rating| rating > 0);
            is_rated || !self.is_favourite(&record.content)
        };
        self.write_ratings(ids, BEST, rate, is_left, dry_run)
    }

    /// Gives some images this rating, 0 to 5, in the sidecars of their files, in the place of one
    /// that is there; else as [`Engine::write_sidecars`].
    ///
    /// # Errors
    /// As [`Engine::write_sidecars`]; [`EngineError::BadRequest`] for a rating above 5.
    pub fn rate_images(&self, ids: &[ImageId], rating: u8, dry_run: bool) -> Result<SidecarsWritten, EngineError> {
        if rating > BEST {
            return Err(EngineError::BadRequest(format!("{rating} is no rating: 1 to {BEST}, or 0 for none")));
        }
        self.write_ratings(ids, rating, set_rating, |_| false, dry_run)
    }

    fn write_ratings(
        &self,
        ids: &[ImageId],
        rating: u8,
        write: fn(&Path, u8, bool) -> Result<Option<Rated>, SidecarError>,
        is_left: impl Fn(&ImageRecord) -> bool,
        dry_run: bool,
    ) -> Result<SidecarsWritten, EngineError> {
        let index = self.writable()?;
        let records: Vec<ImageRecord> = ids.iter().map(|&id| self.image(id)).collect::<Result<_, _>>()?;
        let (mut done, cancel) = (SidecarsWritten::default(), Cancel::current());
        for record in &records {
            if let Err(given_up) = cancel.check() {
                index.commit()?; // what was written is known
                return Err(given_up);
            }
            if is_left(record) {
                done.unchanged += 1;
                continue;
            }
            let mut has_all = true;
            for file in index.files_of(record.id)?.into_iter().filter(|file| !file.missing) {
                let rated = self.with_unchanged(record, &file, move |path| Ok(write(path, rating, dry_run)));
                match rated.and_then(|rated| Ok(rated?)) {
                    Ok(None) => continue,
                    Ok(Some(rated)) => {
                        if !dry_run {
                            index.set_rating(record.id, Some(rating))?;
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
