//! Label Studio tasks with brush masks as predictions (<https://labelstud.io/guide/predictions>).
//! The labelling configuration must name its image `image` and its brush labels `label`.
//!
//! A brush mask is an image of four channels, packed by the run-length code of `thi.ng/rle-pack`:
//! the number of values (32 bits), bits of a value less one (5), bits of four lengths less one (4
//! each); then runs: whether all values are equal (1), which of the lengths (2), the length less
//! one, and the value.

use glimpse::engine::{Mask, SegmentLabel};
use serde_json::json;

use super::super::label_studio::encoded;
use super::Segmented;
use crate::cli::outcome::CliError;

/// Bits of lengths.
const LENGTHS: [u32; 4] = [3, 4, 8, 16];
/// Bits of a value.
const VALUE: u32 = 8;
/// Values of a pixel.
const CHANNELS: u64 = 4;

pub fn write(images: &[Segmented], names: &[String], labels: &[SegmentLabel]) -> Result<String, CliError> {
    let tasks = images.iter().zip(names).map(|(image, name)| {
        let results = image.segments.iter().zip(1..).map(|(segment, id)| {
            json!({
                "id": format!("mask-{id}"), "type": "brushlabels", "from_name": "label", "to_name": "image",
                "original_width": image.width, "original_height": image.height, "image_rotation": 0,
                "score": segment.score,
                "value": { "format": "rle", "rle": pack(&segment.mask), "brushlabels": [labels[segment.label].name] },
            })
        });
        let best = image.segments.iter().map(|segment| segment.score).fold(0.0, f32::max);
        json!({
            "data": { "image": format!("/data/local-files/?d={}", encoded(name)) },
            "predictions": [{ "model_version": "glimpse", "score": best, "result": results.collect::<Vec<_>>() }],
        })
    });
    Ok(serde_json::to_string(&tasks.collect::<Vec<_>>())?)
}

/// A mask in the code of the module's text.
pub(super) fn pack(mask: &Mask) -> Vec<u8> {
    let pixels = mask.pixels();
    let mut bits = Bits::default();
    bits.push((pixels.len() as u64 * CHANNELS) as u32, 32);
    bits.push(VALUE - 1, 5);
    LENGTHS.iter().for_each(|length| bits.push(length - 1, 4));
    for run in pixels.chunk_by(|a, b| a == b) {
        let value = if run[0] { 255 } else { 0 };
        let mut left = run.len() as u64 * CHANNELS;
        while left > 0 {
            let fitting = LENGTHS.iter().position(|length| left <= 1 << length).unwrap_or(LENGTHS.len() - 1);
            let count = left.min(1 << LENGTHS[fitting]);
            bits.push(1, 1);
            bits.push(fitting as u32, 2);
            bits.push((count - 1) as u32, LENGTHS[fitting]);
            bits.push(value, VALUE);
            left -= count;
        }
    }
    bits.bytes
}

/// Bits, highest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Of the last byte.
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
                self.used = 0;
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << (7 - self.used);
            }
            self.used += 1;
        }
    }
}
