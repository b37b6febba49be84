//! Thumbnails made lately, kept in memory while there is room, and in files for longer.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::web::Bytes;
use parking_lot::Mutex;

use super::Key;
use super::disk::DiskCache;
use crate::error::ApiError;

/// Thumbnails made lately, the least used one dropped first.
pub struct ThumbnailCache {
    capacity: usize,
    kept: Mutex<Kept>,
    disk: Arc<DiskCache>,
}

#[derive(Default)]
struct Kept {
    images: HashMap<Key, (Bytes, u64)>,
    bytes: usize,
    clock: u64,
}

impl ThumbnailCache {
    /// Keeps at most `capacity` bytes in memory.
    pub fn new(capacity: usize, disk: Arc<DiskCache>) -> Self {
        Self { capacity, kept: Mutex::default(), disk }
    }

    /// Bytes kept.
    pub fn bytes(&self) -> usize {
        self.kept.lock().bytes
    }

    /// A thumbnail that was drawn, in memory or in its file.
    pub fn get(&self, key: &Key) -> Option<Bytes> {
        let kept = self.in_memory(key);
        kept.or_else(|| {
            self.disk.get(key).inspect(|found| self.kept.lock().put(key.clone(), found.clone(), self.capacity))
        })
    }

    /// An image in memory.
    pub fn in_memory(&self, key: &Key) -> Option<Bytes> {
        self.kept.lock().get(key)
    }

    /// A thumbnail from memory, from its file, or a new one.
    pub fn get_or_draw(&self, key: Key, draw: impl FnOnce() -> Result<Bytes, ApiError>) -> Result<Bytes, ApiError> {
        self.get_or_make(key.clone(), || {
            if let Some(found) = self.disk.get(&key) {
                return Ok(found);
            }
            let drawn = draw()?;
            self.disk.put(&key, &drawn);
            Ok(drawn)
        })
    }

    /// An image from memory, or a new one. Two callers may make the same one at a time; both are
    /// right.
    pub fn get_or_make(&self, key: Key, make: impl FnOnce() -> Result<Bytes, ApiError>) -> Result<Bytes, ApiError> {
        if let Some(found) = self.kept.lock().get(&key) {
            return Ok(found);
        }
        let made = make()?;
        self.kept.lock().put(key, made.clone(), self.capacity);
        Ok(made)
    }
}

impl Kept {
    fn get(&mut self, key: &Key) -> Option<Bytes> {
        self.clock += 1;
        let (bytes, used) = self.images.get_mut(key)?;
        *used = self.clock;
        Some(bytes.clone())
    }

    fn put(&mut self, key: Key, bytes: Bytes, capacity: usize) {
        self.clock += 1;
        self.bytes += bytes.len();
        if let Some((old, _)) = self.images.insert(key, (bytes, self.clock)) {
            self.bytes -= old.len();
        }
        while self.bytes > capacity {
            let Some(oldest) = self.images.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone()) else {
                return;
            };
            self.bytes -= self.images.remove(&oldest).map_or(0, |(bytes, _)| bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cache(folder: &tempfile::TempDir, capacity: usize) -> ThumbnailCache {
        ThumbnailCache::new(capacity, Arc::new(DiskCache::new(folder.path().to_path_buf(), 10_000)))
    }

    #[test]
    fn a_thumbnail_is_drawn_once_and_other_images_have_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let key = || ("0123".to_owned(), 160);
        for draw in [true, false] {
            let cache = cache(&folder, 50); // too small for memory
            let drawn = cache.get_or_draw(key(), || if draw { Ok("thumbnail".into()) } else { Err(ApiError::busy()) });
            assert_eq!(drawn.unwrap(), "thumbnail");
            cache.get_or_make(("heatmap".into(), 160), || Ok("heat".into())).unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_cache_forgets_what_was_used_longest_ago() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(&folder, 250);
        let key = |name: &str| (name.to_owned(), 160);
        let put = |name| cache.get_or_make(key(name), || Ok(Bytes::from(vec![0; 100]))).unwrap();
        let kept = |name| cache.kept.lock().images.contains_key(&key(name));
        put("a");
        put("b");
        put("a"); // now `b` is the oldest
        put("c");
        assert!(kept("a") && !kept("b") && kept("c"));
        assert_eq!(cache.kept.lock().bytes, 200);
    }

    #[test]
    fn an_image_that_is_larger_than_the_cache_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(&folder, 50);
        cache.get_or_make(("a".into(), 160), || Ok(Bytes::from(vec![0; 100]))).unwrap();
        assert_eq!(cache.kept.lock().bytes, 0);
    }
}
