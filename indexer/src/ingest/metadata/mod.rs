//! What a file says of its image beside the pixels: date, camera and how it was set, place, rating
//! and words from EXIF, XMP, IPTC and sidecars.
//!
//! Everything here is optional and nothing here fails: what is damaged, absurd or too large is left
//! out.

mod date;
mod exif;
mod exposure;
mod iptc;
mod place;
mod sidecar;
mod takeout;
mod text;
mod video;
mod xmp;

use glimpse_encoder::image_file::Format;

use crate::{Exposure, Place};

pub(crate) use sidecar::{Beside, SidecarNames};
pub(super) use sidecar::{Sidecars, folded, is_sidecar, orientation as sidecar_orientation};
pub(super) use video::of_video;

/// The largest block of EXIF or XMP that is looked at.
const MAX_BLOCK: usize = 1 << 20;

/// Facts from a file's own bytes, or from a sidecar.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Metadata {
    pub taken: Option<i64>,
    pub camera: Option<String>,
    pub place: Option<Place>,
    /// EXIF orientation, 1 to 8, of an XMP packet; what counts is that of a sidecar
    /// ([`sidecar_orientation`]).
    pub orientation: Option<u8>,
    pub words: Words,
    pub exposure: Exposure,
    pub rating: Option<u8>,
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

impl Metadata {
    /// Takes from a less telling source what is not known yet, and its words.
    pub fn fill(&mut self, other: Self) {
        self.taken = self.taken.or(other.taken);
        self.camera = self.camera.take().or(other.camera);
        self.place = self.place.or(other.place);
        self.words.merge(&other.words);
        self.rating = self.rating.or(other.rating);
        let (known, other) = (std::mem::take(&mut self.exposure), other.exposure);
        self.exposure = Exposure {
            lens: known.lens.or(other.lens),
            focal_length: known.focal_length.or(other.focal_length),
            aperture: known.aperture.or(other.aperture),
            exposure_time: known.exposure_time.or(other.exposure_time),
            iso: known.iso.or(other.iso),
        };
    }

    /// Adds what sidecars say. Programs that leave image files alone rate in sidecars, so that a
    /// rating there is the newer one.
    pub fn add_sidecars(&mut self, sidecars: Self) {
        self.rating = sidecars.rating.or(self.rating);
        self.fill(sidecars);
    }
}

/// Reads what the bytes of an image say. Takes the bytes, because the EXIF of some formats is
/// the file itself.
pub(super) fn read(format: Format, bytes: Vec<u8>) -> Metadata {
    let found = format.blocks(&bytes);
    let xmp = found.xmp.as_deref().map(xmp::read).unwrap_or_default();
    let iptc = found.iptc.as_deref().map(iptc::read).unwrap_or_default();
    let exif = format.exif(bytes).and_then(exif::parse);
    let mut metadata = Metadata::default();
    if let Some(exif) = &exif {
        let (taken, camera, place) = (exif::taken(exif), exif::camera(exif), exif::place(exif));
        metadata = Metadata { taken, camera, place, exposure: exposure::of_exif(exif), ..metadata };
    }
    metadata.fill(xmp);
    if let Some(exif) = &exif {
        exif::xmp_packet(exif).into_iter().for_each(|packet| metadata.fill(xmp::read(packet)));
        metadata.words.merge(&exif::words(exif));
        // Behind XMP, whose rating the programs of today write.
        metadata.rating = metadata.rating.or_else(|| exif::rating(exif));
    }
    metadata.fill(iptc);
    metadata.taken = metadata.taken.or_else(|| exif::changed(exif.as_ref()?));
    metadata
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
