//! Runs both towers of a checkpoint on given pixels and token ids, and writes every stage of the
//! forward pass.
//!
//! `cargo run --release -p glimpse-encoder --example encode -- CHECKPOINT INPUTS.safetensors
//! OUTPUTS.safetensors [DEVICE]`
//!
//! The inputs are those of `tests/golden`: `input.grids` (B, 2) and `input.ids` (B, L) as I32,
//! `input.pixels.0..B` (height, width, 3) as U8. Seconds go to stderr. Devices are those of
//! `--device`. `tests/golden/full_size.py` compares the result with `transformers`.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use glimpse_encoder::{Outputs, PixelInput, Towers, Trace};
use image::RgbImage;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize_to_file};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (files, device) = match arguments.as_slice() {
        [files @ .., device] if files.len() == 3 => (files, Some(device.as_str())),
        files => (files, None),
    };
    let [checkpoint, inputs, outputs] = files else {
        return Err("usage: encode CHECKPOINT INPUTS.safetensors OUTPUTS.safetensors [DEVICE]".into());
    };
    let bytes = std::fs::read(inputs)?;
    let inputs = SafeTensors::deserialize(&bytes)?;
    let (images, ids) = (images(&inputs)?, ids(&inputs)?);

    let towers = timed("load", || Towers::load(Path::new(checkpoint), device))?;
    let mut trace = Trace::on();
    towers.encode_images(&images, Outputs::Dense, &mut trace)?;
    towers.encode_ids(&ids, &mut trace)?;
    timed("images", || towers.encode_images(&images, Outputs::Pooled, &mut Trace::off()))?;
    timed("texts", || towers.encode_ids(&ids, &mut Trace::off()))?;

    let stages = trace.stages().iter().map(|stage| {
        let view = TensorView::new(Dtype::F32, stage.shape.clone(), bytemuck::cast_slice(&stage.values))?;
        Ok((stage.name.as_str(), view))
    });
    serialize_to_file(stages.collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?, None, Path::new(outputs))?;
    Ok(())
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    eprintln!("{what} {:.3} s", start.elapsed().as_secs_f64());
    result
}

fn images(inputs: &SafeTensors) -> Result<Vec<PixelInput>, Box<dyn Error>> {
    let grids = integers(inputs.tensor("input.grids")?)?;
    let image = |(i, grid): (usize, &[u32])| {
        let pixels = inputs.tensor(&format!("input.pixels.{i}"))?;
        let [height, width, 3] = *pixels.shape() else { return Err("pixels are (height, width, 3)".into()) };
        let pixels = RgbImage::from_raw(width as u32, height as u32, pixels.data().to_vec()).ok_or("pixels are U8")?;
        Ok(PixelInput { rows: grid[0] as usize, cols: grid[1] as usize, pixels })
    };
    grids.chunks_exact(2).enumerate().map(image).collect()
}

fn ids(inputs: &SafeTensors) -> Result<Vec<Vec<u32>>, Box<dyn Error>> {
    let tensor = inputs.tensor("input.ids")?;
    let [_, length] = *tensor.shape() else { return Err("ids are (B, L)".into()) };
    Ok(integers(tensor)?.chunks_exact(length).map(<[u32]>::to_vec).collect())
}

fn integers(tensor: TensorView) -> Result<Vec<u32>, Box<dyn Error>> {
    if tensor.dtype() != Dtype::I32 {
        return Err(format!("integers are I32, found {:?}", tensor.dtype()).into());
    }
    let (values, _) = tensor.data().as_chunks::<4>();
    Ok(values.iter().map(|v| u32::from_le_bytes(*v)).collect())
}
