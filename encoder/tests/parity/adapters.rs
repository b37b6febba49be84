//! Adapters beside peft: `tests/golden/adapters.py` writes them, and what peft computes with them.

use std::path::PathBuf;

use glimpse_encoder::{Embedding, Encode as _, LoadOptions, Outputs, SiglipEncoder, Trace};
use glimpse_nonempty::{Every as _, each, if_any};

use crate::golden::{Golden, directory, exact_devices, rounding_devices};

/// Each adapter with the checkpoint that it is of.
const ADAPTERS: [(&str, &str); 3] = [("text", "fixed16"), ("both", "fixed16"), ("naflex", "naflex")];

fn load(base: &str, adapter: Option<&str>, device: &str) -> SiglipEncoder {
    let adapter: Option<PathBuf> = adapter.map(|name| directory("adapters").join(name));
    let tokenizer = Some(directory("../../models/demo"));
    let options = LoadOptions { device: Some(device.to_owned()), adapter, tokenizer, ..LoadOptions::default() };
    SiglipEncoder::load(&directory(base), &options).unwrap()
}

/// Embeddings of the inputs of a checkpoint's golden file: images, then texts.
fn embeddings(encoder: &SiglipEncoder, base: &str) -> [Vec<Embedding>; 2] {
    let (golden, towers) = (Golden::read(base), encoder.towers());
    let features = towers.encode_images(&golden.images(), Outputs::Pooled, &mut Trace::off()).unwrap();
    let texts = towers.encode_ids(&golden.ids(), &mut Trace::off()).unwrap();
    [features.into_iter().map(|feature| feature.embedding).collect(), texts]
}

#[test]
fn embeddings_and_logits_are_those_of_peft() {
    for (adapter, base) in ADAPTERS {
        let golden = Golden::read(&format!("adapters/{adapter}"));
        for device in each(exact_devices()) {
            // Four products of bf16 stand for one of f32 there.
            let most = if device == "cpu:amx-f32" { 1e-4 } else { 1e-5 };
            let encoder = load(base, Some(adapter), device);
            let [images, texts] = embeddings(&encoder, base);
            for (name, ours) in [("images", &images), ("texts", &texts)] {
                let theirs = golden.reference(name);
                assert_eq!(theirs.shape, [ours.len(), encoder.info().dim]);
                for (ours, theirs) in each(ours.iter().zip(theirs.values.chunks(theirs.shape[1]))) {
                    let near = each(ours.as_slice().iter().zip(theirs)).all(|(a, b)| (a - b).abs() <= most);
                    assert!(near, "{adapter}: {name} on {device}");
                }
            }
            let (scoring, logits) = (encoder.info().scoring, golden.reference("logits_per_image"));
            assert_eq!(logits.values.len(), images.len() * texts.len());
            for (i, theirs) in each(logits.values.iter().enumerate()) {
                let cosine = images[i / texts.len()].cosine(&texts[i % texts.len()]);
                let ours = scoring.scale * cosine + scoring.bias;
                assert!((ours - theirs).abs() <= most, "{adapter}: logit {i} on {device}: {ours} and not {theirs}");
            }
        }
    }
}

#[test]
fn paths_that_round_merge_an_adapter_too() {
    for (adapter, base) in ADAPTERS {
        let golden = Golden::read(&format!("adapters/{adapter}"));
        for (device, least) in if_any(rounding_devices()) {
            let [images, texts] = embeddings(&load(base, Some(adapter), device), base);
            for (name, ours) in [("images", images), ("texts", texts)] {
                let theirs = golden.reference(name);
                for (ours, theirs) in each(ours.iter().zip(theirs.values.chunks(theirs.shape[1]))) {
                    let cosine = ours.cosine(&Embedding::new(theirs.to_vec()).unwrap());
                    // An adapter of noise spreads the weights, so that they round more.
                    assert!(cosine >= least - 0.002, "{adapter}: {name} on {device}: {cosine}");
                }
            }
        }
    }
}

/// An adapter of texts alone leaves what images depend on as it was, and says so.
#[test]
fn a_model_says_which_side_an_adapter_changed() {
    let device = "cpu:portable-f32";
    let [plain, text, both] = [None, Some("text"), Some("both")].map(|adapter| load("fixed16", adapter, device));
    assert_ne!(text.info().fingerprint, plain.info().fingerprint);
    assert_ne!(both.info().fingerprint, text.info().fingerprint);
    assert!(text.info().has_images_of(plain.info()) && !both.info().has_images_of(plain.info()));
    let [[images, texts], [same, others], [moved, _]] = [&plain, &text, &both].map(|it| embeddings(it, "fixed16"));
    assert_eq!(images, same, "bit for bit");
    assert!(texts.iter().zip(&others).every(|(a, b)| a.cosine(b) < 0.999));
    assert!(images.iter().zip(&moved).every(|(a, b)| a.cosine(b) < 0.999));
    assert_eq!(text.info().adapter, Some(directory("adapters").join("text")));
}
