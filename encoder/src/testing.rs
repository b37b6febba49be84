//! A model without weights, for tests of everything that stands on [`Encode`]; one whose vectors
//! are given; and [`Product`], for benches.
//!
//! An image becomes the mean colours of a 4 x 4 grid, projected to `dim` by fixed signs; a text
//! becomes the sum of its words, where the name of a colour is the vector of an image in that
//! colour and any other word has a direction of its own. So `red` finds red images, equal pixels
//! have equal vectors, and nothing depends on chance, time or machine.

mod precomputed;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use image::{Rgb, RgbImage, imageops};

use crate::decoder::Decoder;
use crate::image_file::ImageError;
use crate::{
    DenseGrid, Embedding, Encode, EncodeError, ImageFeatures, ModelInfo, Outputs, PixelInput, Projection, Scoring,
};

pub use crate::cpu::product::Product;
pub use precomputed::PrecomputedEncoder;

/// Patches per side of the grid.
const GRID: usize = 4;
/// Side of a patch in pixels.
const PATCH: usize = 16;
/// Grid colours and one constant, which gives mid-grey a direction too.
const FEATURES: usize = GRID * GRID * 3 + 1;
const TEXT_LENGTH: usize = 64;
const VOCAB_SIZE: usize = 1 << 15;

const COLOURS: [(&str, [u8; 3]); 10] = [
    ("red", [220, 20, 20]),
    ("green", [20, 160, 20]),
    ("blue", [20, 20, 220]),
    ("yellow", [230, 220, 20]),
    ("orange", [240, 140, 20]),
    ("purple", [140, 20, 160]),
    ("cyan", [20, 200, 210]),
    ("white", [250, 250, 250]),
    ("black", [5, 5, 5]),
    ("grey", [128, 128, 128]),
];

type Trap = Box<dyn Fn(&PixelInput) -> bool + Send + Sync>;

/// A deterministic [`Encode`]; see the module's text.
pub struct FakeEncoder {
    info: ModelInfo,
    delay: Duration,
    trap: Option<Trap>,
    decoder: Option<Decoder>,
    taught: Option<(String, String)>,
    images: AtomicUsize,
    calls: AtomicUsize,
}

impl FakeEncoder {
    /// An encoder of `dim`-wide vectors. Two encoders of one width agree on every vector.
    pub fn new(dim: usize) -> Self {
        let info = ModelInfo {
            name: "fake".into(),
            fingerprint: format!("{:032x}", mix(dim as u64)),
            image_fingerprint: Some(format!("{:032x}", mix(dim as u64 ^ 1))),
            adapter: None,
            model_type: "siglip".into(),
            dim,
            image_size: Some(GRID * PATCH),
            max_patches: None,
            patch_size: PATCH,
            text_length: TEXT_LENGTH,
            vocab_size: VOCAB_SIZE,
            scoring: Scoring { scale: 20.0, bias: -10.0 },
            backend: "none (fake)".into(),
        };
        Self {
            info,
            delay: Duration::ZERO,
            trap: None,
            decoder: None,
            taught: None,
            images: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
        }
    }

    /// The same vectors under another name and fingerprint, as another model would have them.
    pub fn named(mut self, name: &str) -> Self {
        self.info.name = name.into();
        self.info.fingerprint = format!("{:032x}", mix(self.info.dim as u64) ^ hash(name));
        self.info.image_fingerprint = Some(format!("{:032x}", mix(self.info.dim as u64 ^ 1) ^ hash(name)));
        self
    }

    /// As a model that was trained further for texts alone: `word` means what `known` means, name
    /// and fingerprint are others, and that of the images' side stays.
    pub fn taught(mut self, name: &str, word: &str, known: &str) -> Self {
        let images = self.info.image_fingerprint.take();
        self = self.named(name);
        self.info.image_fingerprint = images;
        self.taught = Some((word.to_owned(), known.to_owned()));
        self
    }

    /// Says of itself that it was loaded with an adapter; its vectors stay the same.
    pub fn with_adapter(mut self, adapter: &Path) -> Self {
        self.info.adapter = Some(adapter.to_path_buf());
        self
    }

    /// As a program wrote it down that knew no digest of the images' side.
    pub fn without_image_fingerprint(mut self) -> Self {
        self.info.image_fingerprint = None;
        self
    }

    /// Says of itself that it is a NaFlex model with this patch budget; its vectors stay the same.
    pub fn with_budget(mut self, max_patches: usize) -> Self {
        (self.info.image_size, self.info.max_patches) = (None, Some(max_patches));
        self
    }

    /// Sleeps this long for every image.
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The small decoder of the goldens, which says something of any image; only for vectors of 24
    /// values.
    ///
    /// # Panics
    /// If it cannot be loaded, or vectors have another width.
    #[allow(clippy::expect_used, reason = "for tests")]
    pub fn with_decoder(mut self) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/decoder");
        self.decoder = Decoder::load(&folder, self.info.dim).expect("the decoder of the goldens");
        self
    }

    /// A batch fails if `trap` holds for one of its images.
    pub fn failing_on(mut self, trap: impl Fn(&PixelInput) -> bool + Send + Sync + 'static) -> Self {
        self.trap = Some(Box::new(trap));
        self
    }

    /// Images encoded so far.
    pub fn images(&self) -> usize {
        self.images.load(Relaxed)
    }

    /// Batches of images asked for so far, failed ones included.
    pub fn calls(&self) -> usize {
        self.calls.load(Relaxed)
    }

    fn features(&self, prepared: &PixelInput, outputs: Outputs) -> Result<ImageFeatures, EncodeError> {
        let colours: Vec<Rgb<u8>> =
            imageops::thumbnail(&prepared.pixels, GRID as u32, GRID as u32).pixels().copied().collect();
        let embedding = Embedding::new(project(&colours, self.info.dim))?;
        let dense = (outputs == Outputs::Dense).then(|| {
            let aligned: Vec<f32> = colours.iter().flat_map(|&c| project(&[c; GRID * GRID], self.info.dim)).collect();
            let norms = vec![1.0; GRID * GRID];
            DenseGrid { rows: GRID, cols: GRID, dim: self.info.dim, tokens: aligned.clone(), aligned, norms }
        });
        Ok(ImageFeatures { embedding, dense })
    }

    fn word(&self, word: &str) -> Vec<f32> {
        let word = self.taught.as_ref().filter(|(new, _)| new == word).map_or(word, |(_, known)| known);
        match COLOURS.iter().find(|(name, _)| *name == word) {
            Some((_, colour)) => project(&[Rgb(*colour); GRID * GRID], self.info.dim),
            None => (0..self.info.dim as u64).map(|i| sign(hash(word) ^ mix(i))).collect(),
        }
    }
}

impl fmt::Debug for FakeEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeEncoder").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Encode for FakeEncoder {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn prepare(&self, image: &RgbImage) -> Result<PixelInput, EncodeError> {
        if image.width() == 0 || image.height() == 0 {
            return Err(ImageError::Empty.into());
        }
        let side = (GRID * PATCH) as u32;
        Ok(PixelInput { rows: GRID, cols: GRID, pixels: imageops::thumbnail(image, side, side) })
    }

    fn encode_images(&self, batch: &[PixelInput], outputs: Outputs) -> Result<Vec<ImageFeatures>, EncodeError> {
        self.calls.fetch_add(1, Relaxed);
        std::thread::sleep(self.delay * batch.len() as u32);
        if self.trap.as_ref().is_some_and(|trap| batch.iter().any(trap)) {
            return Err(EncodeError::Backend { stage: "fake", reason: "an image of this batch is a trap".into() });
        }
        self.images.fetch_add(batch.len(), Relaxed);
        batch.iter().map(|prepared| self.features(prepared, outputs)).collect()
    }

    fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError> {
        let encode = |text: &&str| {
            let mut sum = vec![1e-3; self.info.dim]; // an empty text has a direction too
            for word in words(text) {
                let vector = Embedding::new(self.word(&word))?;
                sum.iter_mut().zip(vector.as_slice()).for_each(|(s, v)| *s += v);
            }
            Embedding::new(sum)
        };
        texts.iter().map(encode).collect()
    }

    fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        let ids = words(text).map(|word| (hash(&word) % (VOCAB_SIZE as u64 - 1)) as u32 + 1);
        Ok(ids.chain(std::iter::repeat(0)).take(TEXT_LENGTH).collect())
    }

    fn align(&self, tokens: &[f32], _projection: Projection) -> Result<Vec<f32>, EncodeError> {
        Ok(tokens.to_vec())
    }

    fn decoder(&self) -> Result<Option<&Decoder>, EncodeError> {
        Ok(self.decoder.as_ref())
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Colours of a grid, centred on mid-grey, times a fixed matrix of signs:
/// `(dim, FEATURES) x (FEATURES) -> (dim)`.
fn project(colours: &[Rgb<u8>], dim: usize) -> Vec<f32> {
    let mut features = [0.1; FEATURES];
    for (feature, value) in features.iter_mut().zip(colours.iter().flat_map(|colour| colour.0)) {
        *feature = f32::from(value) / 255.0 - 0.5;
    }
    let row = |i: usize| features.iter().enumerate().map(|(j, f)| f * sign(mix((i * FEATURES + j) as u64))).sum();
    (0..dim).map(row).collect()
}

fn sign(bits: u64) -> f32 {
    if mix(bits) >> 63 == 0 { 1.0 } else { -1.0 }
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finaliser of SplitMix64.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::Every as _;

    use super::*;

    fn image(encoder: &FakeEncoder, image: &RgbImage) -> Embedding {
        let prepared = encoder.prepare(image).unwrap();
        encoder.encode_images(&[prepared], Outputs::Pooled).unwrap().remove(0).embedding
    }

    #[test]
    fn colour_words_find_images_of_their_colour() {
        let encoder = FakeEncoder::new(64);
        for (name, colour) in COLOURS {
            let image = image(&encoder, &RgbImage::from_pixel(90, 40, Rgb(colour)));
            let score = |word: &str| image.cosine(&encoder.encode_texts(&[word]).unwrap()[0]);
            let best = COLOURS.iter().max_by(|a, b| score(a.0).total_cmp(&score(b.0))).unwrap().0;
            assert_eq!(best, name);
            assert!(score("zebra") < 0.7 * score(name));
        }
    }

    #[test]
    fn any_text_and_any_image_has_a_vector() {
        let encoder = FakeEncoder::new(16);
        let texts = encoder.encode_texts(&["", "...", "猫 と 犬", "Grey"]).unwrap();
        assert!(texts.iter().every(|text| text.dim() == 16));
        assert_eq!(texts[3], encoder.encode_texts(&["grey!"]).unwrap()[0]);
        assert_eq!(image(&encoder, &RgbImage::from_pixel(1, 1, Rgb([128; 3]))).dim(), 16);
        assert_eq!(encoder.token_ids("two words").unwrap().iter().filter(|&&id| id > 0).count(), 2);
        assert!(encoder.prepare(&RgbImage::new(0, 3)).is_err());
    }

    #[test]
    fn a_trapped_image_fails_its_batch_and_only_that() {
        let encoder = FakeEncoder::new(8).failing_on(|p| p.pixels.get_pixel(0, 0).0 == [1, 2, 3]);
        let good = encoder.prepare(&RgbImage::from_pixel(8, 8, Rgb([9; 3]))).unwrap();
        let bad = encoder.prepare(&RgbImage::from_pixel(8, 8, Rgb([1, 2, 3]))).unwrap();
        assert!(encoder.encode_images(&[good.clone(), bad], Outputs::Pooled).is_err());
        let dense = encoder.encode_images(&[good], Outputs::Dense).unwrap().remove(0).dense.unwrap();
        assert_eq!(dense.aligned.len(), dense.rows * dense.cols * dense.dim);
        assert_eq!((encoder.calls(), encoder.images()), (2, 1));
    }
}
