//! Zip archives of images, written while they are sent: the files as they are, one after the other,
//! each followed by its size and checksum (APPNOTE.TXT 4.3.9, data descriptors; 4.5.3, Zip64).

mod names;

use std::io::{self, Write};
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use glimpse_engine::{Engine, EngineError, ImageId, Original};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use parking_lot::Mutex;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use self::names::Names;
use crate::error::ApiError;

/// Bytes of a file read at a time.
const READ: usize = 256 << 10;
/// A piece of the archive is given when it has so many bytes; small files share one.
const PIECE: usize = 64 << 10;
/// The file in the archive that says what is not in it.
const UNREAD: &str = "NOT READ.txt";
/// Most lines of that file.
const MOST_TOLD: usize = 10_000;
/// The first size that takes Zip64.
const LARGE: u64 = u32::MAX as u64;

/// An archive that is being written. It holds a piece of at most [`PIECE`] + [`READ`] bytes, and
/// the names of the files that it has.
pub struct Archive {
    /// `None` when the archive is complete.
    zip: Option<ZipWriter<StreamWriter<Pipe>>>,
    written: Pipe,
    images: std::vec::IntoIter<ImageId>,
    /// The folder that names are relative to.
    base: Option<PathBuf>,
    names: Names,
    file: Option<OpenFile>,
    unread: Vec<String>,
    unread_count: usize,
}

/// The file that is being copied.
struct OpenFile {
    file: Original,
    at: u64,
}

impl Archive {
    /// An archive of some images, by number.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn new(engine: &Engine, images: Vec<ImageId>) -> Result<Self, EngineError> {
        let written = Pipe::default();
        let mut names = Names::default();
        names.take(UNREAD.to_owned());
        Ok(Self {
            zip: Some(ZipWriter::new_stream(written.clone())),
            written,
            base: engine.common_folder(&images)?,
            images: images.into_iter(),
            names,
            file: None,
            unread: Vec::new(),
            unread_count: 0,
        })
    }

    /// The next piece, which may be empty; `None` after the last. One call opens one file at most.
    ///
    /// # Errors
    /// If the archive cannot be written. A file that cannot be read is told in the archive instead.
    pub fn next_piece(&mut self, engine: &Engine) -> Result<Option<Vec<u8>>, ApiError> {
        if self.zip.is_none() {
            return Ok(None);
        }
        let mut opened = false;
        while self.written.len() < PIECE {
            if let Some(file) = self.file.take() {
                self.copy(file)?;
            } else if mem::replace(&mut opened, true) {
                break;
            } else if let Some(image) = self.images.next() {
                self.open(engine, image)?;
            } else {
                self.finish()?;
                break;
            }
        }
        Ok(Some(self.written.take()))
    }

    /// Begins the file of an image.
    fn open(&mut self, engine: &Engine, image: ImageId) -> Result<(), ApiError> {
        let opened = engine.image(image).and_then(|record| Ok((record.taken, engine.original(image)?)));
        match opened {
            Ok((taken, file)) => {
                let name = self.names.name(file.path(), self.base.as_deref());
                let options = stored(taken).large_file(file.len() >= LARGE);
                self.zip()?.start_file(name, options).map_err(unwritten)?;
                self.file = Some(OpenFile { file, at: 0 });
            }
            Err(error) => self.tell(format!("image {image}: {error}")),
        }
        Ok(())
    }

    /// Copies the next bytes of a file.
    fn copy(&mut self, OpenFile { file, at }: OpenFile) -> Result<(), ApiError> {
        let left = usize::try_from(file.len() - at).unwrap_or(READ);
        match file.read(at, left.min(READ)) {
            Ok(bytes) if bytes.is_empty() && left > 0 => {
                self.tell(format!("{}: only its first {at} bytes, it has become shorter", file.path().display()));
            }
            Ok(bytes) => {
                self.zip()?.write_all(&bytes).map_err(|error| unwritten(error.into()))?;
                let at = at + bytes.len() as u64;
                if at < file.len() {
                    self.file = Some(OpenFile { file, at });
                }
            }
            Err(error) => self.tell(format!("{}: only its first {at} bytes: {error}", file.path().display())),
        }
        Ok(())
    }

    /// Writes what could not be read, and the directory of the archive.
    fn finish(&mut self) -> Result<(), ApiError> {
        let mut lines = mem::take(&mut self.unread);
        if self.unread_count > lines.len() {
            lines.push(format!("and {} more", self.unread_count - lines.len()));
        }
        if !lines.is_empty() {
            let text = format!("These images are not in the archive, or not whole:\n\n{}\n", lines.join("\n"));
            self.zip()?.start_file(UNREAD, stored(None)).map_err(unwritten)?;
            self.zip()?.write_all(text.as_bytes()).map_err(|error| unwritten(error.into()))?;
        }
        if let Some(zip) = self.zip.take() {
            zip.finish().map_err(unwritten)?;
        }
        Ok(())
    }

    fn zip(&mut self) -> Result<&mut ZipWriter<StreamWriter<Pipe>>, ApiError> {
        self.zip.as_mut().ok_or_else(|| ApiError::internal("the archive is complete"))
    }

    fn tell(&mut self, line: String) {
        self.unread_count += 1;
        if self.unread.len() < MOST_TOLD {
            self.unread.push(line);
        }
    }
}

/// As it is, with the time at which it was taken.
fn stored(taken: Option<i64>) -> SimpleFileOptions {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    match taken.and_then(time) {
        Some(time) => options.last_modified_time(time),
        None => options,
    }
}

/// A camera's time; `None` before 1980, which archives cannot say.
fn time(taken: i64) -> Option<DateTime> {
    let time = Timestamp::from_second(taken).ok()?.to_zoned(TimeZone::UTC).datetime();
    let part = |part: i8| u8::try_from(part).ok();
    let (month, day) = (part(time.month())?, part(time.day())?);
    let (hour, minute, second) = (part(time.hour())?, part(time.minute())?, part(time.second())?);
    DateTime::from_date_and_time(u16::try_from(time.year()).ok()?, month, day, hour, minute, second).ok()
}

fn unwritten(error: zip::result::ZipError) -> ApiError {
    ApiError::internal(format!("the archive cannot be written: {error}"))
}

/// What was written and not yet sent.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Pipe {
    fn len(&self) -> usize {
        self.0.lock().len()
    }

    fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.0.lock())
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
