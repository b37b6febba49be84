//! Files that lie beside an image and describe it. For `a.jpg` these are, in any case of letters:
//! `a.jpg.txt`, `a.txt`, `a.jpg.xmp`, `a.xmp`, and the JSON file of Google Takeout
//! ([`takeout::stems`]).

use std::collections::{HashMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization as _;

use super::text::text;
use super::{MAX_BLOCK, Metadata, takeout, xmp};
use crate::ingest::decode::read::Stat;
use crate::ingest::drives::disk;

const MAX_CAPTION: usize = 64 << 10;
/// The names of so many folders are remembered.
const FOLDERS: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Caption,
    Xmp,
    Takeout,
}

impl Kind {
    fn of(name: &Path) -> Option<Self> {
        let extension = name.extension()?.to_str()?.to_ascii_lowercase();
        match &*extension {
            "txt" => Some(Self::Caption),
            "xmp" => Some(Self::Xmp),
            "json" => Some(Self::Takeout),
            _ => None,
        }
    }
}

/// True for a file that may describe an image beside it.
pub(in crate::ingest) fn is_sidecar(file: &Path) -> bool {
    Kind::of(file).is_some()
}

/// The names in a folder that may belong to sidecars, so that an image without one costs no look at
/// the disk.
#[derive(Debug, Default)]
pub(crate) struct SidecarNames(HashMap<(Kind, String), Vec<OsString>>);

impl SidecarNames {
    /// Lists a folder; what cannot be listed has no sidecars.
    pub fn of(folder: &Path) -> Self {
        let mut names: HashMap<_, Vec<OsString>> = HashMap::new();
        for name in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name()) {
            let path = Path::new(&name);
            if let (Some(kind), Some(stem)) = (Kind::of(path), path.file_stem()) {
                names.entry((kind, folded(stem))).or_default().push(name);
            }
        }
        names.values_mut().for_each(|names| names.sort());
        Self(names)
    }

    /// The sidecars of an image, the most telling first.
    fn beside(&self, image: &Path) -> Vec<(Kind, PathBuf)> {
        let (Some(name), Some(stem)) = (image.file_name(), image.file_stem()) else { return Vec::new() };
        if self.0.is_empty() {
            return Vec::new();
        }
        let plain =
            [Kind::Caption, Kind::Xmp].into_iter().flat_map(|kind| [(kind, name.to_owned()), (kind, stem.to_owned())]);
        let takeout =
            takeout::stems(&name.to_string_lossy()).into_iter().map(|stem| (Kind::Takeout, OsString::from(stem)));
        let found = plain.chain(takeout).flat_map(|(kind, stem)| {
            self.named(kind, &stem).map(move |name| (kind, image.with_file_name(name))).collect::<Vec<_>>()
        });
        found.collect()
    }

    /// Where names differ in case alone, those that match exactly are meant, if there are any.
    fn named(&self, kind: Kind, stem: &OsStr) -> impl Iterator<Item = &OsString> {
        let names = self.0.get(&(kind, folded(stem))).map(Vec::as_slice).unwrap_or_default();
        let is_exact = |name: &OsString| Path::new(name).file_stem() == Some(stem);
        let any_exact = names.iter().any(is_exact);
        names.iter().filter(move |name| !any_exact || Path::new(name).file_stem() == Some(stem))
    }
}

/// A name without differences of case and of how accents are composed.
pub(in crate::ingest) fn folded(name: &OsStr) -> String {
    name.to_string_lossy().nfc().flat_map(char::to_lowercase).collect()
}

/// The sidecars of an image, as far as names and a stat of each tell.
pub(crate) struct Beside {
    /// Newest modification time, nanoseconds since 1970; 0 without sidecars.
    pub modified: i64,
    /// Those in XMP, the most telling first.
    pub xmp: Vec<PathBuf>,
}

impl Beside {
    /// The sidecars of an image among the names in its folder.
    pub fn of(image: &Path, names: &SidecarNames) -> Self {
        let found = names.beside(image);
        let facts = found.iter().filter_map(|(_, path)| disk::facts(path).ok());
        let modified = facts.filter(fs::Metadata::is_file).map(|facts| Stat::of(&facts).modified).max().unwrap_or(0);
        let xmp = found.into_iter().filter(|(kind, _)| *kind == Kind::Xmp).map(|(_, path)| path).collect();
        Self { modified, xmp }
    }
}

/// The orientation (EXIF, 1 to 8) that XMP sidecars give their image.
pub(in crate::ingest) fn orientation(sidecars: &[PathBuf]) -> Option<u8> {
    sidecars.iter().find_map(|path| xmp::read(&read_start(path, MAX_BLOCK)?).orientation)
}

/// Reads sidecars, and lists each of the last few folders once for that.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Sidecars(VecDeque<(PathBuf, SidecarNames)>);

impl Sidecars {
    /// What the sidecars of an image say.
    pub fn read(&mut self, image: &Path) -> Metadata {
        let mut found = Metadata::default();
        for (kind, path) in self.beside(image) {
            let most = if kind == Kind::Caption { MAX_CAPTION } else { MAX_BLOCK };
            let Some(bytes) = read_start(&path, most) else { continue };
            match kind {
                Kind::Xmp => found.fill(xmp::read(&bytes)),
                Kind::Caption => found.words.add_caption(&text(&bytes)),
                Kind::Takeout => found.fill(takeout::read(&text(&bytes))),
            }
        }
        found
    }

    fn beside(&mut self, image: &Path) -> Vec<(Kind, PathBuf)> {
        let folder = image.parent().unwrap_or(Path::new(""));
        let known = self.0.iter().position(|(listed, _)| listed == folder);
        if let Some(known) = known {
            let found = self.0[known].1.beside(image);
            if !found.is_empty() {
                return found;
            }
            // The caller knows that there are some: they have come since.
            self.0.remove(known);
        }
        self.0.truncate(FOLDERS - 1);
        let names = SidecarNames::of(folder);
        let found = names.beside(image);
        self.0.push_front((folder.to_path_buf(), names));
        found
    }
}

fn read_start(path: &Path, most: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    disk::open(path).ok()?.take(most as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
