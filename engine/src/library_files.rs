//! Files of the library: the originals of its images, and what is at a path.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use glimpse_encoder::image_file::Limits;
use glimpse_indexer::{ContentHash, FileRecord, ImageId, ImageRecord};

use crate::{Engine, EngineError, ImageBytes, Original};

/// Paths that are looked at in one call.
const LOOKED_AT: usize = 100;
/// Calls that are made at once: fewer than one folder may have under way.
const ASKED_AT_ONCE: usize = 16;

impl Engine {
    /// Opens the file of an image, or of the video of a frame, which still has the content that was
    /// indexed. Of several copies, the first that has.
    ///
    /// # Errors
    /// [`EngineError::Changed`] if the file has other content now, [`EngineError::Io`] if it cannot
    /// be read, [`EngineError::Unreachable`] if its folder does not answer.
    pub fn original(&self, id: ImageId) -> Result<Original, EngineError> {
        let record = self.image(self.video_of(id)?)?;
        self.first_copy(&record, |file| self.open_unchanged(&record, file))
    }

    /// Waits until the drive of an image's file answers, or does not: who is to read the file on a
    /// thread that others want need not wait on that.
    ///
    /// # Errors
    /// [`EngineError::Io`] if the file is not there, [`EngineError::Unreachable`] if its folder
    /// does not answer.
    pub fn reach(&self, id: ImageId) -> Result<(), EngineError> {
        let record = self.image(self.video_of(id)?)?;
        self.first_copy(&record, |file| self.open_file(file).map(drop))
    }

    /// The bytes of an image's file, which are those that were indexed; of a video or a frame, the
    /// bytes of an image with the same pixels.
    ///
    /// # Errors
    /// As [`Engine::original`].
    pub fn original_bytes(&self, id: ImageId) -> Result<ImageBytes<'static>, EngineError> {
        let record = self.image(id)?;
        if record.format.is_video() || record.moment.is_some_and(|moment| moment.video.is_some()) {
            return self.frame_bytes(&record);
        }
        self.first_copy(&record, |file| {
            let original = self.open_file(file)?;
            if original.len() != record.bytes {
                return Err(EngineError::Changed { path: file.path.clone() });
            }
            let bytes = original.read_all(Limits::default().max_bytes)?;
            let orientation = record.orientation;
            if ContentHash::of(&bytes).with_orientation(orientation) != record.content {
                return Err(EngineError::Changed { path: file.path.clone() });
            }
            Ok(ImageBytes { bytes: bytes.into(), orientation })
        })
    }

    /// Which of some paths are there; those that cannot be looked at now are not. Folders that do
    /// not answer are waited for together.
    pub fn are_there(&self, paths: &[PathBuf]) -> Vec<bool> {
        let roots = self.roots().unwrap_or_default();
        let chunks: Vec<&[PathBuf]> = paths
            .chunk_by(|a, b| folder_of(a, &roots) == folder_of(b, &roots))
            .flat_map(|some| some.chunks(LOOKED_AT))
            .collect();
        let begin = |some: &[PathBuf]| {
            let asked = some.to_vec();
            let look = move || Ok(asked.iter().map(|path| path.exists()).collect::<Vec<bool>>());
            self.originals.begin(&folder_of(&some[0], &roots), &some[0], look)
        };
        let mut there = Vec::with_capacity(paths.len());
        for chunks in chunks.chunks(ASKED_AT_ONCE) {
            let pending: Vec<_> = chunks.iter().map(|some| begin(some)).collect();
            for (some, pending) in chunks.iter().zip(pending) {
                there.extend(pending.wait().unwrap_or_else(|_| vec![false; some.len()]));
            }
        }
        there
    }

    /// The path of a file or folder without links in it.
    ///
    /// # Errors
    /// [`EngineError::Io`] if it is not there, [`EngineError::Unreachable`] if its folder does not
    /// answer.
    pub fn real_path(&self, path: &Path) -> Result<PathBuf, EngineError> {
        let folder = folder_of(path, &self.roots().unwrap_or_default());
        let asked = path.to_path_buf();
        self.originals.call(&folder, path, move || asked.canonicalize())
    }

    /// What `open` gives of the first copy of an image for which it works; else the first error.
    pub(crate) fn first_copy<T>(
        &self,
        record: &ImageRecord,
        open: impl Fn(&FileRecord) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let files = self.serving()?.files_of(record.id)?;
        let mut first = None;
        for file in &files {
            match open(file) {
                Ok(opened) => return Ok(opened),
                Err(error) => _ = first.get_or_insert(error),
            }
        }
        let none = || EngineError::BadRequest(format!("the files of image {} are missing", record.id));
        Err(first.unwrap_or_else(none))
    }

    /// Opens a file that has an image's content. What was read once is known by the file's state.
    pub(crate) fn open_unchanged(&self, record: &ImageRecord, file: &FileRecord) -> Result<Original, EngineError> {
        let original = self.open_file(file)?;
        let changed = || EngineError::Changed { path: file.path.clone() };
        if original.len() != record.bytes {
            return Err(changed());
        }
        // Reading a film again takes minutes: its time of change, which no program can set, is
        // enough.
        let is_known = record.format.is_video() && original.is_as_recorded(file);
        if is_known || self.originals.verified.has(&original, &record.content) {
            return Ok(original);
        }
        if original.content()?.with_orientation(record.orientation) != record.content {
            return Err(changed());
        }
        self.originals.verified.note(&original, &record.content);
        Ok(original)
    }

    /// Does something with the path of a file that has an image's content.
    pub(crate) fn with_unchanged<T: Send + 'static>(
        &self,
        record: &ImageRecord,
        file: &FileRecord,
        act: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.open_unchanged(record, file)?;
        let (folder, asked) = (folder_of(&file.path, &self.roots()?), file.path.clone());
        self.originals.call(&folder, &file.path, move || act(&asked))
    }

    /// Puts a companion away that has the size and time that it had: its content was never read.
    pub(crate) fn put_away_companion(
        &self,
        file: &FileRecord,
        put_away: fn(&Path) -> io::Result<()>,
    ) -> Result<(), EngineError> {
        let (folder, asked, known) = (folder_of(&file.path, &self.roots()?), file.path.clone(), file.clone());
        let is_same = move |facts: &Metadata| facts.is_file() && known.is_unchanged(facts);
        let put = move || match is_same(&std::fs::metadata(&asked)?) {
            true => put_away(&asked).map(|()| true),
            false => Ok(false),
        };
        match self.originals.call(&folder, &file.path, put)? {
            true => Ok(()),
            false => Err(EngineError::Changed { path: file.path.clone() }),
        }
    }

    fn open_file(&self, file: &FileRecord) -> Result<Original, EngineError> {
        let folder = folder_of(&file.path, &self.roots()?);
        Original::open(&self.originals, &file.path, &folder)
    }
}

/// The root that a path is in, which stands for its drive; for other paths, the folder that holds
/// it.
fn folder_of(path: &Path, roots: &[PathBuf]) -> PathBuf {
    let root = roots.iter().filter(|root| path.starts_with(root)).max_by_key(|root| root.as_os_str().len());
    root.map_or_else(|| path.parent().unwrap_or(path).to_path_buf(), Clone::clone)
}
