//! The file of favourites and albums: a line for each change, which is synced before it counts.
//!
//! ```text
//! glimpse collections 1
//! CHECKSUM JSON            CRC-32 of the JSON as 8 hexadecimal digits, then a `Change`; repeated
//! ```
//!
//! A line that is damaged costs its change, and no other. A journal that is much longer than what
//! it amounts to is written anew beside the old one, and put in its place by a rename.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::CollectionsError;
use super::change::{Change, Data};
use crate::folder::sync_dir;
use crate::private::{create_private_dir_all, create_private_file};

/// The name of the file in the folder of a library.
pub(super) const NAME: &str = "collections.journal";
/// What the damaged file is kept as, when a whole one takes its place.
const DAMAGED: &str = "collections.damaged";
const START: &str = "glimpse collections ";
const VERSION: u32 = 1;
/// A journal shorter than this is not written anew.
const SHORT: u64 = 1 << 20;
/// One longer than so many times what it amounts to is.
const LONG: u64 = 4;

/// The file, open from the first change on.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: Option<File>,
    /// Its length; what lies behind it is no part of it.
    bytes: u64,
    /// Its length when it was last written as a whole.
    whole: u64,
    /// The last line has its end.
    ended: bool,
    /// Lines that could not be read.
    damaged: usize,
    /// Why nothing can be written.
    refused: Option<String>,
}

impl Journal {
    /// Reads a file, which need not be there.
    pub fn open(path: &Path) -> (Self, Data) {
        let mut data = Data::default();
        let mut journal =
            Self { path: path.to_path_buf(), file: None, bytes: 0, whole: 0, ended: true, damaged: 0, refused: None };
        match fs::read(path) {
            Ok(bytes) => journal.read(&bytes, &mut data),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => journal.refused = Some(format!("it cannot be read ({error})")),
        }
        (journal, data)
    }

    fn read(&mut self, bytes: &[u8], data: &mut Data) {
        (self.bytes, self.ended) = (bytes.len() as u64, bytes.last().is_none_or(|&last| last == b'\n'));
        let mut lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let head = lines.next().and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
        match head.strip_prefix(START).map(str::parse) {
            Some(Ok(VERSION)) => {}
            Some(Ok(newer)) if newer > VERSION => {
                self.refused =
                    Some(format!("it is of format {newer}, which this program does not know; update glimpse"));
                return;
            }
            // The head is damaged; the lines speak for themselves.
            _ => self.damaged += usize::from(!bytes.is_empty()),
        }
        for line in lines {
            match read_line(line) {
                Some(change) => data.apply(change),
                None => self.damaged += 1,
            }
        }
    }

    /// What is wrong, in words.
    pub fn problem(&self) -> Option<String> {
        let shown = self.path.display();
        if let Some(refused) = &self.refused {
            return Some(format!("{shown}: favourites and albums are not known, and cannot be changed: {refused}"));
        }
        let lost = match self.damaged {
            0 => return None,
            1 => "1 change".to_owned(),
            more => format!("{more} changes"),
        };
        Some(format!("{shown}: {lost} of favourites or albums could not be read; all others are kept"))
    }

    /// Writes a change, so that it outlives a power cut.
    pub fn append(&mut self, change: &Change) -> Result<(), CollectionsError> {
        if let Some(reason) = &self.refused {
            return Err(self.unwritable(reason));
        }
        let mut text = if self.ended { String::new() } else { "\n".to_owned() };
        if self.bytes == 0 {
            text = head();
        }
        text.push_str(&line(change));
        let written = self.write(text.as_bytes());
        if let Err(error) = written {
            // What was written of it is written over by the next change, or cut off here.
            if let Some(file) = self.file.take() {
                let _ = file.set_len(self.bytes);
            }
            return Err(self.unwritable(&error.to_string()));
        }
        self.bytes += text.len() as u64;
        self.ended = true;
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(self.open_file()?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        file.seek(SeekFrom::Start(self.bytes))?;
        file.write_all(text)?;
        file.sync_data()
    }

    fn open_file(&self) -> io::Result<File> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        if self.bytes > 0 {
            return OpenOptions::new().write(true).open(&self.path);
        }
        create_private_dir_all(folder)?;
        let file = create_private_file(&self.path)?;
        sync_dir(folder)?;
        Ok(file)
    }

    /// Writes the journal anew if it is much longer than what it amounts to. If that fails, the
    /// long one stays.
    pub fn shorten(&mut self, data: &Data) {
        if self.bytes > SHORT && self.bytes > self.whole.saturating_mul(LONG) {
            match self.rewrite(data) {
                Ok(bytes) => (self.bytes, self.whole, self.damaged) = (bytes, bytes, 0),
                Err(_) => self.whole = self.bytes, // not tried again at each change
            }
            self.file = None;
        }
    }

    fn rewrite(&self, data: &Data) -> io::Result<u64> {
        let mut text = head();
        data.changes().for_each(|change| text.push_str(&line(&change)));
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let beside = self.path.with_extension("new");
        let mut file = create_private_file(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if self.damaged > 0 {
            fs::copy(&self.path, folder.join(DAMAGED))?;
        }
        fs::rename(&beside, &self.path)?;
        sync_dir(folder)?;
        Ok(text.len() as u64)
    }

    /// Writes the journal anew without what could not be read, which is kept beside it.
    pub fn mend(&mut self, data: &Data) -> Result<(), CollectionsError> {
        if let Some(reason) = &self.refused {
            return Err(self.unwritable(reason));
        }
        let bytes = self.rewrite(data).map_err(|error| self.unwritable(&error.to_string()))?;
        (self.bytes, self.whole, self.damaged, self.ended, self.file) = (bytes, bytes, 0, true, None);
        Ok(())
    }

    fn unwritable(&self, reason: &str) -> CollectionsError {
        CollectionsError::Unwritable { path: self.path.clone(), reason: reason.to_owned() }
    }
}

fn head() -> String {
    format!("{START}{VERSION}\n")
}

fn line(change: &Change) -> String {
    let json = serde_json::to_string(change).unwrap_or_default(); // names and texts always have a JSON
    format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
}

fn read_line(line: &[u8]) -> Option<Change> {
    let (sum, rest) = line.split_at_checked(8)?;
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    let json = rest.strip_prefix(b" ").filter(|json| crc32fast::hash(json) == sum)?;
    serde_json::from_slice(json).ok()
}
