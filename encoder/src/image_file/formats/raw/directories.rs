//! JPEGs in files that are built like TIFF: which fields name them differs from maker to maker.

/// Directories of one file that are looked at; cameras write about ten.
const MOST_DIRECTORIES: usize = 64;
/// Fields of one directory.
const MOST_FIELDS: usize = 1024;
/// Values of one field.
const MOST_VALUES: usize = 64;

// Fields (TIFF 6.0, TIFF/EP, DNG; 0x2E is Panasonic's).
const JPEG_FROM_RAW: u16 = 0x002E;
const COMPRESSION: u16 = 0x0103;
const STRIP_OFFSETS: u16 = 0x0111;
const STRIP_LENGTHS: u16 = 0x0117;
const SUB_DIRECTORIES: u16 = 0x014A;
const JPEG_OFFSET: u16 = 0x0201;
const JPEG_LENGTH: u16 = 0x0202;
pub(super) const EXIF: u16 = 0x8769;
pub(super) const PLACE: u16 = 0x8825;
const MAKER_NOTE: u16 = 0x927C;
// Inside Olympus's notes.
const CAMERA_SETTINGS: u16 = 0x2020;
const PREVIEW_OFFSET: u16 = 0x0101;
const PREVIEW_LENGTH: u16 = 0x0102;
// Inside Nikon's.
const PREVIEW_DIRECTORY: u16 = 0x0011;

/// All that may be a JPEG.
pub(super) fn jpegs(bytes: &[u8]) -> Vec<&[u8]> {
    let mut walk = Walk { jpegs: Vec::new(), left: MOST_DIRECTORIES };
    let Some(tiff) = Tiff::of(bytes) else { return Vec::new() };
    let mut next = tiff.number(4, 4);
    while let Some(at) = next.filter(|&at| at != 0 && walk.left > 0) {
        next = walk.directory(tiff, at);
    }
    walk.jpegs
}

/// One structure of several: behind `first` stand `others`, and its directory points at theirs by
/// these tags. Those in another order of bytes, or damaged, are left out. `None` if `first` is
/// damaged.
pub(super) fn joined(first: &[u8], others: &[(u16, &[u8])]) -> Option<Vec<u8>> {
    let tiff = Tiff::of(first)?;
    let directory = Directory { tiff, at: tiff.number(4, 4)? };
    let mut entries: Vec<Vec<u8>> = (0..directory.fields())
        .map_while(|n| tiff.slice(directory.at.checked_add(2 + 12 * n)?, 12).map(<[u8]>::to_vec))
        .collect();
    let mut joined = first.to_vec();
    for (tag, other) in others {
        joined.resize(joined.len().next_multiple_of(2), 0);
        let start = joined.len();
        let Some((moved, at)) = moved(other, start).filter(|_| other.first() == first.first()) else { continue };
        joined.extend(moved);
        let field = [tiff.bytes((*tag).into(), 2), tiff.bytes(4, 2), tiff.bytes(1, 4), tiff.bytes(at, 4)];
        entries.push(field.concat());
    }
    entries.sort_by_key(|entry| Tiff(entry, tiff.1).number(0, 2));
    joined.resize(joined.len().next_multiple_of(2), 0);
    let place = tiff.bytes(joined.len(), 4);
    joined.extend([tiff.bytes(entries.len(), 2), entries.concat(), vec![0; 4]].concat());
    joined[4..8].copy_from_slice(&place);
    Some(joined)
}

/// A structure of one directory for a place further behind, and where its directory lies then.
fn moved(bytes: &[u8], start: usize) -> Option<(Vec<u8>, usize)> {
    let tiff = Tiff::of(bytes)?;
    let directory = Directory { tiff, at: tiff.number(4, 4)? };
    let mut moved = bytes.to_vec();
    for n in 0..directory.fields() {
        let field = directory.at.checked_add(2 + 12 * n)?;
        let width = match tiff.number(field + 2, 2)? {
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => 1,
        };
        if tiff.number(field + 4, 4)?.checked_mul(width)? > 4 {
            let at = tiff.number(field + 8, 4)?.checked_add(start)?;
            moved.get_mut(field + 8..field + 12)?.copy_from_slice(&tiff.bytes(at, 4));
        }
    }
    Some((moved, directory.at.checked_add(start)?))
}

struct Walk<'a> {
    jpegs: Vec<&'a [u8]>,
    /// Directories that may still be looked at, so that those that lead to each other end.
    left: usize,
}

impl<'a> Walk<'a> {
    /// Looks at a directory and those below it; gives where the next one lies.
    fn directory(&mut self, tiff: Tiff<'a>, at: usize) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let directory = Directory { tiff, at };
        let value = |tag| directory.values(tag).next();
        let mut add = |start: Option<usize>, length: Option<usize>| {
            let found = start.zip(length).and_then(|(start, length)| tiff.slice(start, length));
            self.jpegs.extend(found);
        };
        add(value(JPEG_OFFSET), value(JPEG_LENGTH));
        // Old and new JPEG, of one strip: tiles and more strips are those of the sensor.
        if matches!(value(COMPRESSION), Some(6 | 7)) && directory.values(STRIP_OFFSETS).count() == 1 {
            add(value(STRIP_OFFSETS), value(STRIP_LENGTHS));
        }
        if let Some((start, length)) = directory.bytes(JPEG_FROM_RAW) {
            add(Some(start), Some(length));
        }
        for below in directory.values(SUB_DIRECTORIES).chain(value(EXIF)).collect::<Vec<_>>() {
            self.directory(tiff, below);
        }
        if let Some((start, length)) = directory.bytes(MAKER_NOTE) {
            self.maker_note(tiff, start, length);
        }
        tiff.number(at + 2 + 12 * directory.fields(), 4)
    }

    /// Nikon's and Olympus's notes are structures of their own, whose places count from the note.
    fn maker_note(&mut self, tiff: Tiff<'a>, start: usize, length: usize) -> Option<()> {
        let note = tiff.slice(start, length)?;
        if note.starts_with(b"Nikon\0") {
            let own = Tiff::of(tiff.0.get(tiff.place(start)? + 10..)?)?;
            let preview = Directory { tiff: own, at: own.number(4, 4)? }.values(PREVIEW_DIRECTORY).next()?;
            self.directory(own, preview);
            return Some(());
        }
        // The order of bytes, in place of the start of a structure; then a number, then the fields.
        let fields = match note {
            [b'O', b'L', b'Y', b'M', b'P', b'U', b'S', 0, ..] => 12,
            [b'O', b'M', b' ', b'S', b'Y', b'S', b'T', b'E', b'M', 0, ..] => 16,
            _ => return None,
        };
        let own = Tiff(tiff.0.get(tiff.place(start)?..)?, note.get(fields - 4)? == &b'I');
        let settings = Directory { tiff: own, at: fields };
        let below = settings.values(CAMERA_SETTINGS).next()?;
        let below = Directory { tiff: own, at: below };
        let (start, length) = (below.values(PREVIEW_OFFSET).next()?, below.values(PREVIEW_LENGTH).next()?);
        self.jpegs.extend(own.slice(start, length));
        Some(())
    }
}

/// Bytes from which places count, and whether the low byte of a number comes first.
#[derive(Clone, Copy)]
struct Tiff<'a>(&'a [u8], bool);

impl<'a> Tiff<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        match bytes {
            [b'I', b'I', ..] => Some(Self(bytes, true)),
            [b'M', b'M', ..] => Some(Self(bytes, false)),
            _ => None,
        }
    }

    /// A place in the bytes, if it is there.
    fn place(self, at: usize) -> Option<usize> {
        (at < self.0.len()).then_some(at)
    }

    fn slice(self, start: usize, length: usize) -> Option<&'a [u8]> {
        self.0.get(start..start.checked_add(length)?).filter(|slice| !slice.is_empty())
    }

    /// A number as the structure writes it, in so many bytes.
    fn bytes(self, number: usize, length: usize) -> Vec<u8> {
        let bytes = (number as u64).to_le_bytes();
        let bytes = bytes[..length].iter().copied();
        if self.1 { bytes.collect() } else { bytes.rev().collect() }
    }

    fn number(self, at: usize, length: usize) -> Option<usize> {
        let bytes = self.0.get(at..at.checked_add(length)?)?;
        let join = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
        Some(if self.1 { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) })
    }
}

/// `number of fields (2) | tag (2), type (2), values (4), value or its place (4) | ...`
#[derive(Clone, Copy)]
struct Directory<'a> {
    tiff: Tiff<'a>,
    at: usize,
}

impl<'a> Directory<'a> {
    fn fields(self) -> usize {
        self.tiff.number(self.at, 2).unwrap_or(0).min(MOST_FIELDS)
    }

    /// Where a field's values lie, how many there are, and how many bytes each has.
    fn field(self, tag: u16) -> Option<(usize, usize, usize)> {
        let mut places = (0..self.fields()).map(|n| self.at.saturating_add(2 + 12 * n));
        let field = places.find(|&at| self.tiff.number(at, 2) == Some(tag.into()))?;
        let width = match self.tiff.number(field + 2, 2)? {
            3 | 8 => 2,
            4 | 9 | 13 => 4,
            1 | 2 | 6 | 7 => 1,
            _ => return None,
        };
        let count = self.tiff.number(field + 4, 4)?;
        let inside = count.checked_mul(width)? <= 4;
        let at = if inside { field + 8 } else { self.tiff.number(field + 8, 4)? };
        Some((at, count, width))
    }

    /// A field's numbers; none for one that is not there.
    fn values(self, tag: u16) -> impl Iterator<Item = usize> + use<'a> {
        let (at, count, width) = self.field(tag).unwrap_or((0, 0, 1));
        (0..count.min(MOST_VALUES)).map_while(move |n| self.tiff.number(at.checked_add(n * width)?, width))
    }

    /// Start and length of a field of bytes.
    fn bytes(self, tag: u16) -> Option<(usize, usize)> {
        self.field(tag).filter(|(_, _, width)| *width == 1).map(|(at, count, _)| (at, count))
    }
}
