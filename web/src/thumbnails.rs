//! Small JPEGs of pictures, made when asked for and kept while there is room.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use actix_web::web::Bytes;
use glimpse_engine::{Limits, decode};
use image::codecs::jpeg::JpegEncoder;
use image::imageops;
use parking_lot::Mutex;

use crate::error::ApiError;
use crate::wire::ImageView;

/// Longer sides that can be asked for, in pixels: few, so that the cache is worth having.
pub const SIZES: [u32; 3] = [160, 320, 640];
const QUALITY: u8 = 82;

/// Content hash and size.
type Key = (String, u32);

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

/// Draws a picture with its longer side at most `size` pixels; a smaller one keeps its size.
pub fn make(image: &ImageView, size: u32) -> Result<Bytes, ApiError> {
    let (path, limits) = (&image.file, Limits::default());
    let mut bytes = Vec::new();
    open_unchanged(image)?.take(limits.max_bytes).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    let pixels = decode(&bytes, &limits).map_err(|error| unreadable(path, &error))?.pixels;
    drop(bytes);

    let scale = f64::from(size) / f64::from(pixels.width().max(pixels.height()).max(size));
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let small = imageops::thumbnail(&pixels, side(pixels.width()), side(pixels.height()));
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&small).map_err(|error| unreadable(path, &error))?;
    Ok(jpeg.into())
}

/// Opens the file of a picture if it still has the size it was indexed with: a path that leads elsewhere by now is not
/// served.
pub fn open_unchanged(image: &ImageView) -> Result<File, ApiError> {
    let file = File::open(&image.file).map_err(|error| unreadable(&image.file, &error))?;
    let facts = file.metadata().map_err(|error| unreadable(&image.file, &error))?;
    if facts.is_file() && facts.len() == image.bytes {
        return Ok(file);
    }
    Err(ApiError::not_found(format!("{} has changed since it was indexed", image.path))
        .hint("run `glimpse index` again"))
}

/// A picture of the library that cannot be read now.
pub fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> ApiError {
    ApiError::not_found(format!("{}: {error}", path.display()))
        .hint("the file has moved or changed; run `glimpse index` again")
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
