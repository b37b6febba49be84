//! Fuzz target: the header of a safetensors file, which comes from whoever made the model.
#![allow(clippy::unwrap_used)]

use std::fs;

use glimpse_fuzz::Target;
use glimpse_nonempty::each;
use safetensors::tensor::{Dtype, TensorView, serialize};

use super::tests::config;
use super::{Checkpoint, expected};

#[test]
fn safetensors_header() {
    let config = config();
    let bytes: Vec<u8> = (0..1000u32).map(|n| n as u8).collect();
    let of = |dtype: Dtype| {
        let views = expected(&config).into_iter().map(|(name, shape)| {
            let length = shape.iter().product::<usize>() * dtype.bitsize() / 8;
            (name, TensorView::new(dtype, shape, &bytes[..length]).unwrap())
        });
        serialize(views.collect::<Vec<_>>(), None).unwrap()
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let words = ["data_offsets", "shape", "dtype", "F32", "BF16", "F16", "F8_E4M3", "__metadata__", "position_ids"];
    Target::new("safetensors").seed(of(Dtype::F32)).seed(of(Dtype::BF16)).words(&words).run(|input| {
        fs::write(&path, input).unwrap();
        let checkpoint = Checkpoint::open_file(&path).map_err(|error| error.to_string())?;
        checkpoint.fingerprint("", &mut blake3::Hasher::new());
        checkpoint.check(&config).map_err(|error| error.to_string())?;
        for (name, shape) in each(expected(&config)) {
            let values = checkpoint.get(&name).unwrap().to_vec();
            assert_eq!(values.len(), shape.iter().product::<usize>(), "{name}");
        }
        Ok("all tensors".to_owned())
    });
}
