//! Fuzz targets: image files, each format by itself, and the containers in which their metadata
//! lie.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use glimpse_fuzz::{Outcome, Target, in_own_process};

use super::{Format, ImageError, Limits, decode, decode_reduced};

/// Room for the kept inputs as they are, and little more.
const LIMITS: Limits = Limits { max_pixels: 1 << 20, max_side: 4096, max_alloc: 32 << 20, max_bytes: 1 << 20 };

/// What is decoded has the size that it is said to have, and keeps to the limits.
fn read(input: &[u8]) -> Outcome {
    let image = decode(input, &LIMITS).map_err(|error| match error {
        // It quotes what the bytes begin with, which is no news.
        ImageError::Unsupported(_) => "not supported".to_owned(),
        error => error.to_string(),
    })?;
    let (width, height) = image.pixels.dimensions();
    assert_eq!(image.size, (width, height));
    assert!(width > 0 && height > 0 && width.max(height) <= LIMITS.max_side, "{width} x {height}");
    assert!(u64::from(width) * u64::from(height) <= LIMITS.max_pixels, "{width} x {height}");
    // A smaller scale may be refused where the whole is not, and has fewer pixels of the same
    // image.
    if let Ok(reduced) = decode_reduced(input, &LIMITS, 8) {
        assert_eq!((reduced.size, reduced.orientation), (image.size, image.orientation));
        let (reduced_width, reduced_height) = reduced.pixels.dimensions();
        assert!(reduced_width <= width && reduced_height <= height);
        assert!(reduced_width.min(reduced_height) >= width.min(height).min(8), "{reduced_width} x {reduced_height}");
    }
    Ok(format!("{}, orientation {}, cut off: {}", image.format, image.orientation, image.truncated))
}

#[test]
fn jpeg() {
    Target::new("jpeg").words(&["\u{ff}", "JFIF\0", "Exif\0\0", "Adobe\0"]).run(read);
}

#[test]
fn png() {
    let words = ["IHDR", "PLTE", "IDAT", "IEND", "tRNS", "eXIf", "iTXt", "acTL", "fcTL", "fdAT", "iCCP", "gAMA"];
    Target::new("png").words(&words).mended_by(|png| with_right_checksums(png)).run(read);
}

#[test]
fn gif() {
    Target::new("gif").words(&["GIF87a", "GIF89a", "NETSCAPE2.0", "!\u{f9}\u{4}", ",", ";"]).run(read);
}

#[test]
fn webp() {
    let words = ["RIFF", "WEBP", "VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "EXIF", "XMP ", "ICCP"];
    Target::new("webp").words(&words).run(read);
}

#[test]
fn tiff() {
    Target::new("tiff").words(&["II*\0", "MM\0*", "II+\0\u{8}\0\0\0"]).run(read);
}

#[test]
fn bmp() {
    Target::new("bmp").words(&["BM"]).run(read);
}

fn golden(names: &[&str]) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    names.iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect()
}

/// Pixels, and the facts beside them, which are read whether pixels can be decoded or not.
fn read_all(format: Format, input: &[u8]) -> Outcome {
    let found = format.blocks(input);
    for block in [&found.exif, &found.xmp].into_iter().flatten() {
        assert!(block.len() <= 1 << 20);
    }
    let facts = format.exif(input.to_vec()).is_some();
    let _ = format.size(input);
    let pixels = read(input);
    if !format.is_read() {
        return Ok(format!("EXIF: {facts}, XMP: {}", found.xmp.is_some()));
    }
    pixels.map(|pixels| format!("{pixels}, EXIF: {facts}, XMP: {}", found.xmp.is_some()))
}

const BOXES: [&str; 12] =
    ["ftyp", "meta", "iinf", "infe", "iloc", "idat", "mdat", "Exif", "iprp", "ispe", "grid", "application/rdf+xml\0"];

#[test]
fn heic() {
    let names = ["heif/colour.heic", "heif/turned.heic", "formats/plain.heic", "formats/deep.heic", "formats/pq.heic"];
    let target = Target::new("heic").seeds(golden(&names)).words(&BOXES).words(&["hvcC", "hvc1", "irot", "auxC"]);
    target.run(|input| read_all(Format::Heic, input));
}

/// A panic of the decoder stops its thread within the hook for panics.
#[test]
fn avif() {
    in_own_process("image_file::fuzz::avif", run_avif);
}

fn run_avif() {
    let names = [
        "heif/alpha.avif",
        "heif/colour.avif",
        "formats/420.avif",
        "formats/ten.avif",
        "formats/grey.avif",
        "formats/tiles.avif",
        "formats/cropped.avif",
    ];
    let target = Target::new("avif").seeds(golden(&names)).words(&BOXES).words(&["av1C", "av01", "clap", "imir"]);
    target.run(|input| read_all(Format::Avif, input));
}

#[test]
fn jxl() {
    let names =
        ["lossy", "lossless", "clear", "grey", "deep", "jpeg", "boxes"].map(|name| format!("formats/{name}.jxl"));
    let seeds = golden(&names.each_ref().map(String::as_str));
    let words = ["jxlc", "jxlp", "brob", "Exif", "xml ", "jbrd", "\u{ff}\n"];
    Target::new("jxl").seeds(seeds).words(&words).run(|input| read_all(Format::Jxl, input));
}

#[test]
fn raw() {
    let names = ["a.cr2", "b.nef", "c.nef", "e.dng", "f.orf", "g.rw2", "i.raf", "j.cr3", "small.arw", "none.dng"];
    let seeds = golden(&names.map(|name| format!("formats/{name}")).each_ref().map(String::as_str));
    let words = ["II*\0", "MM\0*", "IIRO", "II\u{55}\0", "FUJIFILMCCD-RAW ", "crx ", "moov", "trak", "stsz", "co64"];
    Target::new("raw").seeds(seeds).words(&words).run(|input| read_all(Format::Raw, input));
}

#[test]
fn profiles() {
    let seeds = golden(&["formats/p3.jpg", "formats/adobe.jpg", "formats/inks.jpg", "formats/ycck.jpg"]);
    let words = ["ICC_PROFILE\0", "acsp", "A2B0", "rTRC", "mft1", "curv", "para", "RGB XYZ ", "CMYKLab "];
    Target::new("profiles").seeds(seeds).words(&words).run(read);
}

/// Writes the CRC of each chunk of a PNG anew (PNG, section 5.3): length (4), type (4), data, CRC
/// (4).
fn with_right_checksums(png: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = png.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = at + 8 + length;
        if png.len() < end + 4 {
            return;
        }
        let crc = crc(&png[at + 4..end]);
        png[end..end + 4].copy_from_slice(&crc.to_be_bytes());
        at = end + 4;
    }
}

/// CRC-32 (PNG, annex D).
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (0..8).fold(crc, |crc, _| crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()));
    !bytes.iter().fold(!0, |crc, &byte| step(crc ^ u32::from(byte)))
}
