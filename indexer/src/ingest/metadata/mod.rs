//! What a file says of its image beside the pixels: date, camera and place from EXIF, words from XMP and sidecars.
//!
//! Everything here is optional and nothing here fails: what is damaged, absurd or too large is left out.

mod container;
mod exif;
mod sidecar;
mod xmp;

use glimpse_encoder::image_file::Format;

use crate::Place;

pub(super) use sidecar::SidecarNames;
pub(super) use sidecar::{newest as newest_sidecar, read as read_sidecars};

/// The largest block of EXIF or XMP that is looked at.
const MAX_BLOCK: usize = 1 << 20;

/// Facts from a file's own bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Metadata {
    pub taken: Option<i64>,
    pub camera: Option<String>,
    pub place: Option<Place>,
    pub words: Words,
}

/// Captions and keywords, in the order in which they were found, without repetition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    captions: Vec<String>,
    keywords: Vec<String>,
}

impl Words {
    const MAX_CAPTIONS: usize = 16;
    const MAX_KEYWORDS: usize = 256;

    fn add_caption(&mut self, text: &str) {
        add(&mut self.captions, text, Self::MAX_CAPTIONS);
    }

    fn add_keyword(&mut self, text: &str) {
        add(&mut self.keywords, text, Self::MAX_KEYWORDS);
    }

    /// Adds the words of another source.
    pub fn merge(&mut self, other: &Self) {
        other.captions.iter().for_each(|caption| self.add_caption(caption));
        other.keywords.iter().for_each(|keyword| self.add_keyword(keyword));
    }

    /// As a record keeps them: one caption of several lines, and the keywords.
    pub fn into_fields(self) -> (Option<String>, Vec<String>) {
        let caption = self.captions.join("\n");
        ((!caption.is_empty()).then_some(caption), self.keywords)
    }
}

fn add(list: &mut Vec<String>, text: &str, most: usize) {
    let text = text.trim();
    if !text.is_empty() && list.len() < most && !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

/// Reads what the bytes of an image say. Takes the bytes, because the EXIF reader wants to own those of a TIFF.
pub(super) fn read(format: Format, bytes: Vec<u8>) -> Metadata {
    let blocks = container::blocks(format, &bytes);
    let mut words = blocks.xmp.map(xmp::words).unwrap_or_default();
    let exif = match format {
        Format::Tiff => exif::parse(bytes),
        Format::Heic | Format::Avif => exif::parse_heif(&bytes),
        _ => blocks.exif.and_then(|block| exif::parse(block.to_vec())),
    };
    let Some(exif) = exif else { return Metadata { words, ..Metadata::default() } };
    if let Some(packet) = exif::xmp_packet(&exif) {
        words.merge(&xmp::words(packet));
    }
    Metadata { taken: exif::taken(&exif), camera: exif::camera(&exif), place: exif::place(&exif), words }
}

#[cfg(test)]
mod tests;
