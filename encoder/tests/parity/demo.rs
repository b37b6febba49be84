//! The bundled model from end to end: image files and texts of many scripts to the embeddings of
//! the reference.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use glimpse_encoder::image_file::{Limits, decode, decode_reduced};
use glimpse_encoder::{Embedding, Encode, LoadOptions, Outputs, SiglipEncoder};
use glimpse_nonempty::each;
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

use crate::golden::{exact_devices, rounding_devices};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The bundled model, or a loud word that it is not there.
fn bundled_model() -> Option<PathBuf> {
    let dir = root().join("models/demo");
    if dir.join("model.safetensors").is_file() {
        return Some(dir);
    }
    eprintln!("SKIPPED: {} holds no model", dir.display());
    None
}

fn floats(file: &SafeTensors, name: &str) -> Vec<Vec<f32>> {
    let tensor = file.tensor(name).unwrap();
    let (values, _) = tensor.data().as_chunks::<4>();
    let values: Vec<f32> = values.iter().map(|b| f32::from_le_bytes(*b)).collect();
    values.chunks_exact(tensor.shape()[1]).map(<[f32]>::to_vec).collect()
}

#[test]
fn embeddings_equal_those_of_the_reference() {
    let Some(dir) = bundled_model() else { return };
    let golden = root().join("tests/golden/demo.safetensors");
    let bytes = std::fs::read(&golden).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let strings = header.metadata().as_ref().unwrap();
    let weights = Sha256::digest(std::fs::read(dir.join("model.safetensors")).unwrap());
    let weights: String = weights.iter().map(|byte| format!("{byte:02x}")).collect();
    let remedy = "the bundled model has changed; run `python tests/golden/generate.py demo`";
    assert_eq!(strings["weights"], weights, "{remedy}");

    let exact = exact_devices().into_iter().map(|device| (device, 0.99999));
    for (device, floor) in exact.chain(rounding_devices()) {
        compare(&dir, &file, strings, device, floor);
    }
}

/// Cosines with the reference are at least `floor`.
fn compare(dir: &Path, file: &SafeTensors, strings: &HashMap<String, String>, device: &str, floor: f32) {
    let options = LoadOptions { device: Some(device.to_owned()), ..LoadOptions::default() };
    let encoder = SiglipEncoder::load(dir, &options).unwrap();
    let texts: Vec<String> = serde_json::from_str(&strings["texts"]).unwrap();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let ids = file.tensor("ids").unwrap();
    let (ids, _) = ids.data().as_chunks::<4>();
    let ids: Vec<u32> = ids.iter().map(|b| u32::from_le_bytes(*b)).collect();
    for (text, ids) in each(texts.iter().zip(ids.chunks_exact(encoder.info().text_length))) {
        assert_eq!(encoder.token_ids(text).unwrap(), ids, "{text}");
    }
    for ((text, ours), theirs) in
        each(texts.iter().zip(encoder.encode_texts(&texts).unwrap()).zip(floats(file, "texts")))
    {
        let cosine = ours.cosine(&Embedding::new(theirs).unwrap());
        assert!(cosine >= floor, "{device}: {text}: cosine {cosine}");
    }

    let paths: Vec<String> = serde_json::from_str(&strings["paths"]).unwrap();
    let prepare = |path: &String| {
        let image = decode(&std::fs::read(dir.join(path)).unwrap(), &Limits::default()).unwrap();
        encoder.prepare(&image.pixels).unwrap()
    };
    let prepared: Vec<_> = paths.iter().map(prepare).collect();
    let ours = encoder.encode_images(&prepared, Outputs::Pooled).unwrap();
    for ((path, ours), theirs) in each(paths.iter().zip(ours).zip(floats(file, "pictures"))) {
        let cosine = ours.embedding.cosine(&Embedding::new(theirs).unwrap());
        // JPEG decoders differ by a grey level here and there.
        let floor = if path.ends_with("jpg") { floor.min(0.9995) } else { floor };
        assert!(cosine >= floor, "{device}: {path}: cosine {cosine}");
    }
}

#[test]
fn many_inputs_keep_their_order_whatever_thread_asks() {
    use rayon::prelude::*;
    let Some(dir) = bundled_model() else { return };
    let encoder = SiglipEncoder::load(&dir, &LoadOptions::default()).unwrap();
    let texts: Vec<String> = (0..300).map(|i| format!("{i} red apples")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let together = encoder.encode_texts(&texts).unwrap();
    each(texts.iter().zip(&together).step_by(17)).par_bridge().for_each(|(text, together)| {
        let alone = encoder.encode_texts(&[text]).unwrap();
        assert!(alone[0].cosine(together) > 0.999_999, "{text}");
    });
}

#[test]
fn options_are_honoured_and_only_those_that_change_images_change_the_fingerprint() {
    let Some(dir) = bundled_model() else { return };
    let load = |options: LoadOptions| SiglipEncoder::load(&dir, &options).unwrap();
    let plain = load(LoadOptions::default());
    let info = plain.info();
    assert_eq!(info.name, dir.display().to_string());
    assert_eq!(info.model_type, "siglip");
    assert!(info.backend.starts_with("cpu ("), "{}", info.backend);

    let stripped = load(LoadOptions {
        strip_punctuation: true,
        name: Some("demo".to_owned()),
        tokenizer: Some(dir.join("tokenizer.json")),
        ..LoadOptions::default()
    });
    assert_eq!(stripped.info().name, "demo");
    assert_eq!(stripped.info().fingerprint, info.fingerprint);
    assert_ne!(plain.token_ids("a dog!").unwrap(), stripped.token_ids("a dog!").unwrap());
    assert_eq!(plain.token_ids("a dog").unwrap(), stripped.token_ids("a dog!").unwrap());

    let error = SiglipEncoder::load(&dir, &LoadOptions { device: Some("tpu".to_owned()), ..LoadOptions::default() });
    assert!(error.is_err_and(|e| e.to_string().starts_with("device `tpu`: ")));
}

/// Photographs of the data that is not part of the repository: in `GLIMPSE_TEST_DATA`, else beside
/// the repository.
fn photos() -> Vec<PathBuf> {
    let data = std::env::var_os("GLIMPSE_TEST_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(data.join("photos")) else {
        eprintln!("SKIPPED: no photos in {} (set GLIMPSE_TEST_DATA)", data.display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A JPEG of an image brought to `shorter` pixels, with the grain of a camera.
fn enlarged(path: &Path, shorter: u32) -> Vec<u8> {
    let small = decode(&std::fs::read(path).unwrap(), &Limits::default()).unwrap().pixels;
    let side = |length: u32| length * shorter / small.width().min(small.height());
    let (width, height) = (side(small.width()), side(small.height()));
    let mut large = image::imageops::resize(&small, width, height, image::imageops::FilterType::Triangle);
    let mut state = 1u32;
    for value in large.iter_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value = value.saturating_add((state >> 28) as u8).saturating_sub(8);
    }
    let mut bytes = Vec::new();
    large.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90)).unwrap();
    bytes
}

#[test]
fn a_reduced_jpeg_means_what_the_whole_one_does_at_every_scale() {
    use rayon::prelude::*;
    let Some(dir) = bundled_model() else { return };
    let encoder = SiglipEncoder::load(&dir, &LoadOptions::default()).unwrap();
    // As an indexing run asks for.
    let least = encoder.info().image_size.unwrap() as u32 * 5 / 2;
    let golden = std::fs::read(root().join("tests/golden/demo.safetensors")).unwrap();
    let (_, header) = SafeTensors::read_metadata(&golden).unwrap();
    let paths: Vec<String> = serde_json::from_str(&header.metadata().as_ref().unwrap()["paths"]).unwrap();
    let (drawings, photos): (Vec<_>, _) = (paths.iter().map(|path| dir.join(path)).collect(), photos());
    // The larger the scale, the larger the images that take it.
    for (scale, count) in [(2, 8), (4, 2), (8, 1)] {
        let some = drawings.iter().take(count).chain(photos.iter().take(count));
        each(some).par_bridge().for_each(|path| {
            let bytes = enlarged(path, scale * least);
            let whole = decode(&bytes, &Limits::default()).unwrap();
            let reduced = decode_reduced(&bytes, &Limits::default(), least).unwrap();
            assert_eq!((reduced.size, whole.size), (whole.pixels.dimensions(), whole.pixels.dimensions()));
            let shorter = |pixels: &image::RgbImage| pixels.width().min(pixels.height());
            assert_eq!((shorter(&reduced.pixels), shorter(&whole.pixels)), (least, scale * least), "a {scale}th");
            let prepared = [whole, reduced].map(|image| encoder.prepare(&image.pixels).unwrap());
            let features = encoder.encode_images(&prepared, Outputs::Pooled).unwrap();
            let cosine = features[0].embedding.cosine(&features[1].embedding);
            // The model was trained on no photograph, and is less steady there.
            let floor = if path.starts_with(&dir) { 0.999 } else { 0.995 };
            assert!(cosine >= floor, "{} at 1/{scale}: cosine {cosine}", path.display());
        });
    }
}
