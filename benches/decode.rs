//! Decoding of files by format, from bytes in memory to upright RGB of 8 bits: at full size, and as
//! an index run does it, at a fraction of the size that still fills the model's input.
//!
//!     cargo bench --bench decode -- --images DIR [--rounds 5]    every file of a folder
//!     cargo bench --bench decode -- --serve                      answers a driver, see peers/decode.py
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;

use std::path::PathBuf;

use glimpse::encoder::image_file::{Limits, decode, decode_reduced};
use serde_json::json;

use common::{Args, answer_lines, take_turns, time};

/// The side of the model's input, in pixels.
const SIDE: u32 = 384;

fn main() {
    let args = Args::read();
    if args.has("serve") {
        return serve();
    }
    let folder = PathBuf::from(args.value("images").expect("--images DIR"));
    let mut files: Vec<PathBuf> = folder.read_dir().expect("a folder").map(|entry| entry.unwrap().path()).collect();
    files.sort();
    println!("| file | MP | MP/s | MP/s for {SIDE} pixels |\n|---|---|---|---|");
    for file in files {
        let bytes = std::fs::read(&file).expect("a file");
        let image = decode(&bytes, &Limits::default()).expect("an image").pixels;
        let megapixels = f64::from(image.width()) * f64::from(image.height()) / 1e6;
        let times = take_turns(
            args.number("rounds", 5),
            &mut [
                Box::new(|| drop(decode(&bytes, &Limits::default()).unwrap())),
                Box::new(|| drop(decode_reduced(&bytes, &Limits::default(), SIDE).unwrap())),
            ],
        );
        let [whole, reduced] = [0, 1].map(|i| megapixels / times[i].as_secs_f64());
        println!("| {} | {megapixels:.1} | {whole:.0} | {reduced:.0} |", file.file_name().unwrap().to_string_lossy());
    }
}

/// `decode FILE` or `reduced FILE`: seconds, and the size of what came out.
fn serve() {
    println!("{}", json!({ "side": SIDE }));
    answer_lines(|words| {
        let bytes = std::fs::read(words[1]).expect("a file");
        let mut size = (0, 0);
        let seconds = time(|| {
            let image = match words[0] {
                "reduced" => decode_reduced(&bytes, &Limits::default(), SIDE),
                _ => decode(&bytes, &Limits::default()),
            };
            size = image.expect("an image").pixels.dimensions();
        });
        json!({ "seconds": seconds.as_secs_f64(), "size": [size.0, size.1] })
    });
}
