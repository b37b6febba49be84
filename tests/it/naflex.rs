//! The bundled NaFlex model: as the reference has it, and beside its sibling on images that are no
//! squares.

use std::fs;
use std::path::PathBuf;

use glimpse::encoder::Embedding;
use glimpse::encoder::image_file::{Limits, decode};
use glimpse::engine::EmbedInput;
use glimpse::{Engine, Settings};
use glimpse_nonempty::each;
use image::{RgbImage, imageops};
use safetensors::SafeTensors;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::util::{Fixture, root};

/// An engine with one of the bundled models.
fn engine(fixture: &Fixture, model: &str) -> Engine {
    Engine::open(Settings { model: Some(model.into()), ..Settings::at(fixture.home()) }).unwrap()
}

fn embedding(engine: &Engine, input: EmbedInput) -> Embedding {
    engine.embed(&[input], false).unwrap().remove(0).unwrap().embedding
}

#[test]
fn images_in_their_own_shape_become_what_the_reference_makes_of_them() {
    let golden = fs::read(root().join("tests/golden/demo-naflex.safetensors")).unwrap();
    let (file, (_, header)) =
        (SafeTensors::deserialize(&golden).unwrap(), SafeTensors::read_metadata(&golden).unwrap());
    let strings = header.metadata().as_ref().unwrap();
    let weights = Sha256::digest(fs::read(root().join("models/demo-naflex/vision.safetensors")).unwrap());
    let weights: String = weights.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(strings["weights"], weights, "the model has changed; run `python tests/golden/generate.py demo-naflex`");

    let paths: Vec<String> = serde_json::from_str(&strings["paths"]).unwrap();
    let values = file.tensor("pictures").unwrap();
    let values: Vec<f32> = values.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let engine = engine(&Fixture::empty(), "demo-naflex");
    for (path, theirs) in each(paths.iter().zip(values.chunks_exact(values.len() / paths.len()))) {
        let ours = embedding(&engine, EmbedInput::Image(root().join("models/demo").join(path)));
        let cosine = ours.cosine(&Embedding::new(theirs.to_vec()).unwrap());
        // JPEG decoders differ by a grey level here and there.
        let floor = if path.ends_with("jpg") { 0.999 } else { 0.9999 };
        assert!(cosine >= floor, "{path}: cosine {cosine}");
    }
}

#[test]
fn the_siblings_mean_the_same_by_a_text() {
    let fixture = Fixture::empty();
    let [square, shaped] = ["demo", "demo-naflex"].map(|model| engine(&fixture, model));
    for text in each(["an umbrella", "ein Regenschirm und ein Hund", "雨伞"]) {
        let [a, b] = [&square, &shaped].map(|engine| embedding(engine, EmbedInput::Text(text.into())));
        assert_eq!(a.as_slice(), b.as_slice(), "{text}");
    }
}

/// An image on a strip three times as wide as it is high.
fn widened(image: &RgbImage) -> RgbImage {
    let height = 160;
    let width = image.width() * height / image.height();
    let image = imageops::resize(image, width, height, imageops::FilterType::Triangle);
    let mean = image.pixels().fold([0u64; 3], |sum, pixel| std::array::from_fn(|i| sum[i] + u64::from(pixel[i])));
    let mean = mean.map(|sum| (sum / u64::from(width * height)) as u8);
    let mut strip = RgbImage::from_pixel(3 * height, height, image::Rgb(mean));
    imageops::overlay(&mut strip, &image, 0, 0);
    strip
}

#[test]
fn a_wide_image_is_known_better_in_its_own_shape() {
    let fixture = Fixture::empty();
    let list = fs::read_to_string(root().join("models/demo/library.json")).unwrap();
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    let single = |scene: &&Value| scene["concepts"].as_array().is_some_and(|things| things.len() == 1);
    let scenes: Vec<&Value> = list.iter().filter(single).step_by(4).collect();
    let originals: Vec<PathBuf> =
        scenes.iter().map(|scene| root().join("models/demo/library").join(scene["path"].as_str().unwrap())).collect();
    fs::create_dir_all(fixture.images()).unwrap();
    let strips: Vec<PathBuf> = (0..scenes.len()).map(|place| fixture.images().join(format!("{place}.png"))).collect();
    for (original, strip) in each(originals.iter().zip(&strips)) {
        let image = decode(&fs::read(original).unwrap(), &Limits::default()).unwrap().pixels;
        widened(&image).save(strip).unwrap();
    }
    let known = ["demo", "demo-naflex"].map(|model| {
        let engine = engine(&fixture, model);
        let of = |paths: &[PathBuf]| -> Vec<Embedding> {
            paths.iter().map(|path| embedding(&engine, EmbedInput::Image(path.clone()))).collect()
        };
        let (originals, strips) = (of(&originals), of(&strips));
        let is_known = |(place, strip): (usize, &Embedding)| {
            let nearest = (0..originals.len())
                .max_by(|&a, &b| strip.cosine(&originals[a]).total_cmp(&strip.cosine(&originals[b])));
            scenes[nearest.unwrap()]["concepts"] == scenes[place]["concepts"]
        };
        strips.iter().enumerate().filter(|&each| is_known(each)).count()
    });
    assert!(known[1] > known[0], "of {} wide images {known:?} are known again", scenes.len());
}
