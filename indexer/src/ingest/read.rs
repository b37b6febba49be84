//! Reads a file whole, and knows whether what was read is one state of it.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use glimpse_encoder::files;
use glimpse_encoder::image_file::{self, Format, Limits};

use crate::FileRecord;

/// What tells one state of a file from another at the cost of a stat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
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
pub(super) fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |before| -before),
    }
}

/// Why a file gave no bytes, worded for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is not an image that can be indexed.
    Skipped(String),
    /// It may be one, but could not be read.
    Failed(String),
    /// The run is over.
    Cancelled,
    /// Decoders that do not end are at work on these files; there is no going on.
    Stuck(Vec<PathBuf>),
}

/// A file that changes while it is read is read this often.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);
/// Enough of a file to tell its format.
const HEAD: u64 = 64;

/// The bytes of an image and the state of the file that holds them. Files whose first bytes
/// announce no image, or one that this build cannot read, are not read any further.
pub(super) fn read(path: &Path, limits: &Limits) -> Result<(Vec<u8>, Stat), Unread> {
    for attempt in 0..ATTEMPTS {
        std::thread::sleep(PAUSE * attempt);
        if let Some(read) = read_once(path, limits)? {
            return Ok(read);
        }
    }
    Err(Unread::Failed("it kept changing while it was read; index again when it is complete".into()))
}

/// `None` if the file changed meanwhile.
fn read_once(path: &Path, limits: &Limits) -> Result<Option<(Vec<u8>, Stat)>, Unread> {
    let failed = |error: io::Error| Unread::Failed(error.to_string());
    let mut file = files::open(path).map_err(failed)?;
    let before = Stat::of(&file.metadata().map_err(failed)?);
    let mut bytes = Vec::new();
    (&mut file).take(HEAD).read_to_end(&mut bytes).map_err(failed)?;
    readable(&bytes, limits)?;
    if before.bytes > limits.max_bytes {
        let (found, limit) = (before.bytes, limits.max_bytes);
        return Err(Unread::Skipped(format!("too large: a file of {found} bytes, the limit is {limit} bytes")));
    }
    bytes.reserve_exact(before.bytes.saturating_sub(HEAD) as usize);
    file.take(limits.max_bytes - bytes.len() as u64).read_to_end(&mut bytes).map_err(failed)?;
    // By the path: a file that was replaced has another state there.
    let after = Stat::of(&fs::metadata(path).map_err(failed)?);
    Ok((before == after && before.bytes == bytes.len() as u64).then_some((bytes, before)))
}

fn readable(head: &[u8], limits: &Limits) -> Result<(), Unread> {
    let skipped = |reason: image_file::ImageError| Unread::Skipped(reason.to_string());
    let format = Format::sniff(head).map_err(skipped)?;
    if !format.is_read() {
        image_file::decode(head, limits).map_err(skipped)?;
    }
    Ok(())
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
        assert!(reason.starts_with("not an image"), "{reason}");
    }

    #[test]
    fn a_file_beyond_the_limit_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large.bmp");
        fs::write(&path, [b"BM".as_slice(), &[0; 98]].concat()).unwrap();
        let limits = |max_bytes| Limits { max_bytes, ..Limits::default() };
        assert_eq!(read(&path, &limits(100)).unwrap().0.len(), 100);
        let Err(Unread::Skipped(reason)) = read(&path, &limits(99)) else { panic!("100 bytes were read") };
        assert_eq!(reason, "too large: a file of 100 bytes, the limit is 99 bytes");
    }

    #[test]
    fn what_is_not_there_fails_and_what_is_empty_is_skipped() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(read(&dir.path().join("none.png"), &Limits::default()), Err(Unread::Failed(_))));
        let empty = dir.path().join("empty.png");
        File::create(&empty).unwrap();
        assert_eq!(read(&empty, &Limits::default()), Err(Unread::Skipped("the file is empty".into())));
    }
}
