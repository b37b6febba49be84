//! Files that lie beside an image and describe it: `a.jpg.xmp`, `a.xmp`, `a.jpg.txt` and `a.txt` for `a.jpg`.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::super::disk;
use super::super::read::Stat;
use super::{MAX_BLOCK, Words, xmp};

const MAX_CAPTION: usize = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Xmp,
    Caption,
}

/// The names in a folder that may belong to sidecars, so that an image without one costs no look at the disk.
#[derive(Debug, Default)]
pub(in crate::ingest) struct SidecarNames(HashSet<OsString>);

impl SidecarNames {
    /// Lists a folder; what cannot be listed has no sidecars.
    pub fn of(folder: &Path) -> Self {
        let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let described = |name: &OsString| {
            let extension = Path::new(name).extension();
            extension.is_some_and(|it| it.eq_ignore_ascii_case("xmp") || it.eq_ignore_ascii_case("txt"))
        };
        Self(names.filter(described).collect())
    }
}

/// Newest modification time of an image's sidecars, nanoseconds since 1970; 0 without sidecars.
pub(in crate::ingest) fn newest(image: &Path, names: &SidecarNames) -> i64 {
    if names.0.is_empty() {
        return 0;
    }
    let there = beside(image).filter(|(_, path)| path.file_name().is_some_and(|name| names.0.contains(name)));
    let facts = there.filter_map(|(_, path)| disk::facts(&path).ok().filter(fs::Metadata::is_file));
    facts.map(|facts| Stat::of(&facts).modified).max().unwrap_or(0)
}

/// The words of an image's sidecars.
pub(in crate::ingest) fn read(image: &Path) -> Words {
    let mut words = Words::default();
    for (kind, path) in beside(image) {
        let most = if kind == Kind::Xmp { MAX_BLOCK } else { MAX_CAPTION };
        let Some(bytes) = read_start(&path, most) else { continue };
        match kind {
            Kind::Xmp => words.merge(&xmp::words(&bytes)),
            Kind::Caption => words.add_caption(&text(&bytes)),
        }
    }
    words
}

/// Where sidecars may lie, the most telling first.
fn beside(image: &Path) -> impl Iterator<Item = (Kind, PathBuf)> + '_ {
    let ends = [("txt", Kind::Caption), ("TXT", Kind::Caption), ("xmp", Kind::Xmp), ("XMP", Kind::Xmp)];
    ends.into_iter().flat_map(move |(end, kind)| {
        let mut appended = image.as_os_str().to_owned();
        appended.push(".");
        appended.push(end);
        [(kind, appended.into()), (kind, image.with_extension(end))]
    })
}

fn read_start(path: &Path, most: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    disk::open(path).ok()?.take(most as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// UTF-8, or UTF-16 if a byte-order mark says so; what is neither is replaced.
pub(super) fn text(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}
