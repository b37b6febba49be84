#![allow(clippy::unwrap_used)]

use glimpse_nonempty::each;
use image::RgbImage;

use super::*;
use crate::testing::FakeEncoder;
use crate::{Embedding, ImageFeatures, ModelInfo, PixelInput, Projection, Scoring};

const SCALE: f32 = 115.0;
const BIAS: f32 = -16.75;

/// Gives exactly what was published, but for one value that is `off` by so much.
struct Told {
    info: ModelInfo,
    published: &'static Published,
    off: f32,
}

impl Told {
    fn new(checkpoint: &str, off: f32) -> Self {
        let mut info = FakeEncoder::new(DIM).info().clone();
        info.scoring = Scoring { scale: SCALE, bias: BIAS };
        Self { info, published: Published::of(checkpoint).unwrap(), off }
    }
}

/// An image is an axis; a text has its cosines on these axes, and the rest on an axis of its own.
const DIM: usize = 16;

impl Encode for Told {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn prepare(&self, image: &RgbImage) -> Result<PixelInput, EncodeError> {
        Ok(PixelInput { rows: 1, cols: 1, pixels: image.clone() })
    }

    fn encode_images(&self, batch: &[PixelInput], _: Outputs) -> Result<Vec<ImageFeatures>, EncodeError> {
        let axis = |image: &PixelInput| match image.pixels.dimensions() {
            (224, 224) => 0,
            (1024, 1024) => 1,
            (1024, 224) => 2,
            other => panic!("{other:?}"),
        };
        let embed = |image| Embedding::new((0..DIM).map(|i| f32::from(i == axis(image))).collect());
        batch.iter().map(|image| Ok(ImageFeatures { embedding: embed(image)?, dense: None })).collect()
    }

    fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError> {
        let embed = |text: &&str| {
            let mut vector = vec![0.0; DIM];
            match &self.published.values {
                Values::Logits(logits) => {
                    let row = logits.texts.iter().position(|known| known == text).unwrap();
                    for (value, logit) in vector.iter_mut().zip(&logits.of_text[row]) {
                        *value = (logit - BIAS) / SCALE;
                    }
                    vector[0] += if row == 1 { self.off / SCALE } else { 0.0 };
                }
                Values::Texts(known) => {
                    let known = known.iter().find(|known| known.text == *text).unwrap();
                    vector[..5].copy_from_slice(&known.first);
                    vector[DIM - 5..].copy_from_slice(&known.last);
                    vector[1] += if text.ends_with("dog") { self.off } else { 0.0 };
                }
            }
            vector[7] = (1.0 - vector.iter().map(|v| v * v).sum::<f32>()).sqrt();
            Embedding::new(vector)
        };
        texts.iter().map(embed).collect()
    }

    fn token_ids(&self, _: &str) -> Result<Vec<u32>, EncodeError> {
        Ok(vec![0; 64])
    }

    fn align(&self, tokens: &[f32], _: Projection) -> Result<Vec<f32>, EncodeError> {
        Ok(tokens.to_vec())
    }
}

fn differing(checkpoint: &str, off: f32, precision: Precision) -> (usize, Vec<ComparedValue>) {
    let told = Told::new(checkpoint, off);
    let compared = told.published.compare(&told, precision).unwrap();
    (compared.len(), compared.into_iter().filter(|value| value.differs).collect())
}

const NAFLEX: &str = "google/siglip2-base-patch16-naflex";
const FIXED: &str = "google/siglip2-base-patch16-224";

#[test]
fn values_that_are_as_published_differ_nowhere() {
    assert_eq!(differing(NAFLEX, 0.0, Precision::F32), (21, vec![]));
    assert_eq!(differing(FIXED, 0.0, Precision::F32), (20, vec![]));
}

#[test]
fn the_one_value_that_is_off_is_named() {
    let (_, found) = differing(NAFLEX, 0.01, Precision::F32);
    let [value] = &found[..] else { panic!("{found:?}") };
    assert_eq!(value.what, "logit of \"ellipsoid\" and the disc, 224 x 224");
    assert!(value.published == -4.5395 && (value.difference - 0.01).abs() < 1e-3, "{value:?}");
    let (_, found) = differing(FIXED, -0.001, Precision::F32);
    let [value] = &found[..] else { panic!("{found:?}") };
    assert_eq!((value.what.as_str(), value.published), ("value 1 of \"a photo of a dog\"", 0.010_257_6));
    // What bf16 rounds away is no difference there; a wrong model is.
    assert_eq!(differing(NAFLEX, 0.01, Precision::Bf16).1, []);
    assert_eq!(differing(NAFLEX, 1.0, Precision::Int8).1.len(), 1);
}

#[test]
fn checkpoints_are_known_by_their_names() {
    for name in
        [FIXED, "models/siglip2-base-patch16-224", "/cache/hub/models--google--siglip2-base-patch16-224/snapshots/0123"]
    {
        assert_eq!(Published::named(name).map(|published| published.checkpoint), Some(FIXED), "{name}");
    }
    for name in ["demo", "google/siglip2-base-patch16-256", "else/siglip2-base-patch16-224x", ""] {
        assert!(Published::named(name).is_none(), "{name}");
    }
}

/// As `tests/golden/published.py` draws them: the corners are red, the centre is blue, the border
/// green.
#[test]
fn images_are_those_of_the_recipe() {
    for published in each(Published::all()) {
        let Values::Logits(logits) = &published.values else { continue };
        for image in each(logits.images) {
            let pixels = image_file::decode(image.png, &Limits::default()).unwrap().pixels;
            let (width, height) = pixels.dimensions();
            assert_eq!(image.name, format!("disc, {width} x {height}"));
            let (x, y) = (width / 2, height / 2);
            let top = y - x.min(y) / 8 * 7;
            assert_eq!(pixels.get_pixel(0, 0).0, [255, 0, 0]);
            assert_eq!(pixels.get_pixel(x, y).0, [0, 0, 255]);
            assert_eq!(pixels.get_pixel(x, top + width / 40).0, [0, 128, 0]);
            assert_eq!(pixels.get_pixel(x, top - 2).0, [255, 0, 0]);
        }
    }
}
