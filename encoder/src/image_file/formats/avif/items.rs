//! What an AVIF is made of (AVIF 1.1, MIAF): a coded image or a grid of tiles, transparency beside
//! it, crop, rotation and mirroring, colours.

use heifer::color::{ColorParams, frame_to_rgba_sized};
use heifer::heifer_hevc_dec::recon::Frame;
use heifer::heifer_isobmff::boxes::{ColorInfo, Property};
use heifer::heifer_isobmff::{HeifFile, ItemId};
use image::metadata::Orientation;
use image::{DynamicImage, imageops};

use super::super::super::colour::{self, Coding};
use super::super::super::flatten::{deep_image, flat, shallow_image, without_alpha};
use super::super::super::{Decoded, Format, ImageError, Limits};
use super::av1::{self, Picture};

/// Bytes for each pixel of a decoder's picture, of the copy of its planes and of the result, for
/// the usual coding; of the richest twice as many.
const BYTES_PER_PIXEL: u64 = 12;
/// Tiles of one image: those of 256 x 256 pixels of the largest image are as many.
const MAX_TILES: usize = 4096;
/// What marks transparency (MIAF, section 7.3.5.2).
const ALPHA: &str = "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha";

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, ImageError> {
    let file = HeifFile::parse(bytes).map_err(|error| broken(error.to_string()))?;
    let reader = Reader { file: &file, limits };
    let (mut image, coding) = reader.item(file.primary_id)?;
    let alpha = file.referencing_items(file.primary_id, b"auxl").into_iter().find(|&id| reader.is_alpha(id));
    let profile = file.icc_profile(file.primary_id).ok().flatten();
    image = match profile.filter(|_| !coding.is_hdr()) {
        Some(profile) => colour::with_profile(image, profile),
        None => coding.to_srgb(image),
    };
    if let Some(alpha) = alpha {
        let (mask, _) = reader.item(alpha)?;
        image = with_alpha(image, &mask)?;
    }
    let image = reader.turned(image)?;
    // EXIF repeats the container's rotation and must not be followed.
    Ok(Decoded::whole(flat(image), Orientation::NoTransforms))
}

fn broken(reason: impl Into<String>) -> ImageError {
    ImageError::broken(Format::Avif, reason)
}

struct Reader<'a> {
    file: &'a HeifFile<'a>,
    limits: &'a Limits,
}

impl Reader<'_> {
    /// An image as it is coded, or put together from tiles, and how its colours are coded.
    fn item(&self, id: ItemId) -> Result<(DynamicImage, Coding), ImageError> {
        let kind = self.file.item(id).map_err(|error| broken(error.to_string()))?.item_type.0;
        if let Some((width, height)) = self.file.image_size(id).ok().flatten() {
            let pixels = u64::from(width) * u64::from(height);
            self.limits.check(width, height, pixels * BYTES_PER_PIXEL)?;
        }
        match &kind {
            b"av01" => self.coded(id, id),
            b"grid" => self.grid(id),
            kind => Err(ImageError::unsupported(&format!("AVIF: an image of the kind {}", kind.escape_ascii()))),
        }
    }

    /// A coded image; what its own properties do not say of colours, those of `whole` may.
    fn coded(&self, id: ItemId, whole: ItemId) -> Result<(DynamicImage, Coding), ImageError> {
        let data = self.file.item_data(id).map_err(|error| broken(error.to_string()))?;
        // The limit of pixels that the file may ask for, and of memory for them.
        let most = self.limits.max_pixels.min(self.limits.max_alloc / BYTES_PER_PIXEL);
        let Picture { frame, width, height, primaries, transfer } = av1::decode(&data, most).map_err(broken)?;
        let coded = (primaries, transfer, ColorParams::from_frame(&frame));
        let (primaries, transfer, params) = self.colours(id).or_else(|| self.colours(whole)).unwrap_or(coded);
        // What is coded beyond the announced size is padding.
        let (most_width, most_height) = self.file.image_size(id).ok().flatten().unwrap_or((width, height));
        let size = (width.min(most_width), height.min(most_height));
        Ok((shown(&frame, params, size), Coding::of(primaries, transfer)))
    }

    fn colours(&self, id: ItemId) -> Option<(u16, u16, ColorParams)> {
        self.file.item_properties(id).ok()?.find_map(|property| match *property {
            Property::Color(ColorInfo::Nclx { primaries, transfer, matrix, full_range }) => {
                Some((primaries, transfer, ColorParams { matrix, full_range }))
            }
            _ => None,
        })
    }

    /// Tiles of one size, row by row; those at the right and at the bottom may reach beyond the
    /// image (ISO 23008-12, section 6.6.2.3).
    fn grid(&self, id: ItemId) -> Result<(DynamicImage, Coding), ImageError> {
        let grid = self.file.grid(id).map_err(|error| broken(error.to_string()))?;
        let tiles = self.file.referenced_items(id, b"dimg");
        let (columns, rows) = (usize::from(grid.columns), usize::from(grid.rows));
        let (width, height) = (grid.output_width, grid.output_height);
        self.limits.check(width, height, u64::from(width) * u64::from(height) * BYTES_PER_PIXEL)?;
        if tiles.len() != columns * rows || width == 0 || height == 0 {
            return Err(broken("its tiles are not as many as it announces"));
        }
        if tiles.len() > MAX_TILES {
            let limit = format!("{MAX_TILES} tiles");
            return Err(ImageError::TooLarge { found: format!("{} tiles", tiles.len()), limit });
        }
        let mut whole: Option<(DynamicImage, Coding, (u32, u32))> = None;
        for (at, &tile) in tiles.iter().enumerate() {
            let (tile, coding) = self.coded(tile, id)?;
            let size = (tile.width(), tile.height());
            let (canvas, _, first) = whole.get_or_insert_with(|| (canvas_like(&tile, width, height), coding, size));
            let covers = |side: u32, count: usize, whole: u32| u64::from(side) * count as u64 >= u64::from(whole);
            let fits = size == *first && tile.color() == canvas.color();
            // Nor is there a tile that lies outside of the image, which would be work for nothing.
            let is_needed = u64::from(size.0) * (columns as u64 - 1) < width.into()
                && u64::from(size.1) * (rows as u64 - 1) < height.into();
            if !fits || !is_needed || !covers(size.0, columns, width) || !covers(size.1, rows, height) {
                return Err(broken("its tiles do not make up the image"));
            }
            let (x, y) = ((at % columns) as i64 * i64::from(size.0), (at / columns) as i64 * i64::from(size.1));
            paste(canvas, &tile, x, y);
        }
        let (image, coding, _) = whole.ok_or_else(|| broken("it has no tiles"))?;
        Ok((image, coding))
    }

    fn is_alpha(&self, id: ItemId) -> bool {
        let mut properties = self.file.item_properties(id).into_iter().flatten();
        properties.any(|property| matches!(property, Property::AuxiliaryType(kind) if kind == ALPHA))
    }

    /// Cropped, turned and mirrored as the container says, in this order.
    fn turned(&self, mut image: DynamicImage) -> Result<DynamicImage, ImageError> {
        let properties = self.file.item_properties(self.file.primary_id).map_err(|error| broken(error.to_string()))?;
        for property in properties {
            image = match *property {
                Property::CleanAperture { width, height, horiz_offset, vert_offset } => {
                    let (x, width) = aperture(image.width(), width, horiz_offset)?;
                    let (y, height) = aperture(image.height(), height, vert_offset)?;
                    image.crop_imm(x, y, width, height)
                }
                // Against the clock.
                Property::Rotation(1) => image.rotate270(),
                Property::Rotation(2) => image.rotate180(),
                Property::Rotation(3) => image.rotate90(),
                Property::Mirror(true) => image.flipv(),
                Property::Mirror(false) => image.fliph(),
                _ => image,
            };
        }
        Ok(image)
    }
}

/// First pixel and length of a crop along one side: the centre of the crop lies `offset` from that
/// of the image, which is `whole` pixels long (ISO 14496-12, section 12.1.4).
fn aperture(whole: u32, length: (u32, u32), offset: (i32, u32)) -> Result<(u32, u32), ImageError> {
    let wrong = || broken("its crop lies outside of it");
    if length.1 == 0 || offset.1 == 0 {
        return Err(wrong());
    }
    let length = f64::from(length.0) / f64::from(length.1);
    let start = (f64::from(whole) - length) / 2.0 + f64::from(offset.0) / f64::from(offset.1);
    let (start, length) = (start.round(), length.round());
    if length < 1.0 || start < 0.0 || start + length > f64::from(whole) {
        return Err(wrong());
    }
    Ok((start as u32, length as u32))
}

/// A decoded picture in RGB, 8 bits of 8 and 16 of more.
fn shown(frame: &Frame, params: ColorParams, (width, height): (u32, u32)) -> DynamicImage {
    if frame.bit_depth[0] == 8 {
        let image = frame_to_rgba_sized::<u8>(frame, params, width, height);
        let size = (image.width, image.height);
        return shallow_image(size, false, without_alpha(image.data));
    }
    let image = frame_to_rgba_sized::<u16>(frame, params, width, height);
    let most = u32::from(image.max_value());
    let wide = |value: u16| (u32::from(value) * u32::from(u16::MAX) / most) as u16;
    let values =
        image.data.as_chunks::<4>().0.iter().flat_map(|pixel| [wide(pixel[0]), wide(pixel[1]), wide(pixel[2])]);
    deep_image((image.width, image.height), false, values.collect())
}

fn canvas_like(tile: &DynamicImage, width: u32, height: u32) -> DynamicImage {
    DynamicImage::new(width, height, tile.color())
}

fn paste(canvas: &mut DynamicImage, tile: &DynamicImage, x: i64, y: i64) {
    match (canvas, tile) {
        (DynamicImage::ImageRgb8(canvas), DynamicImage::ImageRgb8(tile)) => imageops::replace(canvas, tile, x, y),
        (DynamicImage::ImageRgb16(canvas), DynamicImage::ImageRgb16(tile)) => imageops::replace(canvas, tile, x, y),
        _ => {}
    }
}

/// The image with the brightness of another one as its transparency.
fn with_alpha(image: DynamicImage, mask: &DynamicImage) -> Result<DynamicImage, ImageError> {
    if (image.width(), image.height()) != (mask.width(), mask.height()) {
        return Err(ImageError::unsupported("AVIF: transparency of another size than the image"));
    }
    let (mut image, mask) = (image.into_rgba8(), mask.to_rgb8());
    image.pixels_mut().zip(mask.pixels()).for_each(|(pixel, alpha)| pixel.0[3] = alpha.0[1]);
    Ok(image.into())
}
