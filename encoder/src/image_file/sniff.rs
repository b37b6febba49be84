//! Image formats, told by the first bytes of a file and never by its name.

use std::fmt;

use super::ImageError;

/// Image file formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Format {
    Jpeg,
    Png,
    WebP,
    Gif,
    Tiff,
    Bmp,
    Heic,
    Avif,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
            Self::Heic => "HEIC",
            Self::Avif => "AVIF",
        })
    }
}

impl Format {
    /// Tells the format by the first bytes of a file; 32 are enough.
    ///
    /// # Errors
    /// [`ImageError::Empty`], or [`ImageError::Unsupported`] naming what the bytes look like instead.
    pub fn sniff(bytes: &[u8]) -> Result<Self, ImageError> {
        match bytes {
            [] => Err(ImageError::Empty),
            [0xFF, 0xD8, 0xFF, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Ok(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(Self::Gif),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Ok(Self::Tiff),
            [b'B', b'M', ..] => Ok(Self::Bmp),
            [_, _, _, _, b'f', b't', b'y', b'p', rest @ ..] => by_brands(&rest[..rest.len().min(24)]),
            other => Err(ImageError::Unsupported(describe(other))),
        }
    }
}

/// HEIF files share one container with films; the brands after `ftyp` tell them apart (ISO 14496-12, section 4.3).
fn by_brands(brands: &[u8]) -> Result<Format, ImageError> {
    let named = |names: &[&[u8]]| brands.chunks_exact(4).any(|brand| names.contains(&brand));
    if named(&[b"avif", b"avis"]) {
        Ok(Format::Avif)
    } else if named(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"]) {
        Ok(Format::Heic)
    } else {
        Err(ImageError::Unsupported("a film or another MP4-like file".into()))
    }
}

fn describe(bytes: &[u8]) -> String {
    let name = match bytes {
        [0, 0, 1, 0, ..] => "an icon, ICO",
        [0xFF, 0x0A, ..] | [0, 0, 0, 0x0C, b'J', b'X', b'L', b' ', ..] => "JPEG XL",
        [0, 0, 0, 0x0C, b'j', b'P', b' ', b' ', ..] => "JPEG 2000",
        [b'8', b'B', b'P', b'S', ..] => "Photoshop",
        [b'%', b'P', b'D', b'F', ..] => "PDF",
        [b'q', b'o', b'i', b'f', ..] => "QOI",
        [b'D', b'D', b'S', b' ', ..] => "DDS",
        [b'v', b'/', b'1', 1, ..] => "OpenEXR",
        [b'#', b'?', b'R', ..] => "Radiance HDR",
        [b'P', b'K', 3, 4, ..] => "a ZIP archive",
        [b'R', b'I', b'F', b'F', ..] => "a sound or film, RIFF",
        _ => return unknown(bytes),
    };
    name.to_owned()
}

fn unknown(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(8)];
    if let Some(text) = std::str::from_utf8(start).ok().filter(|text| text.chars().all(|c| !c.is_control())) {
        return format!("unknown format, it begins with {text:?}");
    }
    let hex: Vec<String> = start.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("unknown format, it begins with the bytes {}", hex.join(" "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn first_bytes_decide() {
        assert_eq!(Format::sniff(b"\xFF\xD8\xFF\xE0"), Ok(Format::Jpeg));
        assert_eq!(Format::sniff(b"RIFF\0\0\0\0WEBPVP8 "), Ok(Format::WebP));
        assert_eq!(Format::sniff(b"MM\0\x2A"), Ok(Format::Tiff));
        assert_eq!(Format::sniff(b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avif"), Ok(Format::Avif));
        assert_eq!(Format::sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"), Ok(Format::Heic));
        assert_eq!(Format::sniff(b""), Err(ImageError::Empty));
    }

    #[test]
    fn what_is_not_read_is_named() {
        let reason = |bytes: &[u8]| Format::sniff(bytes).unwrap_err().to_string();
        assert_eq!(
            reason(b"\0\0\0\x20ftypisom"),
            "not an image that this build reads (a film or another MP4-like file)"
        );
        assert_eq!(reason(b"%PDF-1.7"), "not an image that this build reads (PDF)");
        assert!(reason(b"<svg xmlns").contains("it begins with \"<svg xml\""));
        assert!(reason(b"\0").contains("the bytes 00"));
    }
}
