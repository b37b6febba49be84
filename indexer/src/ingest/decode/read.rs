//! Reads a file whole, and knows whether what was read is one state of it.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use glimpse_encoder::files;
use glimpse_encoder::image_file::{self, Format, Limits};

use crate::{ContentHash, ContentHasher, FileRecord, Reason, ReasonCode};

/// What tells one state of a file from another at the cost of a stat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub bytes: u64,
    /// Nanoseconds since 1970.
    pub modified: i64,
    /// When the file system last changed anything about the file, which no program can set:
    /// nanoseconds since 1970, 0 where there is no such time or it is not known.
    pub changed: i64,
}

impl Stat {
    pub fn of(facts: &fs::Metadata) -> Self {
        Self { bytes: facts.len(), modified: facts.modified().map_or(0, nanoseconds), changed: changed(facts) }
    }

    /// True if nothing tells this state from an `earlier` one.
    pub fn is(&self, earlier: &Self) -> bool {
        let known = self.changed != 0 && earlier.changed != 0;
        (self.bytes, self.modified) == (earlier.bytes, earlier.modified) && (!known || self.changed == earlier.changed)
    }
}

impl FileRecord {
    /// True if nothing tells the file from the state that is recorded.
    pub fn is_unchanged(&self, facts: &fs::Metadata) -> bool {
        Stat::of(facts).is(&Stat::from(self))
    }
}

impl From<&FileRecord> for Stat {
    fn from(record: &FileRecord) -> Self {
        Self { bytes: record.bytes, modified: record.modified, changed: record.changed }
    }
}

#[cfg(unix)]
fn changed(facts: &fs::Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt as _;
    facts.ctime().saturating_mul(1_000_000_000).saturating_add(facts.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(_: &fs::Metadata) -> i64 {
    0
}

/// Saturates in the years 1677 and 2262.
pub(crate) fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |before| -before),
    }
}

/// Why a file gave no bytes, worded for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is not an image that can be indexed.
    Skipped(Reason),
    /// It may be one, but could not be read.
    Failed(Reason),
    /// The run is over.
    Cancelled,
    /// Decoders that do not end are at work on these files; there is no going on.
    Stuck(Vec<PathBuf>),
}

/// A file that changes while it is read is read this often.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);
/// Enough of a file to tell its format.
const HEAD: u64 = 512;
/// Bytes of a video that are read at once.
const STEP: usize = 1 << 20;

/// What was read of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FileContent {
    /// All of an image.
    Bytes(Vec<u8>),
    /// A video, too large to be kept: its container and the hash of its bytes.
    Video(Format, ContentHash),
}

/// What is in the file of an image or a video, and the state in which it was. Files whose first
/// bytes announce neither, or an image that this build cannot read, are not read any further.
pub(crate) fn read(path: &Path, limits: &Limits) -> Result<(FileContent, Stat), Unread> {
    for attempt in 0..ATTEMPTS {
        std::thread::sleep(PAUSE * attempt);
        if let Some(read) = read_once(path, limits)? {
            return Ok(read);
        }
    }
    let text = "it kept changing while it was read; index again when it is complete";
    Err(Unread::Failed(Reason::new(ReasonCode::KeepsChanging, text)))
}

/// `None` if the file changed meanwhile.
fn read_once(path: &Path, limits: &Limits) -> Result<Option<(FileContent, Stat)>, Unread> {
    let failed = |error: io::Error| Unread::Failed(error.into());
    let mut file = files::open(path).map_err(failed)?;
    let before = Stat::of(&file.metadata().map_err(failed)?);
    let mut bytes = Vec::new();
    (&mut file).take(HEAD).read_to_end(&mut bytes).map_err(failed)?;
    let format = readable(&bytes, limits)?;
    if format.is_video() {
        let (content, length) = hash(&bytes, file).map_err(failed)?;
        let after = Stat::of(&fs::metadata(path).map_err(failed)?);
        let same = before == after && before.bytes == length;
        return Ok(same.then_some((FileContent::Video(format, content), before)));
    }
    if before.bytes > limits.max_bytes {
        let (found, limit) = (before.bytes, limits.max_bytes);
        let text = format!("too large: a file of {found} bytes, the limit is {limit} bytes");
        return Err(Unread::Skipped(Reason::new(ReasonCode::TooLarge, text)));
    }
    bytes.reserve_exact(before.bytes.saturating_sub(HEAD) as usize);
    file.take(limits.max_bytes - bytes.len() as u64).read_to_end(&mut bytes).map_err(failed)?;
    // By the path: a file that was replaced has another state there.
    let after = Stat::of(&fs::metadata(path).map_err(failed)?);
    Ok((before == after && before.bytes == bytes.len() as u64).then_some((FileContent::Bytes(bytes), before)))
}

/// The hash of a file that begins with `head` and goes on with the rest of `file`, and its length.
fn hash(head: &[u8], mut file: fs::File) -> io::Result<(ContentHash, u64)> {
    let (mut hasher, mut length) = (ContentHasher::default(), head.len() as u64);
    hasher.update(head);
    let mut bytes = vec![0; STEP];
    loop {
        match file.read(&mut bytes) {
            Ok(0) => return Ok((hasher.finish(), length)),
            Ok(count) => {
                hasher.update(&bytes[..count]);
                length += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn readable(head: &[u8], limits: &Limits) -> Result<Format, Unread> {
    let skipped = |error: image_file::ImageError| Unread::Skipped(error.into());
    let format = Format::sniff(head).map_err(skipped)?;
    if !format.is_read() {
        image_file::decode(head, limits).map_err(skipped)?;
    }
    Ok(format)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn only_the_first_bytes_of_what_is_no_image_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("film.jpg");
        let file = File::create(&path).unwrap();
        file.set_len(1 << 40).unwrap(); // a hole of a terabyte
        let Err(Unread::Skipped(reason)) = read(&path, &Limits::default()) else { panic!("a hole was read") };
        assert!(reason.text.starts_with("not an image") && reason.code == ReasonCode::UnknownFormat, "{reason}");
    }

    #[test]
    fn a_file_beyond_the_limit_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large.bmp");
        fs::write(&path, [b"BM".as_slice(), &[0; 98]].concat()).unwrap();
        let limits = |max_bytes| Limits { max_bytes, ..Limits::default() };
        let (FileContent::Bytes(bytes), _) = read(&path, &limits(100)).unwrap() else { panic!("a BMP is no video") };
        assert_eq!(bytes.len(), 100);
        let Err(Unread::Skipped(reason)) = read(&path, &limits(99)) else { panic!("100 bytes were read") };
        assert_eq!(reason.text, "too large: a file of 100 bytes, the limit is 99 bytes");
    }

    #[test]
    fn a_video_of_any_length_is_hashed_and_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.mp4");
        let bytes = [b"\0\0\0\x18ftypisom".as_slice(), &[7; 3 * STEP]].concat();
        fs::write(&path, &bytes).unwrap();
        let limits = Limits { max_bytes: 100, ..Limits::default() };
        let (contents, stat) = read(&path, &limits).unwrap();
        assert_eq!(contents, FileContent::Video(Format::Mp4, ContentHash::of(&bytes)));
        assert_eq!(stat.bytes, bytes.len() as u64);
    }

    #[test]
    fn what_is_not_there_fails_and_what_is_empty_is_skipped() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(read(&dir.path().join("none.png"), &Limits::default()), Err(Unread::Failed(_))));
        let empty = dir.path().join("empty.png");
        File::create(&empty).unwrap();
        assert_eq!(read(&empty, &Limits::default()), Err(Unread::Skipped(image_file::ImageError::Empty.into())));
    }
}
