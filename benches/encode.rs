//! From the bytes of a picture to its embedding: decoding and preprocessing in megapixels a second, encoding in pictures
//! a second by batch, texts a second.
//!
//!     cargo bench --bench encode [-- --model DIR --device cpu --picture FILE --batches 1,4,8,16 --rounds 5]
//!     cargo bench --bench encode -- --serve --model DIR        answers a driver, see peers/encode.py
//!
//! Without a picture, a noisy JPEG of 12 megapixels is made. Speed does not depend on the values of weights, so a
//! checkpoint with random ones will do; the default is the bundled model.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;

use std::path::{Path, PathBuf};

use glimpse::encoder::picture::{Limits, decode};
use glimpse::encoder::{Encode, LoadOptions, Outputs, Prepared, SiglipEncoder};
use image::RgbImage;
use serde_json::json;

use common::{Args, Noise, answer_lines, take_turns, time};

fn main() {
    let args = Args::read();
    let dir =
        args.value("model").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo"), PathBuf::from);
    let tokenizer = args.value("tokenizer").map(PathBuf::from);
    let device = args.value("device").map(str::to_owned);
    let options = LoadOptions { tokenizer, device, ..LoadOptions::default() };
    let encoder = SiglipEncoder::load(&dir, &options).expect("a checkpoint");
    if args.has("serve") {
        serve(&encoder);
    } else {
        let rounds = args.number("rounds", 5);
        pictures(&encoder, args.value("picture"), rounds);
        batches(&encoder, args.value("batches").unwrap_or("1,4,8,16"), rounds);
    }
}

fn pictures(encoder: &dyn Encode, file: Option<&str>, rounds: usize) {
    let bytes = file.map_or_else(twelve_megapixels, |file| std::fs::read(file).expect("a picture"));
    let picture = decode(&bytes, &Limits::default()).expect("a picture").pixels;
    let pixels = f64::from(picture.width()) * f64::from(picture.height()) / 1e6;
    let times = take_turns(
        rounds,
        &mut [
            Box::new(|| drop(decode(&bytes, &Limits::default()).unwrap())),
            Box::new(|| drop(encoder.prepare(&picture).unwrap())),
        ],
    );
    println!("| stage, one thread | picture | ms | megapixels/s |\n|---|---|---|---|");
    for (stage, time) in ["decode", "preprocess"].iter().zip(times) {
        let size = format!("{} x {}", picture.width(), picture.height());
        println!("| {stage} | {size} | {:.1} | {:.0} |", time.as_secs_f64() * 1e3, pixels / time.as_secs_f64());
    }
}

fn batches(encoder: &dyn Encode, sizes: &str, rounds: usize) {
    let sizes: Vec<usize> = sizes.split(',').map(|size| size.parse().expect("a number")).collect();
    let inputs: Vec<Vec<Prepared>> = sizes.iter().map(|&size| inputs(encoder, size)).collect();
    let mut parts: Vec<Box<dyn FnMut()>> = Vec::new();
    for outputs in [Outputs::Pooled, Outputs::Dense] {
        for batch in &inputs {
            parts.push(Box::new(move || assert_eq!(encoder.encode_images(batch, outputs).unwrap().len(), batch.len())));
        }
    }
    for &size in &sizes {
        parts.push(Box::new(move || {
            assert_eq!(encoder.encode_texts(&vec!["a cat by the sea"; size]).unwrap().len(), size)
        }));
    }
    let times = take_turns(rounds, &mut parts);
    println!("\n{} with {}\n", encoder.info().name, encoder.info().backend);
    println!("| batch | pictures/s | pictures/s with patch features | texts/s |\n|---|---|---|---|");
    for (i, &size) in sizes.iter().enumerate() {
        let rate = |kind: usize| size as f64 / times[kind * sizes.len() + i].as_secs_f64();
        println!("| {size} | {:.2} | {:.2} | {:.1} |", rate(0), rate(1), rate(2));
    }
}

/// Each line, `vision` or `text` and a batch size, is answered with the seconds of that batch.
fn serve(encoder: &dyn Encode) {
    println!("{}", json!({ "backend": encoder.info().backend, "image_size": encoder.info().image_size }));
    answer_lines(|words| {
        let count = words[1].parse().unwrap();
        let seconds = if words[0] == "text" {
            time(|| drop(encoder.encode_texts(&vec!["a cat by the sea"; count]).unwrap()))
        } else {
            let batch = inputs(encoder, count);
            time(|| drop(encoder.encode_images(&batch, Outputs::Pooled).unwrap()))
        };
        json!({ "seconds": seconds.as_secs_f64() })
    });
}

fn inputs(encoder: &dyn Encode, count: usize) -> Vec<Prepared> {
    (0..count).map(|i| encoder.prepare(&noisy(320, 240, i as u64)).unwrap()).collect()
}

/// Soft shapes with grain, which a JPEG decoder finds as hard as a photograph.
fn noisy(width: u32, height: u32, seed: u64) -> RgbImage {
    let mut noise = Noise(seed);
    RgbImage::from_fn(width, height, |x, y| {
        let grain = (noise.next() >> 60) as u8;
        image::Rgb([(x / 16) as u8 ^ grain, (y / 16) as u8 ^ grain, ((x + y) / 32) as u8 ^ grain])
    })
}

fn twelve_megapixels() -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90);
    noisy(4032, 3024, 1).write_with_encoder(encoder).expect("a JPEG");
    bytes
}
