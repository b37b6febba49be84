//! One picture of AV1 by rav1d.

use heifer::heifer_hevc_dec::recon::Frame;
use re_rav1d::dav1d::{Decoder, Error, PixelLayout, PlanarImageComponent, Settings};

use crate::guard;

/// A decoded picture, and what it says of its colours (ITU-T H.273).
pub(super) struct Picture {
    /// Its planes; where colours are coarser than brightness, with whole blocks at the edges.
    pub frame: Frame,
    pub width: u32,
    pub height: u32,
    pub primaries: u16,
    pub transfer: u16,
}

/// Decodes the first picture, of at most `max_pixels`. Inside, the decoder is made of functions of
/// the C convention, so that a panic in it has to be kept from unwinding ([`guard::contain`]).
pub(super) fn decode(data: &[u8], max_pixels: u64) -> Result<Picture, String> {
    if data.is_empty() {
        return Err("it holds no image".to_owned());
    }
    let data = data.to_vec();
    guard::contain(move || first(data, max_pixels))?
}

fn first(data: Vec<u8>, max_pixels: u64) -> Result<Picture, String> {
    let mut settings = Settings::new();
    // On the thread that calls: a panic on others could not be kept from ending the process.
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(max_pixels).unwrap_or(u32::MAX).max(1));
    let refusal = |error: Error| match error {
        Error::Again => "it ends before its image does".to_owned(),
        Error::InvalidArgument => "its image is damaged".to_owned(),
        error => format!("its image does not decode ({error})"),
    };
    let mut decoder = Decoder::with_settings(&settings).map_err(refusal)?;
    match decoder.send_data(data, None, None, None) {
        // More pictures are behind the first, which is enough.
        Ok(()) | Err(Error::Again) => {}
        Err(error) => return Err(refusal(error)),
    }
    let picture = decoder.get_picture().map_err(refusal)?;
    let (width, height) = (picture.width(), picture.height());
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err("its image is larger than it announces".to_owned());
    }
    let (format, across, down) = match picture.pixel_layout() {
        PixelLayout::I400 => (0, 1, 1),
        PixelLayout::I420 => (1, 2, 2),
        PixelLayout::I422 => (2, 2, 1),
        PixelLayout::I444 => (3, 1, 1),
    };
    let chroma = (width.div_ceil(across), height.div_ceil(down));
    let luma = (chroma.0 * across, chroma.1 * down);
    let depth = picture.bit_depth() as u8;
    let planes = [
        (PlanarImageComponent::Y, (width, height), luma),
        (PlanarImageComponent::U, chroma, chroma),
        (PlanarImageComponent::V, chroma, chroma),
    ];
    let copied = planes.map(|(component, size, padded)| match component {
        PlanarImageComponent::U | PlanarImageComponent::V if format == 0 => Vec::new(),
        _ => {
            let stride = picture.stride(component) as usize;
            samples(&picture.plane(component), stride, depth, size, padded)
        }
    });
    let chroma = if format == 0 { (0, 0) } else { chroma };
    Ok(Picture {
        frame: Frame {
            widths: [luma.0, chroma.0, chroma.0],
            heights: [luma.1, chroma.1, chroma.1],
            planes: copied,
            bit_depth: [depth, depth],
            chroma_format: format,
            full_range: picture.color_range() as u8 == 1,
            matrix_coeffs: picture.matrix_coefficients() as u8,
        },
        width,
        height,
        primaries: picture.color_primaries() as u16,
        transfer: picture.transfer_characteristic() as u16,
    })
}

/// The samples of a plane, whose rows are `stride` bytes apart; those of its last column and row
/// are repeated up to the padded size.
fn samples(plane: &[u8], stride: usize, depth: u8, (width, height): (u32, u32), padded: (u32, u32)) -> Vec<u16> {
    let mut samples = Vec::with_capacity(padded.0 as usize * padded.1 as usize);
    for y in 0..padded.1 {
        let row = plane.get(stride * y.min(height - 1) as usize..).unwrap_or_default();
        let start = samples.len();
        match depth {
            8 => samples.extend(row.iter().take(width as usize).map(|&it| u16::from(it))),
            _ => samples.extend(row.as_chunks().0.iter().take(width as usize).map(|&it| u16::from_ne_bytes(it))),
        }
        let last = samples.last().copied().unwrap_or_default();
        samples.resize(start + padded.0 as usize, last);
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_padded_with_their_edge() {
        assert_eq!(samples(&[1, 2, 3, 0, 4, 5, 6, 0], 4, 8, (3, 2), (4, 3)), [1, 2, 3, 3, 4, 5, 6, 6, 4, 5, 6, 6]);
        let deep: Vec<u8> = [700u16, 1023].iter().flat_map(|it| it.to_ne_bytes()).collect();
        assert_eq!(samples(&deep, 4, 10, (2, 1), (2, 1)), [700, 1023]);
    }

    #[test]
    fn nonsense_is_refused() {
        for data in [&b""[..], b"nonsense", &[0; 64], &[0x12, 0, 0x0A, 0xFF]] {
            assert!(decode(data, 1 << 20).is_err(), "{data:?}");
        }
    }
}
