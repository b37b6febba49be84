//! Thumbnails made lately, kept in memory while there is room.

use std::collections::HashMap;

use actix_web::web::Bytes;
use parking_lot::Mutex;

use crate::error::ApiError;

/// Content hash and size.
pub type Key = (String, u32);

/// Thumbnails made lately, the least used one dropped first.
pub struct ThumbnailCache {
    capacity: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    pictures: HashMap<Key, (Bytes, u64)>,
    bytes: usize,
    clock: u64,
}

impl ThumbnailCache {
    /// Keeps at most `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, kept: Mutex::default() }
    }

    /// Bytes kept.
    pub fn bytes(&self) -> usize {
        self.kept.lock().bytes
    }

    /// A kept thumbnail, or a new one. Two callers may make the same one at a time; both are right.
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
        let (bytes, used) = self.pictures.get_mut(key)?;
        *used = self.clock;
        Some(bytes.clone())
    }

    fn put(&mut self, key: Key, bytes: Bytes, capacity: usize) {
        self.clock += 1;
        self.bytes += bytes.len();
        if let Some((old, _)) = self.pictures.insert(key, (bytes, self.clock)) {
            self.bytes -= old.len();
        }
        while self.bytes > capacity {
            let Some(oldest) = self.pictures.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone())
            else {
                return;
            };
            self.bytes -= self.pictures.remove(&oldest).map_or(0, |(bytes, _)| bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_cache_forgets_what_was_used_longest_ago() {
        let cache = ThumbnailCache::new(250);
        let key = |name: &str| (name.to_owned(), 160);
        let put = |name| cache.get_or_make(key(name), || Ok(Bytes::from(vec![0; 100]))).unwrap();
        let kept = |name| cache.kept.lock().pictures.contains_key(&key(name));
        put("a");
        put("b");
        put("a"); // now `b` is the oldest
        put("c");
        assert!(kept("a") && !kept("b") && kept("c"));
        assert_eq!(cache.kept.lock().bytes, 200);
    }

    #[test]
    fn a_picture_that_is_larger_than_the_cache_is_not_kept() {
        let cache = ThumbnailCache::new(50);
        cache.get_or_make(("a".into(), 160), || Ok(Bytes::from(vec![0; 100]))).unwrap();
        assert_eq!(cache.kept.lock().bytes, 0);
    }
}
