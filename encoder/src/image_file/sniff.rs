//! Image formats, told by the first bytes of a file and never by its name.

use super::{Format, ImageError, boxes};

impl Format {
    /// Tells the format by the first bytes of a file; 256 are enough, except for camera raw files,
    /// most of which pass for TIFF unless they are there as a whole.
    ///
    /// # Errors
    /// [`ImageError::Empty`], or [`ImageError::Unsupported`] naming what the bytes look like
    /// instead.
    pub fn sniff(bytes: &[u8]) -> Result<Self, ImageError> {
        match Self::beginning_like(bytes) {
            Some(format) => Ok(format),
            None if bytes.is_empty() => Err(ImageError::Empty),
            None => Err(describe(bytes)),
        }
    }
}

/// What no decoder here reads: images, with what can be done about it, and other files.
fn describe(bytes: &[u8]) -> ImageError {
    if let Some(kind) = image_kind(bytes) {
        return ImageError::unsupported(kind);
    }
    ImageError::Unsupported(match bytes {
        [b'%', b'P', b'D', b'F', ..] => "PDF".to_owned(),
        [b'P', b'K', 3, 4, ..] => "a ZIP archive".to_owned(),
        _ if boxes::brands(bytes).is_some() => "a sound or another MP4-like file".to_owned(),
        [b'R', b'I', b'F', b'F', ..] => "a sound or film, RIFF".to_owned(),
        _ => unknown(bytes),
    })
}

fn image_kind(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0, 0, 1, 0, ..] => "an icon, ICO",
        [0, 0, 0, 0x0C, b'j', b'P', b' ', b' ', ..] | [0xFF, 0x4F, 0xFF, 0x51, ..] => "JPEG 2000",
        [b'I', b'I', 0xBC, 1, ..] => "JPEG XR",
        [b'8', b'B', b'P', b'S', ..] => "Photoshop",
        [b'g', b'i', b'm', b'p', b' ', b'x', b'c', b'f', ..] => "GIMP",
        [b'q', b'o', b'i', b'f', ..] => "QOI",
        [b'D', b'D', b'S', b' ', ..] => "DDS",
        [b'v', b'/', b'1', 1, ..] => "OpenEXR",
        [b'#', b'?', b'R', ..] => "Radiance HDR",
        [b'P', b'1'..=b'7', b'\n' | b'\r' | b' ', ..] => "Netpbm",
        [b'%', b'!', b'P', b'S', ..] => "PostScript",
        [b'<', b's', b'v', b'g', ..] => "SVG",
        // Of Canon before 2004, Sigma and Minolta: none is of TIFF's kind.
        [b'I', b'I', 0x1A, 0, ..] | [b'F', b'O', b'V', b'b', ..] | [0, b'M', b'R', b'M', ..] => {
            "a camera raw file of an old kind"
        }
        _ => return None,
    })
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
        for raw in [&b"II\x55\0\x18"[..], b"IIRO\x08", b"FUJIFILMCCD-RAW", b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom"] {
            assert_eq!(Format::sniff(raw), Ok(Format::Raw));
        }
        assert_eq!(Format::sniff(b"\xFF\x0A\0"), Ok(Format::Jxl));
        assert_eq!(Format::sniff(b""), Err(ImageError::Empty));
    }

    #[test]
    fn what_is_not_read_is_named() {
        let reason = |bytes: &[u8]| Format::sniff(bytes).unwrap_err().to_string();
        assert_eq!(
            reason(b"\0\0\0\x20ftypM4A "),
            "not an image that this build reads (a sound or another MP4-like file)"
        );
        assert_eq!(reason(b"%PDF-1.7"), "not an image that this build reads (PDF)");
        assert!(reason(b"<html lang").contains("it begins with \"<html la\""));
        assert!(reason(b"\0").contains("the bytes 00"));
        for (bytes, kind) in [
            (&b"\0\0\0\x0CjP  \r\n"[..], "JPEG 2000"),
            (b"\xFF\x4F\xFF\x51\0", "JPEG 2000"),
            (b"8BPS\0\x01", "Photoshop"),
            (b"FOVb\0\0", "a camera raw file of an old kind"),
            (b"P6\n2 2\n255\n", "Netpbm"),
        ] {
            let said = format!("not an image that this build reads ({kind}; convert it to an ordinary JPEG or PNG)");
            assert_eq!(reason(bytes), said);
        }
    }
}
