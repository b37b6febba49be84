//! The blurred stand-ins of all images that were ever decoded here: in memory, and in a file that
//! is only appended to.
//!
//! ```text
//! cache/placeholders    32 hex digits of the content hash, a space, the BlurHash, a newline; repeated
//! ```

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glimpse_engine::{ContentHash, create_private_dir_all};
use image::RgbImage;
use parking_lot::Mutex;

use super::Blur;

const HASH: usize = 32;
const LINE: usize = HASH + 1 + Blur::LENGTH + 1;

/// Stand-ins by content. What cannot be written to the file is known until the process ends.
#[derive(Debug)]
pub struct Placeholders {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    blurs: HashMap<[u8; 16], Blur>,
    file: Option<File>,
}

impl Placeholders {
    /// Reads the stand-ins below a cache folder, which need not exist yet.
    pub fn open(cache: &Path) -> Arc<Self> {
        let path = cache.join("placeholders");
        let bytes = std::fs::read(&path).unwrap_or_default();
        let blurs = bytes.chunks_exact(LINE).filter_map(read_line).collect();
        Arc::new(Self { path, known: Mutex::new(Known { blurs, file: None }) })
    }

    /// The stand-in of an image, if it is known.
    pub fn get(&self, content: &ContentHash) -> Option<Blur> {
        self.known.lock().blurs.get(&content.0).copied()
    }

    /// Learns the stand-in of a decoded image.
    pub fn note(&self, content: &ContentHash, pixels: &RgbImage) {
        if self.get(content).is_some() || pixels.is_empty() {
            return;
        }
        let blur = Blur::of(pixels);
        let mut known = self.known.lock();
        if known.blurs.insert(content.0, blur).is_some() {
            return; // another thread was faster
        }
        if known.file.is_none() {
            known.file = open_to_append(&self.path).ok();
        }
        if let Some(file) = &mut known.file {
            // A lost line costs a stand-in after the next start, nothing else.
            let _ = file.write_all(format!("{content} {}\n", blur.as_str()).as_bytes());
        }
    }
}

/// A file that another program has cut off in the middle of a line goes on with a whole one.
fn open_to_append(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        create_private_dir_all(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    file.set_len(length - length % LINE as u64)?;
    Ok(file)
}

fn read_line(line: &[u8]) -> Option<([u8; 16], Blur)> {
    let (hash, rest) = line.split_at(HASH);
    let hash = std::str::from_utf8(hash).ok()?;
    let mut content = [0; 16];
    for (byte, at) in content.iter_mut().zip((0..HASH).step_by(2)) {
        *byte = u8::from_str_radix(hash.get(at..at + 2)?, 16).ok()?;
    }
    Some((content, Blur::read(rest.get(1..=Blur::LENGTH)?)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use image::Rgb;

    use super::*;

    #[test]
    fn what_was_learnt_is_known_after_a_restart_and_damage_costs_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        let image = |n: u8| (ContentHash([n; 16]), RgbImage::from_pixel(3, 3, Rgb([n, 0, 0])));
        let first = Placeholders::open(&cache);
        for n in [1, 2, 2] {
            let (content, pixels) = image(n);
            first.note(&content, &pixels);
        }
        drop(first);
        let path = cache.join("placeholders");
        let mut bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 2 * LINE);
        bytes.extend(b"cut o");
        std::fs::write(&path, bytes).unwrap();

        let second = Placeholders::open(&cache);
        assert_eq!(second.get(&image(2).0), Some(Blur::of(&image(2).1)));
        let (content, pixels) = image(3);
        second.note(&content, &pixels);
        assert!(Placeholders::open(&cache).get(&content).is_some());
    }
}
