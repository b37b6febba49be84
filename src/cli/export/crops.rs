//! Every box as an image of its own.

use image::imageops::crop_imm;

use super::{Annotated, Names, pixels, save};
use crate::cli::outcome::CliError;

pub fn write(image: &Annotated<'_>, names: &mut Names) -> Result<usize, CliError> {
    let pixels = pixels(image)?;
    for found in &image.boxes {
        let [left, top, wide, high] = found.rect.pixels(pixels.width(), pixels.height());
        let (x, y) = (left.floor() as u32, top.floor() as u32);
        let (width, height) = ((left + wide).ceil() as u32 - x, (top + high).ceil() as u32 - y);
        let crop = crop_imm(&pixels, x, y, width.max(1), height.max(1)).to_image();
        save(&crop, &names.path(&image.name(), "-crop.png"))?;
    }
    Ok(image.boxes.len())
}
