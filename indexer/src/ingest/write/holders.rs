//! Where the bytes of a file come from: the other files that held the same image.
//!
//! Of an image with thousands of copies, looking at all the others for each of them would take time
//! that grows with the square. So the others of such an image are looked at once in a run.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::ingest::decode::read::Stat;
use crate::ingest::drives::calls::Drives;
use crate::ingest::drives::disk;
use crate::{FileRecord, ImageId, Index, IndexError};

/// What is known of the files of an image is kept from so many files on.
const MANY: usize = 16;

/// The place of a file among those of its image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// No other file holds the image.
    Only,
    /// Another one did, and is gone or holds something else by now.
    MovedFrom(PathBuf),
    /// This one holds it too.
    CopyOf(PathBuf),
}

/// The other files of images that this run came across.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    of: HashMap<ImageId, Others>,
}

impl Holders {
    /// Tells where a file that was just read comes from if it `is_new` to the image `id`, and notes
    /// that it holds it. A file that another one was moved from is not named a second time; those
    /// that are gone and were not seen before are added to `gone`.
    ///
    /// # Errors
    /// If the store fails.
    pub fn origin(
        &mut self,
        (index, drives): (&Index, &Drives<'_>),
        id: ImageId,
        file: &FileRecord,
        is_new: bool,
        gone: &mut BTreeSet<PathBuf>,
    ) -> Result<Origin, IndexError> {
        let mut others = match self.of.remove(&id) {
            Some(others) if others.twin_is_there(drives) => others,
            _ => {
                let others = Others::of((index, drives), id, &file.path)?;
                gone.extend(others.gone.iter().map(|(_, path)| path.clone()));
                others
            }
        };
        let origin = if is_new { others.origin_of(&file.path, drives) } else { Origin::Only };
        if others.files >= MANY {
            others.add(file);
            self.of.insert(id, others);
        }
        Ok(origin)
    }
}

/// The files of an image but for the one in question.
#[derive(Debug, Default)]
struct Others {
    files: usize,
    /// Those that are gone, the ones that were present last first, then by path.
    gone: BTreeSet<(bool, PathBuf)>,
    /// The same by the name of the file; some may have been taken from `gone`.
    gone_by_name: HashMap<OsString, Vec<(bool, PathBuf)>>,
    /// One that is there and unchanged.
    twin: Option<FileRecord>,
    /// One that holds something else by now.
    changed: Option<PathBuf>,
}

impl Others {
    fn of((index, drives): (&Index, &Drives<'_>), id: ImageId, path: &Path) -> Result<Self, IndexError> {
        let mut others = Self::default();
        for file in index.files_of(id)?.into_iter().filter(|file| file.path != path) {
            others.files += 1;
            if drives.is_gone(&file.path) {
                others.gone.insert((file.missing, file.path));
            } else if others.twin.is_none() && is_unchanged(&file, drives) {
                others.twin = Some(file);
            } else if others.changed.is_none() {
                others.changed = Some(file.path);
            }
        }
        for file in others.gone.iter().rev() {
            others.gone_by_name.entry(name(&file.1).to_owned()).or_default().push(file.clone());
        }
        Ok(others)
    }

    /// False if the file that stands for those that are there changed since.
    fn twin_is_there(&self, drives: &Drives<'_>) -> bool {
        self.twin.as_ref().is_none_or(|twin| is_unchanged(twin, drives))
    }

    /// A file of the same name comes first, then any that is gone.
    fn origin_of(&mut self, path: &Path, drives: &Drives<'_>) -> Origin {
        for was_missing in [false, true] {
            self.gone.remove(&(was_missing, path.to_path_buf()));
        }
        if let Some(from) = self.take_gone(name(path), drives) {
            return Origin::MovedFrom(from);
        }
        match (&self.twin, &self.changed) {
            (Some(twin), _) if twin.path != path => Origin::CopyOf(twin.path.clone()),
            (_, Some(from)) if from != path => Origin::MovedFrom(from.clone()),
            _ => Origin::Only,
        }
    }

    fn take_gone(&mut self, name: &OsStr, drives: &Drives<'_>) -> Option<PathBuf> {
        loop {
            let same_name = self.gone_by_name.get_mut(name).and_then(Vec::pop);
            let (file, listed) = match same_name {
                Some(file) => (file.clone(), self.gone.remove(&file)),
                None => (self.gone.pop_first()?, true),
            };
            // It may be back, or have been taken under another name.
            if listed && drives.is_gone(&file.1) {
                return Some(file.1);
            }
        }
    }

    fn add(&mut self, file: &FileRecord) {
        self.files += 1;
        if self.twin.as_ref().is_none_or(|twin| twin.path == file.path) {
            self.twin = Some(file.clone());
        }
    }
}

fn name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// What is on a drive that does not answer is taken to be what it was.
fn is_unchanged(file: &FileRecord, drives: &Drives<'_>) -> bool {
    let known = Stat::from(file);
    let is_known = move |path: &Path| disk::facts(path).is_ok_and(|facts| Stat::of(&facts) == known);
    !file.missing && drives.ask(&file.path, is_known).unwrap_or(true)
}
