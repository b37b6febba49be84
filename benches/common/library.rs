//! Made-up libraries: images with random words, that no file holds.

use std::path::PathBuf;

use glimpse::indexer::{ContentHash, FileRecord, FileRole, ImageRecord, Index};
use glimpse::{Format, ImageId};

use super::{Noise, clustered};

const WORDS: [&str; 24] = [
    "beach", "sunset", "cat", "dog", "mountain", "snow", "birthday", "cake", "bicycle", "bridge", "river", "forest",
    "market", "tram", "concert", "garden", "rain", "window", "harbour", "boat", "castle", "train", "bread", "night",
];

/// A random word.
pub fn pick(noise: &mut Noise) -> &'static str {
    WORDS[noise.below(WORDS.len())]
}

/// Fills an index with images whose vectors are random round a mean.
pub fn fill(index: &Index, count: usize, dim: usize) {
    let vectors = clustered(count, dim, 4);
    fill_by(index, count, |index, number, record, file| {
        index.add(record, vectors.row(number), file).expect("an image");
    });
}

/// Fills an index with images that `add` adds: an hour between two of them, 500 in a folder, four
/// words to a caption.
pub fn fill_by(index: &Index, count: usize, mut add: impl FnMut(&Index, usize, ImageRecord, FileRecord)) {
    let mut noise = Noise(3);
    for number in 0..count {
        let name = format!("IMG_{number:06}.jpg");
        let record = ImageRecord {
            taken: Some(1_500_000_000 + number as i64 * 3600),
            camera: Some("Bench 3000".to_owned()),
            caption: Some((0..4).map(|_| pick(&mut noise)).collect::<Vec<_>>().join(" ")),
            keywords: vec![pick(&mut noise).to_owned()],
            ..ImageRecord::bare(ContentHash::of(name.as_bytes()), (4032, 3024), Format::Jpeg, 3_000_000)
        };
        let path = PathBuf::from(format!("/images/{:03}/{name}", number / 500));
        let file = FileRecord {
            path,
            image: ImageId(0),
            role: FileRole::Primary,
            bytes: 1,
            modified: 1,
            changed: 0,
            sidecar_modified: 0,
            missing: false,
        };
        add(index, number, record, file);
        if number % 1000 == 999 {
            index.commit().expect("a commit");
        }
    }
    index.commit().expect("a commit");
}
