//! The golden files: a checkpoint directory each, with inputs and outputs of every stage.

use std::path::{Path, PathBuf};

use glimpse_encoder::{PixelInput, Towers};
use image::RgbImage;
use safetensors::{Dtype, SafeTensors};

/// Every case that the generator writes.
pub const CASES: [&str; 9] = [
    "fixed16",
    "fixed14-border",
    "giant-projection",
    "head72-sharded",
    "head96",
    "gelu-erf",
    "naflex",
    "naflex-head72",
    "fg-clip2",
];

/// Every way of computing that this machine has, but for those that round: all must agree with the
/// reference to the last digits.
pub fn exact_devices() -> Vec<&'static str> {
    available(&["candle", "cpu:amx-f32", "cpu:avx512-f32", "cpu:avx2-f32", "cpu:portable-f32"])
}

/// The ways of computing in bf16 and int8 that this machine has, each with the least cosine that
/// its embeddings may have with those of the reference.
pub fn rounding_devices() -> Vec<(&'static str, f32)> {
    const INT8: [&str; 5] =
        ["cpu:amx-int8", "cpu:avx512-int8", "cpu:avx512-int8-f32", "cpu:avx2-int8", "cpu:portable-int8"];
    let bf16 = available(&["cpu:amx-bf16", "cpu:avx512-bf16"]).into_iter().map(|device| (device, 0.999));
    bf16.chain(available(&INT8).into_iter().map(|device| (device, 0.998))).collect()
}

/// All of both.
pub fn all_devices() -> Vec<&'static str> {
    exact_devices().into_iter().chain(rounding_devices().into_iter().map(|(device, _)| device)).collect()
}

fn available(devices: &[&'static str]) -> Vec<&'static str> {
    let there = |device: &&&str| match Towers::load(&directory(CASES[0]), Some(device)) {
        Ok(_) => true,
        Err(reason) => {
            eprintln!("SKIPPED: {reason}");
            false
        }
    };
    devices.iter().filter(there).copied().collect()
}

/// Directory of a case; it is a checkpoint directory too.
pub fn directory(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(case)
}

/// The inputs and reference outputs of a case.
pub struct Golden {
    bytes: Vec<u8>,
}

/// A reference tensor.
pub struct Reference {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Golden {
    pub fn read(case: &str) -> Self {
        let path = directory(case).join("golden.safetensors");
        Self { bytes: std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())) }
    }

    pub fn images(&self) -> Vec<PixelInput> {
        let grids = self.integers("input.grids");
        let prepared = |(i, grid): (usize, &[u32])| {
            let file = self.file();
            let pixels = file.tensor(&format!("input.pixels.{i}")).unwrap();
            let (height, width) = (pixels.shape()[0] as u32, pixels.shape()[1] as u32);
            let pixels = RgbImage::from_raw(width, height, pixels.data().to_vec()).unwrap();
            PixelInput { rows: grid[0] as usize, cols: grid[1] as usize, pixels }
        };
        grids.chunks_exact(2).enumerate().map(prepared).collect()
    }

    pub fn ids(&self) -> Vec<Vec<u32>> {
        let length = self.file().tensor("input.ids").unwrap().shape()[1];
        self.integers("input.ids").chunks_exact(length).map(<[u32]>::to_vec).collect()
    }

    pub fn reference(&self, name: &str) -> Reference {
        let file = self.file();
        let tensor = file.tensor(name).unwrap_or_else(|_| panic!("the golden file has no stage {name}"));
        assert_eq!(tensor.dtype(), Dtype::F32);
        let (values, _) = tensor.data().as_chunks::<4>();
        Reference { shape: tensor.shape().to_vec(), values: values.iter().map(|b| f32::from_le_bytes(*b)).collect() }
    }

    /// Names of all reference stages.
    pub fn stages(&self) -> Vec<String> {
        let file = self.file();
        let names = file.names().into_iter().filter(|name| name.starts_with("vision.") || name.starts_with("text."));
        names.map(str::to_owned).collect()
    }

    fn integers(&self, name: &str) -> Vec<u32> {
        let file = self.file();
        let tensor = file.tensor(name).unwrap();
        assert_eq!(tensor.dtype(), Dtype::I32);
        let (values, _) = tensor.data().as_chunks::<4>();
        values.iter().map(|b| u32::from_le_bytes(*b)).collect()
    }

    fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).unwrap()
    }
}
