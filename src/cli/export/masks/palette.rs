//! A PNG whose pixels are numbers of labels, 0 for none: with a palette, as PASCAL VOC has it; of
//! 16 bits a pixel where there are more labels than a palette has colours.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use glimpse::engine::Segmentation;
use png::{BitDepth, ColorType, Encoder};

use super::colours::colour;
use crate::cli::outcome::CliError;

/// Most labels of a palette, beside none of them and the number 255, which stands for pixels that
/// do not count.
const MOST: usize = 254;

pub fn write(segmentation: &Segmentation, path: &Path) -> Result<(), CliError> {
    let failed = |error: String| CliError::new(format!("{}: {error}", path.display()));
    let (width, height) = (segmentation.width, segmentation.height);
    let labels = segmentation.stretched(&segmentation.map.labels, width, height);
    let file = File::create(path).map_err(|error| failed(error.to_string()))?;
    let mut encoder = Encoder::new(BufWriter::new(file), width, height);
    let count = segmentation.labels.len();
    let bytes: Vec<u8> = if count <= MOST {
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_palette((0..=count).flat_map(colour).collect::<Vec<u8>>());
        labels.into_iter().map(|label| label as u8).collect()
    } else {
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::Sixteen);
        labels.into_iter().flat_map(u16::to_be_bytes).collect()
    };
    let mut writer = encoder.write_header().map_err(|error| failed(error.to_string()))?;
    writer.write_image_data(&bytes).map_err(|error| failed(error.to_string()))?;
    writer.finish().map_err(|error| failed(error.to_string()))
}
