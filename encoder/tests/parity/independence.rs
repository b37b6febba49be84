//! What an input gives must not depend on its neighbours in the batch.

use glimpse_encoder::{Embedding, ImageFeatures, Outputs, PixelInput, Towers, Trace};
use glimpse_nonempty::each;

use crate::golden::{CASES, Golden, directory, exact_devices, rounding_devices};

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |largest: f32, (a, b)| largest.max((a - b).abs()))
}

fn assert_same(what: &str, a: &ImageFeatures, b: &ImageFeatures) {
    assert!(largest_difference(a.embedding.as_slice(), b.embedding.as_slice()) <= 1e-6, "{what}: embedding");
    let (a, b) = (a.dense.as_ref().unwrap(), b.dense.as_ref().unwrap());
    assert_eq!((a.rows, a.cols, a.dim), (b.rows, b.cols, b.dim), "{what}");
    assert!(largest_difference(&a.tokens, &b.tokens) <= 1e-5, "{what}: tokens");
    assert!(largest_difference(&a.aligned, &b.aligned) <= 1e-5, "{what}: aligned vectors");
}

/// Every case on every device.
fn every_way() -> impl Iterator<Item = (&'static str, Towers)> {
    let devices = exact_devices().into_iter().chain(rounding_devices().into_iter().map(|(device, _)| device));
    devices.flat_map(|device| CASES.map(|case| (case, Towers::load(&directory(case), Some(device)).unwrap())))
}

#[test]
fn a_batch_equals_its_images_one_by_one() {
    for (case, towers) in each(every_way()) {
        let images = Golden::read(case).images();
        let encode = |batch: &[PixelInput]| towers.encode_images(batch, Outputs::Dense, &mut Trace::off()).unwrap();
        let together = encode(&images);
        let turned: Vec<PixelInput> = images.iter().rev().cloned().collect();
        let turned = encode(&turned);
        for (i, image) in each(images.iter().enumerate()) {
            let what = format!("{case}, image {i}");
            assert_same(&what, &together[i], &encode(std::slice::from_ref(image))[0]);
            assert_same(&what, &together[i], &turned[images.len() - 1 - i]);
        }
    }
}

#[test]
fn a_batch_equals_its_texts_one_by_one() {
    for (case, towers) in each(every_way()) {
        let ids = Golden::read(case).ids();
        let encode = |batch: &[Vec<u32>]| towers.encode_ids(batch, &mut Trace::off()).unwrap();
        for (ids, together) in each(ids.iter().zip(encode(&ids))) {
            let alone: &Embedding = &encode(std::slice::from_ref(ids))[0];
            assert!(largest_difference(together.as_slice(), alone.as_slice()) <= 1e-6, "{case}");
        }
    }
}

#[test]
fn pooled_output_does_not_depend_on_dense_output() {
    for (case, towers) in each(every_way()) {
        let images = Golden::read(case).images();
        let dense = towers.encode_images(&images, Outputs::Dense, &mut Trace::off()).unwrap();
        let pooled = towers.encode_images(&images, Outputs::Pooled, &mut Trace::off()).unwrap();
        for (dense, pooled) in each(dense.iter().zip(&pooled)) {
            assert_eq!(dense.embedding, pooled.embedding, "{case}");
            assert!(pooled.dense.is_none());
        }
    }
}

#[test]
fn inputs_of_another_model_are_refused() {
    let towers = Towers::load(&directory("fixed16"), None).unwrap();
    let mut image = Golden::read("fixed14-border").images().remove(0);
    let error = towers.encode_images(&[image.clone()], Outputs::Pooled, &mut Trace::off()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "an image was prepared as 3 x 3 patches, 46 x 46 pixels, but the model reads 4 x 4 patches, 64 x 64 pixels"
    );
    image.rows = 0;
    let naflex = Towers::load(&directory("naflex"), None).unwrap();
    assert!(naflex.encode_images(&[image], Outputs::Pooled, &mut Trace::off()).is_err());

    let ids = |ids: Vec<u32>| towers.encode_ids(&[ids], &mut Trace::off()).unwrap_err().to_string();
    assert_eq!(ids(vec![0; 15]), "text tower: expected 16 token ids, found 15");
    assert_eq!(ids(vec![96; 16]), "text tower: token id 96 is beyond the vocabulary of 96");
    assert!(towers.encode_images(&[], Outputs::Dense, &mut Trace::off()).unwrap().is_empty());
    assert!(towers.encode_ids(&[], &mut Trace::off()).unwrap().is_empty());
}
