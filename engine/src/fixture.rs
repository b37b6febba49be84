//! A library of coloured images for tests.

use std::path::PathBuf;
use std::sync::Arc;

use glimpse_encoder::testing::FakeEncoder;
use glimpse_encoder::{Encode, Outputs};
use glimpse_indexer::{ContentHash, Index, Library};
use image::{Rgb, RgbImage};
use tempfile::TempDir;

use crate::{Engine, FileRecord, FileRole, Format, ImageId, ImageRecord, Settings};

pub const DIM: usize = 64;

pub const RED: [u8; 3] = [220, 20, 20];
pub const GREEN: [u8; 3] = [20, 160, 20];
pub const BLUE: [u8; 3] = [20, 20, 220];

/// A library on disk, written image by image.
pub struct Fixture {
    pub home: TempDir,
    pub encoder: Arc<FakeEncoder>,
    pub index: Arc<Index>,
}

/// An image to be; the rest of its record follows from its number.
#[derive(Clone, Debug)]
pub struct Shot {
    pub path: &'static str,
    pub colour: [u8; 3],
    pub taken: Option<i64>,
    pub camera: Option<&'static str>,
    pub caption: Option<&'static str>,
    pub width: u32,
}

impl Shot {
    pub fn of(path: &'static str, colour: [u8; 3]) -> Self {
        Self { path, colour, taken: None, camera: None, caption: None, width: 640 }
    }
}

impl Fixture {
    pub fn empty() -> Self {
        let home = tempfile::tempdir().unwrap();
        let encoder = Arc::new(FakeEncoder::new(DIM));
        let library = Library::at(&Settings::at(home.path()).library_dir());
        let index = library.open_for(encoder.info(), false).unwrap();
        library.promote(&index).unwrap();
        Self { home, encoder, index }
    }

    /// Adds an image; `nuance` makes images of one colour differ a little.
    pub fn add(&self, shot: &Shot, nuance: u8) -> ImageId {
        let mut pixels = RgbImage::from_pixel(64, 64, Rgb(shot.colour));
        for (x, y, pixel) in pixels.enumerate_pixels_mut() {
            if x / 16 + y / 16 * 4 == u32::from(nuance) % 16 {
                pixel.0 = pixel.0.map(|v| v.saturating_add(10 + nuance / 16));
            }
        }
        let prepared = self.encoder.prepare(&pixels).unwrap();
        let vector = self.encoder.encode_images(&[prepared], Outputs::Pooled).unwrap().remove(0).embedding;
        self.add_vector(shot, vector.as_slice())
    }

    /// As [`Fixture::add`], with a vector of one's own.
    pub fn add_vector(&self, shot: &Shot, vector: &[f32]) -> ImageId {
        let path = PathBuf::from("/photos").join(shot.path);
        let content = ContentHash::of(shot.path.as_bytes());
        let record = ImageRecord {
            taken: shot.taken,
            camera: shot.camera.map(str::to_owned),
            caption: shot.caption.map(str::to_owned),
            ..ImageRecord::bare(content, (shot.width, 480), Format::Png, 1000)
        };
        let file = FileRecord {
            path,
            image: ImageId(0),
            role: FileRole::Primary,
            bytes: 1000,
            modified: 0,
            changed: 0,
            sidecar_modified: 0,
            missing: false,
        };
        self.index.add(record, vector, file).unwrap()
    }

    /// `count` images in many colours, none of them red.
    pub fn add_crowd(&self, count: usize) -> Vec<ImageId> {
        let name = |i: usize| -> &'static str { Box::leak(format!("crowd/{i:04}.png").into_boxed_str()) };
        let colour = |i: usize| [(i * 37 % 60) as u8, (i * 91 % 250) as u8, (i * 53 % 250) as u8];
        (0..count).map(|i| self.add(&Shot::of(name(i), colour(i)), (i % 200) as u8)).collect()
    }

    /// Closes the index and opens an engine over it.
    pub fn engine(self) -> (Engine, TempDir) {
        self.index.finish().unwrap();
        let Self { home, encoder, index } = self;
        drop(index);
        (Engine::with_encoder(Settings::at(home.path()), encoder).unwrap(), home)
    }
}
