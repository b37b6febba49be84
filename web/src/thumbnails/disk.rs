//! Thumbnails in files, so that they are drawn once and not once per start.
//!
//! ```text
//! cache/thumbnails/3f/3f9c…e1-320    the JPEG, and the 16 bytes of its hash
//! ```
//!
//! A file is written beside its place and renamed, and read back only if its hash is right: a
//! process that is killed, a full disk or a foreign hand costs a thumbnail that is drawn again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::SystemTime;

use actix_web::web::Bytes;
use glimpse_engine::{ContentHash, create_private_dir_all, create_private_file};
use parking_lot::Mutex;

use super::Key;

const HASH: usize = 16;
/// When there is too much, this share is kept.
const KEPT: f64 = 0.8;

/// The files below one folder.
pub struct DiskCache {
    folder: PathBuf,
    capacity: u64,
    /// Bytes of all files; unknown until the first one is written, since counting takes a walk.
    bytes: Mutex<Option<u64>>,
    /// Tells files that are being written apart.
    writing: AtomicU64,
}

impl DiskCache {
    /// Keeps about `capacity` bytes below `folder`, which need not exist yet.
    pub fn new(folder: PathBuf, capacity: u64) -> Self {
        Self { folder, capacity, bytes: Mutex::new(None), writing: AtomicU64::new(0) }
    }

    /// A thumbnail that was kept; one that is damaged is gone.
    pub fn get(&self, key: &Key) -> Option<Bytes> {
        let path = self.path(key);
        let mut bytes = fs::read(&path).ok()?;
        let split = bytes.len().checked_sub(HASH);
        if split.is_none_or(|split| ContentHash::of(&bytes[..split]).0 != bytes[split..]) {
            let _ = fs::remove_file(&path);
            return None;
        }
        bytes.truncate(split?);
        // The one used longest ago goes first.
        let _ = File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(bytes.into())
    }

    /// Whether a thumbnail is kept, damaged or not.
    pub fn has(&self, key: &Key) -> bool {
        self.path(key).exists()
    }

    /// Whether there is room for more without dropping something.
    pub fn has_room(&self) -> bool {
        *self.bytes.lock().get_or_insert_with(|| bytes_below(&self.folder)) < self.capacity
    }

    /// Keeps a thumbnail. What cannot be written is drawn again another time.
    pub fn put(&self, key: &Key, jpeg: &Bytes) {
        if self.write(&self.path(key), jpeg).is_err() {
            return;
        }
        let mut bytes = self.bytes.lock();
        let known = match *bytes {
            Some(known) => known + (jpeg.len() + HASH) as u64,
            None => bytes_below(&self.folder),
        };
        *bytes = Some(if known > self.capacity { self.make_room() } else { known });
    }

    fn write(&self, path: &Path, jpeg: &Bytes) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.folder);
        create_private_dir_all(folder)?;
        let number = self.writing.fetch_add(1, Relaxed);
        let draft = folder.join(format!("draft-{}-{number}", std::process::id()));
        let mut file = create_private_file(&draft)?;
        let written = file.write_all(jpeg).and_then(|()| file.write_all(&ContentHash::of(jpeg).0));
        drop(file);
        let placed = written.and_then(|()| fs::rename(&draft, path));
        if placed.is_err() {
            let _ = fs::remove_file(&draft);
        }
        placed
    }

    /// Removes what was used longest ago, drafts of killed processes included. Gives the bytes that
    /// are left.
    fn make_room(&self) -> u64 {
        let mut files = files(&self.folder);
        files.sort_by_key(|file| file.used);
        let mut bytes: u64 = files.iter().map(|file| file.length).sum();
        let room = (self.capacity as f64 * KEPT) as u64;
        for file in files {
            if bytes <= room {
                break;
            }
            if fs::remove_file(&file.path).is_ok() {
                bytes -= file.length;
            }
        }
        bytes
    }

    fn path(&self, (content, size): &Key) -> PathBuf {
        self.folder.join(content.get(..2).unwrap_or("00")).join(format!("{content}-{size}"))
    }
}

fn bytes_below(folder: &Path) -> u64 {
    files(folder).iter().map(|file| file.length).sum()
}

struct Kept {
    path: PathBuf,
    length: u64,
    used: SystemTime,
}

fn files(folder: &Path) -> Vec<Kept> {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let kept = |entry: fs::DirEntry| {
        let facts = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        Some(Kept { path: entry.path(), length: facts.len(), used: facts.modified().unwrap_or(SystemTime::UNIX_EPOCH) })
    };
    entries(folder).flat_map(|inner| entries(&inner.path()).filter_map(kept).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use glimpse_nonempty::each;

    use super::*;

    fn key(name: &str) -> Key {
        (format!("{name:0>32}"), 320)
    }

    fn jpeg(name: &str, length: usize) -> Bytes {
        name.bytes().cycle().take(length).collect::<Vec<_>>().into()
    }

    #[test]
    fn what_was_kept_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("thumbnails");
        assert_eq!(DiskCache::new(place.clone(), 1000).get(&key("a")), None);
        DiskCache::new(place.clone(), 1000).put(&key("a"), &jpeg("a", 100));
        let again = DiskCache::new(place.clone(), 1000);
        assert_eq!(again.get(&key("a")), Some(jpeg("a", 100)));
        assert_eq!(again.get(&("a".repeat(32), 160)), None);
        assert_eq!(files(&place).len(), 1, "no draft is left");
    }

    #[test]
    fn damage_costs_the_thumbnail_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::new(folder.path().to_path_buf(), 10_000);
        let path = cache.path(&key("a"));
        let damages: [fn(&mut Vec<u8>); 4] =
            [|bytes| bytes.truncate(50), |bytes| bytes.truncate(3), Vec::clear, |bytes| bytes[7] ^= 1];
        for damage in each(damages) {
            cache.put(&key("a"), &jpeg("a", 100));
            let mut bytes = fs::read(&path).unwrap();
            damage(&mut bytes);
            fs::write(&path, bytes).unwrap();
            assert_eq!((cache.get(&key("a")), path.exists()), (None, false));
        }
        cache.put(&key("a"), &jpeg("a", 100));
        assert_eq!(cache.get(&key("a")), Some(jpeg("a", 100)));
    }

    #[test]
    fn the_files_used_longest_ago_make_room() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::new(folder.path().to_path_buf(), 1000);
        fs::create_dir_all(folder.path().join("00")).unwrap();
        fs::write(folder.path().join("00/draft-1-0"), [0; 100]).unwrap(); // of a process that was killed
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        for (age, name) in names.iter().enumerate() {
            cache.put(&key(name), &jpeg(name, 100));
            let used = SystemTime::UNIX_EPOCH + Duration::from_secs(age as u64 + 1);
            if let Ok(file) = File::options().append(true).open(cache.path(&key(name))) {
                file.set_modified(used).unwrap();
            }
            cache.get(&key("a"));
        }
        let bytes: u64 = files(folder.path()).iter().map(|file| file.length).sum();
        assert!(bytes <= 1000, "{bytes}");
        assert!(cache.get(&key("a")).is_some() && cache.get(&key("h")).is_some() && cache.get(&key("b")).is_none());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a file");
        fs::write(&place, "").unwrap();
        let cache = DiskCache::new(place, 1000);
        cache.put(&key("a"), &jpeg("a", 100));
        assert_eq!(cache.get(&key("a")), None);
    }
}
