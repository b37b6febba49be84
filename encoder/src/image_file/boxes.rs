//! Boxes of files of the MP4 kind (ISO 14496-12): brands, and in HEIF (section 8.11) the sizes of
//! images, and EXIF and XMP beside the coded image.

/// Brands after `ftyp`, which tell images from films.
#[derive(Debug, Clone, Copy)]
pub(super) struct Brands<'a>(&'a [u8]);

/// The brands of a file that begins with them, as far as a look at its first 32 bytes goes.
pub(super) fn brands(bytes: &[u8]) -> Option<Brands<'_>> {
    match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', rest @ ..] => Some(Brands(&rest[..rest.len().min(24)])),
        _ => None,
    }
}

/// Brands of images in HEVC, and those that do not say how their images are coded (ISO 23008-12,
/// annex B; 14496-12, section 4.3).
pub(super) const HEVC: &[[u8; 4]] = &[*b"heic", *b"heix", *b"heim", *b"heis", *b"hevc", *b"hevx", *b"mif1", *b"msf1"];
/// Brands of images in AV1.
pub(super) const AV1: &[[u8; 4]] = &[*b"avif", *b"avis"];

impl Brands<'_> {
    pub fn any(self, names: &[[u8; 4]]) -> bool {
        self.0.as_chunks().0.iter().any(|brand| names.contains(brand))
    }
}

/// Width and height of the largest image of a HEIF file, by the properties `ispe` of its items.
pub(super) fn largest_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let properties = child(child(child(bytes, b"meta")?.get(4..)?, b"iprp")?, b"ipco")?;
    let sizes = Boxes(properties).filter(|(name, _)| *name == b"ispe").filter_map(|(_, body)| {
        let mut fields = Fields(body.get(4..)?);
        Some((fields.number(4)? as u32, fields.number(4)? as u32))
    });
    sizes.max_by_key(|(width, height)| u64::from(*width) * u64::from(*height))
}

/// What an item holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Exif,
    Xmp,
}

/// Items of EXIF and XMP that are looked for; an image has one of each.
const MOST: usize = 16;

/// Calls `found` with each item of EXIF or XMP that lies in one piece; `None` where the file ends
/// or breaks.
pub(super) fn each_block<'a>(bytes: &'a [u8], mut found: impl FnMut(Kind, &'a [u8])) -> Option<()> {
    let meta = child(bytes, b"meta")?.get(4..)?;
    let infos = child(meta, b"iinf")?;
    let locations = child(meta, b"iloc")?;
    let data = child(meta, b"idat").unwrap_or_default();
    let version = *infos.first()?;
    let entries = infos.get(if version == 0 { 6 } else { 8 }..)?;
    let kinds: Vec<(u64, Kind)> =
        Boxes(entries).filter(|(name, _)| *name == b"infe").filter_map(|(_, it)| info(it)).take(MOST).collect();
    each_location(locations, |id, in_data, start, length| {
        let Some((_, kind)) = kinds.iter().find(|(known, _)| *known == id) else { return };
        let from = if in_data { data } else { bytes };
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length)).unwrap_or(usize::MAX);
        // A length of 0 means up to the end.
        let item = if length == 0 { from.get(start..) } else { from.get(start..end) };
        item.into_iter().for_each(|item| found(*kind, item));
    })
}

/// Number and kind from an `infe` box:
/// `version, flags (3), number (2 or 4), protection (2), type (4), name, 0, MIME type, 0`.
fn info(entry: &[u8]) -> Option<(u64, Kind)> {
    let mut fields = Fields(entry);
    let version = fields.take(4)?.first()?;
    let id = fields.number(if *version < 3 { 2 } else { 4 })?;
    fields.take(2)?;
    match fields.take(4)? {
        b"Exif" => Some((id, Kind::Exif)),
        b"mime" => {
            let mime = fields.0.split(|&byte| byte == 0).nth(1)?;
            (mime == b"application/rdf+xml").then_some((id, Kind::Xmp))
        }
        _ => None,
    }
}

/// Calls `found` with number, whether it lies in the `idat` box, start and length of each item in
/// one piece.
fn each_location(locations: &[u8], mut found: impl FnMut(u64, bool, u64, u64)) -> Option<()> {
    let mut fields = Fields(locations);
    let version = *fields.take(4)?.first()?;
    let sizes = fields.number(2)? as usize;
    let [offset, length, base, index] = [12, 8, 4, 0].map(|shift| sizes >> shift & 15);
    let number = if version < 2 { 2 } else { 4 };
    for _ in 0..fields.number(number)? {
        let id = fields.number(number)?;
        let method = if version == 0 { 0 } else { fields.number(2)? & 15 };
        let is_elsewhere = fields.number(2)? != 0;
        let base = fields.number(base)?;
        let pieces = fields.number(2)?;
        let index = if version == 0 { 0 } else { index };
        if pieces != 1 {
            // Skipped at once: their fields may be of no length, and as many as a number can say.
            fields.take(usize::try_from(pieces).ok()?.checked_mul(index + offset + length)?)?;
            continue;
        }
        fields.take(index)?;
        let (start, length) = (fields.number(offset)?, fields.number(length)?);
        if method < 2 && !is_elsewhere {
            found(id, method == 1, base.saturating_add(start), length);
        }
    }
    Some(())
}

/// The body of the first box of that name.
pub(super) fn child<'a>(bytes: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    Boxes(bytes).find(|(found, _)| *found == name).map(|(_, body)| body)
}

/// Boxes one after the other:
/// `size (4, itself included; 1: an eight-byte size follows; 0: to the end), name (4), body`.
pub(super) struct Boxes<'a>(pub &'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut fields = Fields(self.0);
        let short = fields.number(4)?;
        let name = fields.take(4)?;
        let (size, head) = match short {
            0 => (self.0.len() as u64, 8),
            1 => (fields.number(8)?, 16),
            size => (size, 8),
        };
        let size = usize::try_from(size).ok()?;
        let body = self.0.get(head..size)?;
        self.0 = &self.0[size..];
        Some((name, body))
    }
}

/// Reads numbers, the highest byte first.
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn number(&mut self, length: usize) -> Option<u64> {
        Some(self.take(length)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }
}
