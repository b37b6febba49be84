//! Every stage of both towers against the reference.

use glimpse_encoder::{Outputs, Stage, Towers, Trace};
use glimpse_nonempty::each;

use crate::golden::{CASES, Golden, Reference, directory, exact_devices, rounding_devices};

const MAX_DIFFERENCE: f32 = 1e-4;
const MIN_COSINE: f64 = 0.99999;

/// Compares what both have: the batch of the reference may be padded further than ours, and rows of
/// padding hold nothing that is defined. `counts` are the tokens of each entry; a stage without
/// tokens has one row an entry.
fn compare(case: &str, stage: &Stage, reference: &Reference, counts: &[usize]) {
    let width = *stage.shape.last().unwrap();
    let [our_rows, their_rows] = [&stage.shape, &reference.shape].map(|s| s[1..s.len() - 1].iter().product::<usize>());
    assert_eq!(reference.shape.last(), Some(&width), "{case}: {}: width", stage.name);
    assert_eq!(stage.shape[0], reference.shape[0], "{case}: {}: batch", stage.name);
    let (mut largest, mut dots) = (0f32, [0f64; 3]);
    for (i, count) in counts.iter().enumerate() {
        let count = if stage.shape.len() == 2 { 1 } else { *count };
        let ours = &stage.values[i * our_rows * width..][..count * width];
        let theirs = &reference.values[i * their_rows * width..][..count * width];
        for (a, b) in ours.iter().zip(theirs) {
            // Not max(): a NaN must not pass.
            largest = if (a - b).abs() <= largest { largest } else { (a - b).abs() };
            let (a, b) = (f64::from(*a), f64::from(*b));
            dots = [dots[0] + a * b, dots[1] + a * a, dots[2] + b * b];
        }
    }
    let cosine = dots[0] / (dots[1] * dots[2]).sqrt();
    assert!(
        largest <= MAX_DIFFERENCE && cosine >= MIN_COSINE,
        "{case}: the first stage that differs is {}: max abs difference {largest:e}, cosine {cosine}",
        stage.name
    );
}

fn check(case: &str, device: &str) {
    let golden = Golden::read(case);
    let towers = Towers::load(&directory(case), Some(device)).unwrap();
    let case = &format!("{case} on {device}");
    let (images, ids) = (golden.images(), golden.ids());
    let mut trace = Trace::on();
    let features = towers.encode_images(&images, Outputs::Dense, &mut trace).unwrap();
    let texts = towers.encode_ids(&ids, &mut trace).unwrap();

    let patches: Vec<usize> = images.iter().map(|p| p.rows * p.cols).collect();
    let tokens = vec![ids[0].len(); ids.len()];
    for stage in trace.stages() {
        let counts = if stage.name.starts_with("vision.") { &patches } else { &tokens };
        compare(case, stage, &golden.reference(&stage.name), counts);
    }
    let mut missing = golden.stages();
    missing.retain(|name| trace.stages().iter().all(|stage| stage.name != *name));
    assert!(missing.is_empty(), "{case}: stages of the reference that were not traced: {missing:?}");

    // What callers get is what was traced, without padding.
    let stage = |name: &str| trace.stages().iter().find(|stage| stage.name == name).unwrap();
    for (i, (feature, count)) in each(features.iter().zip(&patches).enumerate()) {
        let dense = feature.dense.as_ref().unwrap();
        let width = towers.config().dim();
        for (values, name) in [(&dense.tokens, "vision.post_norm"), (&dense.aligned, "vision.aligned")] {
            let stage = stage(name);
            assert_eq!(values[..], stage.values[i * stage.shape[1] * width..][..count * width], "{case}: {name}");
        }
    }
    let logits = golden.reference("logits_per_image");
    let scoring = towers.scoring();
    for (i, feature) in each(features.iter().enumerate()) {
        for (j, text) in each(texts.iter().enumerate()) {
            let ours = scoring.scale * feature.embedding.cosine(text) + scoring.bias;
            let theirs = logits.values[i * texts.len() + j];
            assert!((ours - theirs).abs() <= MAX_DIFFERENCE, "{case}: logit {i}, {j}: {ours} instead of {theirs}");
        }
    }
}

#[test]
fn every_stage_of_every_architecture_equals_the_reference() {
    for device in exact_devices() {
        for case in CASES {
            check(case, device);
        }
    }
}

#[test]
fn embeddings_in_bf16_and_int8_point_where_those_of_f32_do() {
    for (device, floor) in each(rounding_devices()) {
        for case in CASES {
            let (golden, dir) = (Golden::read(case), directory(case));
            let load = |device| Towers::load(&dir, Some(device)).unwrap();
            let (ours, reference) = (load(device), load("candle"));
            let encode = |towers: &Towers| {
                let images = towers.encode_images(&golden.images(), Outputs::Pooled, &mut Trace::off()).unwrap();
                let texts = towers.encode_ids(&golden.ids(), &mut Trace::off()).unwrap();
                images.into_iter().map(|image| image.embedding).chain(texts).collect::<Vec<_>>()
            };
            for (i, (ours, theirs)) in each(encode(&ours).iter().zip(encode(&reference)).enumerate()) {
                let cosine = ours.cosine(&theirs);
                assert!(cosine >= floor, "{case} on {device}, {i}: cosine {cosine}");
            }
        }
    }
}
