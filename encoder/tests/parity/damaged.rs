//! Weights that overflow are an error on every path, never a vector that looks like one.

use std::path::Path;

use glimpse_encoder::{EncodeError, Outputs, Towers, Trace};
use glimpse_nonempty::each;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::golden::{Golden, all_devices, directory};

/// A copy of a golden checkpoint in which queries and keys are 1e25 times as large: each is a
/// number, their products are none.
fn overflowing(case: &str, dir: &Path) {
    std::fs::copy(directory(case).join("config.json"), dir.join("config.json")).unwrap();
    let bytes = std::fs::read(directory(case).join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut changed = 0;
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = file
        .tensors()
        .into_iter()
        .map(|(name, tensor)| {
            assert_eq!(tensor.dtype(), Dtype::F32);
            let huge = name.contains("self_attn.q_proj") || name.contains("self_attn.k_proj");
            changed += usize::from(huge);
            let factor = if huge { 1e25 } else { 1.0 };
            let values = tensor.data().as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value) * factor);
            (name, tensor.shape().to_vec(), values.flat_map(f32::to_le_bytes).collect())
        })
        .collect();
    assert!(changed > 0, "no queries and keys");
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize_to_file(views, None, &dir.join("model.safetensors")).unwrap();
}

#[test]
fn attention_that_overflows_is_an_error() {
    let (golden, dir) = (Golden::read("fixed16"), tempfile::tempdir().unwrap());
    overflowing("fixed16", dir.path());
    for device in each(all_devices()) {
        let towers = Towers::load(dir.path(), Some(device)).unwrap();
        let images = towers.encode_images(&golden.images(), Outputs::Pooled, &mut Trace::off());
        assert!(matches!(images, Err(EncodeError::NotAVector { .. })), "{device}: {images:?}");
        let texts = towers.encode_ids(&golden.ids(), &mut Trace::off());
        assert!(matches!(texts, Err(EncodeError::NotAVector { .. })), "{device}: {texts:?}");
    }
}
