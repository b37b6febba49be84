//! A second reference for fixed resolution: the SigLIP of candle-transformers, written by others
//! from the same source.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::siglip::{Config, Model};
use glimpse_encoder::{Outputs, PixelInput, Towers, Trace};
use glimpse_nonempty::each;

use crate::golden::{Golden, directory};

/// Cases that it can load: one square of pixels, one width for both towers.
const CASES: [&str; 4] = ["fixed16", "fixed14-border", "head72-sharded", "gelu-erf"];

fn pixel_values(images: &[PixelInput]) -> Tensor {
    let planes = images.iter().map(|p| {
        let (width, height) = p.pixels.dimensions();
        let values: Vec<f32> = p.pixels.as_raw().iter().map(|v| f32::from(*v) / 127.5 - 1.0).collect();
        let rows = Tensor::from_vec(values, (height as usize, width as usize, 3), &Device::Cpu).unwrap();
        rows.permute((2, 0, 1)).unwrap()
    });
    Tensor::stack(&planes.collect::<Vec<_>>(), 0).unwrap() // (B, 3, H, W)
}

fn assert_close(case: &str, what: &str, ours: &[f32], theirs: &Tensor) {
    let theirs = theirs.to_vec1::<f32>().unwrap();
    let norm = theirs.iter().map(|v| v * v).sum::<f32>().sqrt();
    for (ours, theirs) in each(ours.iter().zip(&theirs)) {
        let theirs = theirs / norm;
        assert!((ours - theirs).abs() <= 1e-5, "{case}: {what}: {ours} instead of {theirs}");
    }
}

#[test]
fn embeddings_equal_those_of_candle_transformers() {
    for case in CASES {
        let dir = directory(case);
        let files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        let weights: Vec<_> = files
            .into_iter()
            .filter(|f| f.file_name().is_some_and(|n| n.to_string_lossy().starts_with("model")))
            .filter(|f| f.extension().is_some_and(|e| e == "safetensors"))
            .collect();
        let tensors = weights.iter().flat_map(|file| candle_core::safetensors::load(file, &Device::Cpu).unwrap());
        let tensors = VarBuilder::from_tensors(tensors.collect(), DType::F32, &Device::Cpu);
        let config: Config = serde_json::from_slice(&std::fs::read(dir.join("config.json")).unwrap()).unwrap();
        let theirs = Model::new(&config, tensors).unwrap();

        let golden = Golden::read(case);
        let ours = Towers::load(&dir, Some("candle")).unwrap();
        let (images, ids) = (golden.images(), golden.ids());
        let features = ours.encode_images(&images, Outputs::Pooled, &mut Trace::off()).unwrap();
        let pooled = theirs.get_image_features(&pixel_values(&images)).unwrap();
        for (i, feature) in each(features.iter().enumerate()) {
            assert_close(case, "image", feature.embedding.as_slice(), &pooled.get(i).unwrap());
        }
        let texts = ours.encode_ids(&ids, &mut Trace::off()).unwrap();
        let pooled = theirs.get_text_features(&Tensor::new(ids, &Device::Cpu).unwrap()).unwrap();
        for (i, text) in each(texts.iter().enumerate()) {
            assert_close(case, "text", text.as_slice(), &pooled.get(i).unwrap());
        }
    }
}
