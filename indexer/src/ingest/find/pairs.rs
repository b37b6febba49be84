//! Which files of a folder are one image: those of one shot, told by their names alone.
//!
//! - A raw file and the JPEG or HEIC of the same stem.
//! - The video of a live photo: MOV or MP4 and the JPEG or HEIC of the same stem.
//! - An edited image and its original, as phones name them: `IMG_E1234` and `IMG_1234`,
//!   `beach-edited` and `beach`.
//!
//! Shown is the edited image, or else the JPEG or HEIC; the others are its companions. Stems are
//! compared without case; where several are alike but for case, the one that is written the same
//! comes first. `IMG_1234-1` and `IMG_1234 (1)` are other images than `IMG_1234`: so programs name
//! what would else have taken another one's place.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use glimpse_encoder::image_file::Format;

use crate::FileRole;
use crate::ingest::metadata::folded;

/// An image of a folder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// The file that is shown, encoded and searched.
    pub primary: PathBuf,
    /// The other files of the shot, those first that would take its place.
    pub companions: Vec<(PathBuf, FileRole)>,
}

impl Item {
    pub fn alone(primary: PathBuf) -> Self {
        Self { primary, companions: Vec::new() }
    }
}

/// Files of one folder as images; those whose names say nothing stand alone.
pub(crate) fn pair(files: Vec<PathBuf>) -> Vec<Item> {
    let names: Vec<Option<Name>> = files.iter().map(|path| Name::of(path)).collect();
    let mut shots: HashMap<&str, Vec<usize>> = HashMap::new();
    for (file, name) in names.iter().enumerate() {
        if let Some(name) = name {
            shots.entry(&name.shot).or_default().push(file);
        }
    }
    let mut places: Vec<Option<(usize, FileRole)>> = vec![None; files.len()];
    for shot in shots.values().filter(|shot| shot.len() > 1) {
        let members = shot.iter().filter_map(|&file| Some((file, names[file].as_ref()?)));
        place(&members.collect::<Vec<_>>(), &mut places);
    }
    let mut items: Vec<_> = files.iter().cloned().map(Item::alone).collect();
    for (path, place) in files.into_iter().zip(&places) {
        if let &Some((primary, role)) = place {
            items[primary].companions.push((path, role));
        }
    }
    items
        .iter_mut()
        .for_each(|item| item.companions.sort_by_cached_key(|(path, role)| (precedence(*role), path.clone())));
    let mut is_alone = places.iter().map(Option::is_none);
    items.retain(|_| is_alone.next().unwrap_or(true));
    items
}

/// How soon a companion would take the place of a primary that cannot be read.
fn precedence(role: FileRole) -> u8 {
    match role {
        FileRole::Primary => 0,
        FileRole::Original => 1,
        FileRole::Raw => 2,
        FileRole::Motion => 3,
    }
}

/// Notes which members of a shot are companions, and of which file.
fn place(members: &[(usize, &Name)], places: &mut [Option<(usize, FileRole)>]) {
    let is_photo = members.iter().any(|(_, name)| name.kind == Kind::Photo);
    let mut stills: Vec<_> = members.iter().filter(|(_, name)| name.is_still()).collect();
    stills.sort_by_key(|(_, name)| (Reverse(name.edited), name.kind != Kind::Photo, &name.extension, &name.stem));
    let edited = stills.first().filter(|(_, name)| name.edited).copied();
    let primaries: Vec<_> = match edited {
        Some(edited) => vec![edited],
        None => stills.iter().filter(|(_, name)| name.kind == Kind::Photo).copied().collect(),
    };
    for (file, name) in members {
        let role = match name.kind {
            Kind::Raw if is_photo => FileRole::Raw,
            Kind::Video if is_photo => FileRole::Motion,
            Kind::Photo | Kind::Image if edited.is_some() && !name.edited => FileRole::Original,
            _ => continue,
        };
        let primary = primaries.iter().find(|(_, primary)| primary.stem == name.stem).or(primaries.first());
        places[*file] = primary.map(|(primary, _)| (*primary, role));
    }
}

/// What a file's name says.
struct Name {
    kind: Kind,
    stem: OsString,
    /// In lower case.
    extension: String,
    /// The stem without what marks it as edited, without differences of case.
    shot: String,
    edited: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// In a format that cameras and phones write beside raw files and videos.
    Photo,
    Image,
    Raw,
    Video,
}

/// Raw files that no decoder here reads.
const OTHER_RAW: [&str; 3] = ["crw", "mrw", "x3f"];
/// What phones write for a live photo.
const MOTION: [&str; 2] = ["mov", "mp4"];

impl Name {
    /// `None` for what is of no kind that pairs.
    fn of(path: &Path) -> Option<Self> {
        let (stem, extension) = (path.file_stem()?, path.extension()?.to_str()?.to_ascii_lowercase());
        let kind = match Format::named(&extension) {
            _ if MOTION.contains(&&*extension) => Kind::Video,
            Some(format) if format.is_video() => return None,
            Some(Format::Raw) => Kind::Raw,
            Some(Format::Jpeg | Format::Heic) => Kind::Photo,
            Some(_) => Kind::Image,
            None if OTHER_RAW.contains(&&*extension) => Kind::Raw,
            None => return None,
        };
        let whole = folded(stem);
        let original = if kind == Kind::Raw { None } else { original(&whole) };
        let (edited, shot) = (original.is_some(), original.unwrap_or(whole));
        Some(Self { kind, stem: stem.to_owned(), extension, shot, edited })
    }

    fn is_still(&self) -> bool {
        matches!(self.kind, Kind::Photo | Kind::Image)
    }
}

/// The stem of what an image was edited from, in lower case; `None` if it does not look edited.
fn original(stem: &str) -> Option<String> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(number) = stem.strip_prefix("img_e").filter(|number| number.len() >= 4 && is_number(number)) {
        return Some(format!("img_{number}"));
    }
    // `a-edited(1)` is that of `a(1)`.
    let numbered =
        stem.strip_suffix(')').and_then(|stem| stem.rsplit_once('(')).filter(|(_, number)| is_number(number));
    let (stem, number) = numbered.map_or((stem, String::new()), |(stem, number)| (stem, format!("({number})")));
    stem.strip_suffix("-edited").map(|stem| format!("{stem}{number}"))
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    /// `primary: companion role, ...` of each image, in order.
    fn paired(names: &[&str]) -> Vec<String> {
        let mut items: Vec<_> = pair(names.iter().map(PathBuf::from).collect()).into_iter().map(shown).collect();
        items.sort();
        items
    }

    fn shown(item: Item) -> String {
        let companions = item.companions.iter().map(|(path, role)| format!("{} {}", path.display(), role.name()));
        let companions: Vec<_> = companions.collect();
        match companions.is_empty() {
            true => item.primary.display().to_string(),
            false => format!("{}: {}", item.primary.display(), companions.join(", ")),
        }
    }

    #[test]
    fn files_of_one_shot_are_one_image() {
        let cases: [(&[&str], &[&str]); 12] = [
            (&["IMG_1.JPG", "IMG_1.CR2"], &["IMG_1.JPG: IMG_1.CR2 raw"]),
            (&["a.dng", "a.heic"], &["a.heic: a.dng raw"]),
            (&["img_1.jpg", "IMG_1.Nef"], &["img_1.jpg: IMG_1.Nef raw"]),
            (&["a.jpg", "a.x3f"], &["a.jpg: a.x3f raw"]),
            (&["IMG_1.HEIC", "IMG_1.MOV"], &["IMG_1.HEIC: IMG_1.MOV motion"]),
            (&["a.jpg", "a.mp4", "a.arw"], &["a.jpg: a.arw raw, a.mp4 motion"]),
            (&["a.jpg", "a.cr2", "a.dng"], &["a.jpg: a.cr2 raw, a.dng raw"]),
            (&["IMG_1234.JPG", "IMG_E1234.JPG"], &["IMG_E1234.JPG: IMG_1234.JPG original"]),
            (&["b.jpg", "b-edited.jpg"], &["b-edited.jpg: b.jpg original"]),
            (&["b(1).png", "b-edited(1).png"], &["b-edited(1).png: b(1).png original"]),
            (&["IMG_E1234.JPG", "IMG_1234.DNG"], &["IMG_E1234.JPG: IMG_1234.DNG raw"]),
            (
                &["IMG_1234.MOV", "IMG_E1234.MOV", "IMG_1234.HEIC", "IMG_1234.DNG", "IMG_E1234.JPG"],
                &["IMG_E1234.JPG: IMG_1234.HEIC original, IMG_1234.DNG raw, IMG_1234.MOV motion, IMG_E1234.MOV motion"],
            ),
        ];
        for (names, expected) in each(cases) {
            assert_eq!(paired(names), expected, "{names:?}");
            let turned: Vec<_> = names.iter().rev().copied().collect();
            assert_eq!(paired(&turned), expected, "{turned:?}");
        }
    }

    #[test]
    fn what_only_looks_alike_stays_apart() {
        let cases: [&[&str]; 11] = [
            &["IMG_1234-1.JPG", "IMG_1234.JPG"],
            &["IMG_1234 (1).JPG", "IMG_1234.CR2"],
            &["a.heic", "a.jpg"],
            &["a.cr2", "a.dng"],
            &["a.dng", "a.mov"],
            &["a.mov", "a.mp4"],
            &["a.cr2", "a.png"],
            &["a.gif", "a.mp4"],
            &["IMG_E1234.JPG", "IMG_1235.JPG"],
            &["img_e12.jpg", "img_12.jpg"],
            &["a.avi", "a.jpg"],
        ];
        for names in each(cases) {
            let mut alone: Vec<_> = names.to_vec();
            alone.sort_unstable();
            assert_eq!(paired(names), alone);
        }
    }

    #[test]
    fn of_names_that_differ_in_case_the_same_comes_first() {
        let names = ["A.JPG", "a.jpg", "A.CR2", "a.cr2"];
        assert_eq!(paired(&names), ["A.JPG: A.CR2 raw", "a.jpg: a.cr2 raw"]);
        assert_eq!(paired(&["A.JPG", "b.jpg", "a.cr2"]), ["A.JPG: a.cr2 raw", "b.jpg"]);
        // Of two that would do, one.
        assert_eq!(paired(&["a.jpg", "a.heic", "a.cr2"]), ["a.heic: a.cr2 raw", "a.jpg"]);
    }
}
