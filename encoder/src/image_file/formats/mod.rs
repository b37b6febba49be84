//! The image formats that are read: a file each, which says all that there is to know of one, and
//! a line each in the table below. Whoever walks folders, keeps records, sends files or shows them
//! asks [`Format`].

pub(super) mod avif;
mod bmp;
mod gif;
pub(super) mod heic;
mod jpeg;
mod jxl;
mod png;
mod raw;
mod tiff;
mod video;
mod webp;

use std::fmt;

use image::metadata::Orientation;

use super::{Blocks, Decoded, ImageError, Limits, exif};

type Decode = fn(&[u8], &Limits, Option<u32>) -> Result<Decoded, ImageError>;
type Exif = fn(Vec<u8>) -> Option<Vec<u8>>;

/// What there is to know of a format.
pub(super) struct Spec {
    /// The format's number in records on disk: for good, never to be changed.
    code: u8,
    /// Short, in lower case, as interfaces and queries name it.
    name: &'static str,
    /// As people write it.
    title: &'static str,
    /// Usual ends of file names, in lower case; the first is the most usual.
    extensions: &'static [&'static str],
    media_type: &'static str,
    /// Browsers show a file as it is.
    in_browsers: bool,
    /// This build decodes it.
    is_read: bool,
    /// Whether a file begins like one of this format; never true of two formats.
    sniff: fn(&[u8]) -> bool,
    /// Width and height as far as a cheap look tells: what decoding may need, not what it gives.
    size: fn(&[u8]) -> Option<(u32, u32)>,
    /// Decodes within limits; may give less than all pixels, as long as the shorter side keeps the
    /// number that is asked for.
    decode: Decode,
    /// Metadata as they lie in the file.
    blocks: fn(&[u8]) -> Blocks<'_>,
    /// EXIF, if that is the file itself.
    exif: Option<Exif>,
    /// The container says which way up the image is, and decoders follow it; for other formats EXIF
    /// does.
    turns_pixels: bool,
    /// A video, which programs beside this one decode: the name of its container there.
    demuxer: Option<&'static str>,
}

macro_rules! formats {
    ($($format:ident = $spec:path),* $(,)?) => {
        /// File formats of images and videos.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        #[allow(missing_docs, reason = "the names say it")]
        pub enum Format {
            $($format),*
        }

        impl Format {
            /// All formats, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$format),*];

            fn spec(self) -> &'static Spec {
                match self {
                    $(Self::$format => &$spec),*
                }
            }
        }
    };
}

formats! {
    Jpeg = jpeg::SPEC,
    Png = png::SPEC,
    WebP = webp::SPEC,
    Gif = gif::SPEC,
    Tiff = tiff::SPEC,
    Bmp = bmp::SPEC,
    Heic = heic::SPEC,
    Avif = avif::SPEC,
    Jxl = jxl::SPEC,
    Raw = raw::SPEC,
    Mp4 = video::MP4,
    Mov = video::MOV,
    Mkv = video::MKV,
    WebM = video::WEBM,
    Avi = video::AVI,
    Mpeg = video::MPEG,
    MpegTs = video::MPEG_TS,
    Ogv = video::OGV,
    Flv = video::FLV,
    Wmv = video::WMV,
    Mxf = video::MXF,
}

impl Format {
    /// The format whose files begin like these bytes; a camera raw file passes for TIFF unless the
    /// file is there as a whole.
    pub(super) fn beginning_like(bytes: &[u8]) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| (format.spec().sniff)(bytes))
    }

    /// Number of the format in records on disk, for good.
    pub fn code(self) -> u8 {
        self.spec().code
    }

    /// The format of a number in records on disk.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.code() == code)
    }

    /// Short, in lower case: `jpeg`.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// The format of that name or usual end of file names, whatever the case.
    pub fn named(name: &str) -> Option<Self> {
        let is_of = |known: &str| name.eq_ignore_ascii_case(known);
        let of_name = Self::ALL.iter().find(|format| is_of(format.name()));
        of_name.or_else(|| Self::ALL.iter().find(|format| format.extensions().iter().any(|it| is_of(it)))).copied()
    }

    /// Usual ends of file names, in lower case; the first is the most usual.
    pub fn extensions(self) -> &'static [&'static str] {
        self.spec().extensions
    }

    /// The media type under which files are sent.
    pub fn media_type(self) -> &'static str {
        self.spec().media_type
    }

    /// Browsers show a file as it is.
    pub fn is_shown_by_browsers(self) -> bool {
        self.spec().in_browsers
    }

    /// A video, which [`crate::video`] reads.
    pub fn is_video(self) -> bool {
        self.spec().demuxer.is_some()
    }

    /// What ffmpeg calls the container of a video, so that it takes a file for nothing else.
    pub(crate) fn demuxer(self) -> Option<&'static str> {
        self.spec().demuxer
    }

    /// May hold more than one image, shown one after the other ([`super::animation`]).
    pub fn may_be_animated(self) -> bool {
        matches!(self, Self::Gif | Self::WebP)
    }

    /// This build decodes it.
    pub fn is_read(self) -> bool {
        self.spec().is_read
    }

    /// Width and height as far as a cheap look at a file tells: what decoding may need, not what
    /// it gives.
    pub fn size(self, bytes: &[u8]) -> Option<(u32, u32)> {
        (self.spec().size)(bytes)
    }

    /// EXIF orientation that a file names, 1 to 8; 1 if it names none. `None` for formats whose
    /// container turns the pixels itself.
    pub fn orientation(self, bytes: &[u8]) -> Option<u8> {
        if self.spec().turns_pixels {
            return None;
        }
        let named = match self.spec().exif {
            Some(_) => exif::orientation(bytes), // the file itself
            None => self.blocks(bytes).exif.and_then(|block| exif::orientation(&block)),
        };
        Some(named.map_or(1, Orientation::to_exif))
    }

    pub(super) fn decode(self, bytes: &[u8], limits: &Limits, least: Option<u32>) -> Result<Decoded, ImageError> {
        (self.spec().decode)(bytes, limits, least)
    }

    /// The metadata of a file, each block at most 1 MiB; without what [`Self::exif`] has to look
    /// for in the whole of it.
    pub fn blocks(self, bytes: &[u8]) -> Blocks<'_> {
        (self.spec().blocks)(bytes)
    }

    /// The TIFF structure of a file's EXIF. Takes the bytes, since for some formats that is the
    /// file itself.
    pub fn exif(self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        match self.spec().exif {
            Some(exif) => exif(bytes),
            None => self.blocks(&bytes).exif.map(std::borrow::Cow::into_owned),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.spec().title)
    }
}

/// The size that the `image` crate reads from a header.
fn header_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().ok()?;
    reader.into_dimensions().ok()
}

/// Metadata of files that have none, or none but the file itself.
fn no_blocks(_: &[u8]) -> Blocks<'_> {
    Blocks::default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use glimpse_nonempty::each;

    use super::*;

    #[test]
    fn names_numbers_and_endings_are_of_one_format_each() {
        let all = Format::ALL;
        let codes: HashSet<u8> = all.iter().map(|format| format.code()).collect();
        assert_eq!(codes.len(), all.len());
        let endings: Vec<&str> = all.iter().flat_map(|format| format.extensions()).copied().collect();
        assert_eq!(endings.iter().collect::<HashSet<_>>().len(), endings.len());
        for &format in each(all) {
            assert_eq!(Format::of_code(format.code()), Some(format));
            assert_eq!(Format::named(&format.name().to_uppercase()), Some(format));
            assert_eq!(serde_json::to_value(format).ok(), Some(format.name().into()), "records and queries agree");
            for ending in each(format.extensions()) {
                assert_eq!(Format::named(ending), Some(format));
            }
        }
        assert_eq!(Format::named("psd"), None);
        assert_eq!(Format::of_code(0), None);
    }
}
