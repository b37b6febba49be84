//! From the bytes of an image to its embedding: decoding and preprocessing in megapixels a second,
//! encoding in images a second by batch, texts a second, and products alone, which are this
//! machine's peak.
//!
//!     cargo bench --bench encode [-- --model DIR --device cpu --image FILE --batches 1,4,8,16 --rounds 5]
//!     cargo bench --bench encode -- --stages [--model DIR --device cpu --batches 1,8]   where the time goes
//!     cargo bench --bench encode -- --beside cpu:avx512-f32 [--model DIR --device cpu --images DIR]   how near to another device
//!     cargo bench --bench encode -- --serve --model DIR        answers a driver, see peers/encode.py
//!
//! Without an image, a noisy JPEG of 12 megapixels is made. Speed does not depend on the values of
//! weights, so a checkpoint with random ones will do; the default is the bundled model.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use glimpse::encoder::image_file::{Limits, decode};
use glimpse::encoder::testing::Product;
use glimpse::encoder::{Embedding, Encode, LoadOptions, Outputs, PixelInput, SiglipEncoder, Towers, Trace};
use image::RgbImage;
use serde_json::json;

use common::{Args, Noise, answer_lines, median, take_turns, time};

fn main() {
    let args = Args::read();
    let dir =
        args.value("model").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo"), PathBuf::from);
    let tokenizer = args.value("tokenizer").map(PathBuf::from);
    let device = args.value("device").map(str::to_owned);
    let options = LoadOptions { tokenizer, device: device.clone(), ..LoadOptions::default() };
    let encoder = SiglipEncoder::load(&dir, &options).expect("a checkpoint");
    let sizes = args.value("batches").unwrap_or("1,4,8,16").split(',');
    let sizes: Vec<usize> = sizes.map(|size| size.parse().expect("a number")).collect();
    let rounds = args.number("rounds", 5);
    if args.has("serve") {
        serve(&encoder);
    } else if let Some(device) = args.value("beside") {
        let other =
            SiglipEncoder::load(&dir, &LoadOptions { device: Some(device.to_owned()), ..options }).expect(device);
        beside(&encoder, &other, args.value("images"));
    } else if args.has("stages") {
        stages(&encoder, &Towers::load(&dir, device.as_deref()).expect("a checkpoint"), &sizes, rounds);
    } else {
        images(&encoder, args.value("image"), rounds);
        batches(&encoder, &sizes, rounds);
        products(rounds);
    }
}

fn images(encoder: &dyn Encode, file: Option<&str>, rounds: usize) {
    let bytes = file.map_or_else(twelve_megapixels, |file| std::fs::read(file).expect("an image"));
    let image = decode(&bytes, &Limits::default()).expect("an image").pixels;
    let pixels = f64::from(image.width()) * f64::from(image.height()) / 1e6;
    let times = take_turns(
        rounds,
        &mut [
            Box::new(|| drop(decode(&bytes, &Limits::default()).unwrap())),
            Box::new(|| drop(encoder.prepare(&image).unwrap())),
        ],
    );
    println!("| stage, one thread | image | ms | megapixels/s |\n|---|---|---|---|");
    for (stage, time) in ["decode", "preprocess"].iter().zip(times) {
        let size = format!("{} x {}", image.width(), image.height());
        println!("| {stage} | {size} | {:.1} | {:.0} |", time.as_secs_f64() * 1e3, pixels / time.as_secs_f64());
    }
}

fn batches(encoder: &dyn Encode, sizes: &[usize], rounds: usize) {
    let inputs: Vec<Vec<PixelInput>> = sizes.iter().map(|&size| inputs(encoder, size)).collect();
    let mut parts: Vec<Box<dyn FnMut()>> = Vec::new();
    for outputs in [Outputs::Pooled, Outputs::Dense] {
        for batch in &inputs {
            parts.push(Box::new(move || assert_eq!(encoder.encode_images(batch, outputs).unwrap().len(), batch.len())));
        }
    }
    for &size in sizes {
        parts.push(Box::new(move || {
            assert_eq!(encoder.encode_texts(&vec!["a cat by the sea"; size]).unwrap().len(), size)
        }));
    }
    let times = take_turns(rounds, &mut parts);
    println!("\n{} with {}\n", encoder.info().name, encoder.info().backend);
    println!("| batch | images/s | images/s with patch features | texts/s |\n|---|---|---|---|");
    for (i, &size) in sizes.iter().enumerate() {
        let rate = |kind: usize| size as f64 / times[kind * sizes.len() + i].as_secs_f64();
        println!("| {size} | {:.2} | {:.2} | {:.1} |", rate(0), rate(1), rate(2));
    }
}

/// Milliseconds of each operation of the vision tower, by batch: medians, of which each is the sum
/// over all blocks.
fn stages(encoder: &dyn Encode, towers: &Towers, sizes: &[usize], rounds: usize) {
    println!(
        "{} with {}\n\n| batch | operation | ms | share |\n|---|---|---|---|",
        encoder.info().name,
        towers.backend()
    );
    for &size in sizes {
        let batch = inputs(encoder, size);
        let mut times: Vec<(&str, Vec<Duration>)> = Vec::new();
        for round in 0..=rounds {
            let mut trace = Trace::clock();
            towers.encode_images(&batch, Outputs::Pooled, &mut trace).unwrap();
            match round {
                0 => times = trace.times().iter().map(|(name, _)| (*name, Vec::new())).collect(),
                _ => times.iter_mut().zip(trace.times()).for_each(|((_, all), (_, time))| all.push(*time)),
            }
        }
        let times: Vec<(&str, f64)> =
            times.into_iter().map(|(name, times)| (name, median(times).as_secs_f64() * 1e3)).collect();
        let sum: f64 = times.iter().map(|(_, ms)| ms).sum();
        for (name, ms) in times {
            println!("| {size} | {name} | {ms:.1} | {:.1} % |", 100.0 * ms / sum);
        }
    }
}

/// Inputs of each kind that two devices are compared by.
const COMPARED: usize = 256;

/// Cosines between what two devices make of the same images, made ones or the first of a folder,
/// and of the same texts.
fn beside(encoder: &dyn Encode, other: &dyn Encode, folder: Option<&str>) {
    let prepared = folder.map_or_else(
        || inputs(encoder, COMPARED),
        |folder| {
            let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().path());
            let mut files: Vec<PathBuf> = files.collect();
            files.sort();
            let images = files.iter().filter_map(|file| decode(&std::fs::read(file).ok()?, &Limits::default()).ok());
            images.take(COMPARED).map(|image| encoder.prepare(&image.pixels).unwrap()).collect()
        },
    );
    let words = ["a cat", "two red apples", "ein Boot", "une maison", "дерево", "山", "a dog and a bird", "el sol"];
    let texts: Vec<String> = (0..COMPARED).map(|i| format!("{} {}", words[i % words.len()], i / words.len())).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let images = |encoder: &dyn Encode| {
        let features = encoder.encode_images(&prepared, Outputs::Pooled).unwrap();
        features.into_iter().map(|feature| feature.embedding).collect()
    };
    let texts = |encoder: &dyn Encode| encoder.encode_texts(&texts).unwrap();
    println!("{} with {} and {}\n", encoder.info().name, encoder.info().backend, other.info().backend);
    println!("| input | count | least cosine | mean cosine |\n|---|---|---|---|");
    let row = |kind: &str, a: Vec<Embedding>, b: Vec<Embedding>| {
        let cosines: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a.cosine(b)).collect();
        let least = cosines.iter().copied().fold(1.0, f32::min);
        let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
        println!("| {kind} | {} | {least:.5} | {mean:.5} |", cosines.len());
    };
    row("images", images(encoder), images(other));
    row("texts", texts(encoder), texts(other));
}

/// Side of the matrices of a product alone.
const SIDE: usize = 2048;

/// What each path of this machine reaches in a product alone.
fn products(rounds: usize) {
    let rounded = ["amx-int8", "avx512-int8", "avx2-int8", "amx-bf16", "avx512-bf16"];
    let names = rounded.into_iter().chain(["amx-f32", "avx512-f32", "avx2-f32", "portable-f32"]);
    let there = names.filter_map(|name| Some((name, Product::new(name, SIDE)?)));
    let (names, mut products): (Vec<_>, Vec<_>) = there.unzip();
    let mut parts: Vec<Box<dyn FnMut() + '_>> = Vec::new();
    for product in &mut products {
        parts.push(Box::new(|| product.run()));
    }
    let times = take_turns(rounds, &mut parts);
    drop(parts);
    println!("\n| product of {SIDE} x {SIDE} | TFLOP/s |\n|---|---|");
    for ((name, product), time) in names.iter().zip(&products).zip(times) {
        println!("| {name} | {:.2} |", product.operations() / time.as_secs_f64() / 1e12);
    }
}

/// Each line, `vision` or `text` and a batch size, is answered with the seconds of that batch;
/// `product` and the name of a path with those of a product alone, or null if this machine does not
/// have the path.
fn serve(encoder: &dyn Encode) {
    println!("{}", json!({ "backend": encoder.info().backend, "image_size": encoder.info().image_size }));
    let mut products: HashMap<String, Option<Product>> = HashMap::new();
    answer_lines(|words| {
        let count = || words[1].parse().unwrap();
        let seconds = match words[0] {
            "text" => Some(time(|| drop(encoder.encode_texts(&vec!["a cat by the sea"; count()]).unwrap()))),
            "product" => {
                let product = products.entry(words[1].to_owned()).or_insert_with(|| Product::new(words[1], SIDE));
                product.as_mut().map(|product| time(|| product.run()))
            }
            _ => {
                let batch = inputs(encoder, count());
                Some(time(|| drop(encoder.encode_images(&batch, Outputs::Pooled).unwrap())))
            }
        };
        json!({ "seconds": seconds.map(|seconds| seconds.as_secs_f64()) })
    });
}

/// Square images: models that keep shapes then take as many patches as they may.
fn inputs(encoder: &dyn Encode, count: usize) -> Vec<PixelInput> {
    (0..count).map(|i| encoder.prepare(&noisy(320, 320, i as u64)).unwrap()).collect()
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
