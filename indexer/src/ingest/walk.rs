//! Finds candidates: files that are named like pictures, under the rules of hidden files, ignore files and links.
//!
//! - `.glimpseignore` files have the syntax of `.gitignore` and hold for their folder and below; those of the folders
//!   above a root hold too. No other file decides what is left out.
//! - A link inside the roots is followed unless its target will be found by its own path. Each
//!   folder is entered once,
//!   whichever way leads to it, so loops end and nothing is taken twice.
//! - A link out of the roots is named and not followed, unless that is asked for: whoever may write
//!   into a shared folder
//!   would choose what is read.
//! - Only regular files are ever opened.

use std::collections::HashSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use ignore::{DirEntry, WalkBuilder};
use parking_lot::Mutex;

use super::devices::Devices;
use super::metadata::{SidecarNames, newest_sidecar};
use super::read::Stat;

/// The file that says what is left out.
pub(super) const IGNORE_FILE: &str = ".glimpseignore";

/// Names of pictures, read or not: one that is not read is named as skipped, so that nothing is missing without a word.
const EXTENSIONS: [&str; 27] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "tif", "tiff", "bmp", "dib", "heic", "heif", "hif",
    "avif", "ico", "tga", "jxl", "jp2", "psd", "qoi", "dds", "exr", "hdr", "ppm", "pgm",
];

/// Names of what holds pictures that no decoder here reads: they are named as skipped without a look inside, where many
/// pass for something else (camera raw files mostly for TIFF).
const RAW: [&str; 27] = [
    "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gpr", "iiq", "kdc", "mef", "mos", "mrw", "nef",
    "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
];
const VIDEO: [&str; 16] =
    ["3gp", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "mxf", "ogv", "vob", "webm", "wmv"];

/// A file that may hold a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub path: PathBuf,
    pub stat: Stat,
    /// Newest modification time of the sidecars; 0 without.
    pub sidecar_modified: i64,
}

/// What the walk comes across.
#[derive(Debug)]
pub(super) enum Found {
    Candidate(Candidate),
    /// A file of a kind that is not read, in words.
    Unread(PathBuf, &'static str),
    /// A link out of the roots.
    LinkOut(PathBuf),
    /// A folder or file that could not be looked at, and why.
    Failed(PathBuf, String),
}

/// What a walk has seen, to tell afterwards what has vanished.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Hashes of the paths of all candidates: 8 bytes each, where the paths would take a hundred.
    pub seen: HashSet<u64>,
    pub hasher: RandomState,
    /// Folders and files that could not be looked at: nothing is known of what is there.
    pub unknown: Vec<PathBuf>,
    /// Roots that are folders.
    pub folders: Vec<PathBuf>,
    /// Folders on another device than the one above them: below the roots, the roots, and above them.
    pub mounts: Vec<PathBuf>,
    /// The walk came to its end.
    pub complete: bool,
}

impl Walked {
    pub fn saw(&self, path: &Path) -> bool {
        self.seen.contains(&self.hasher.hash_one(path))
    }

    pub fn saw_nothing_of(&self, path: &Path) -> bool {
        self.unknown.iter().any(|unknown| path.starts_with(unknown))
    }
}

/// A walk over some roots. `sink` gives `false` to end it.
pub(super) struct Walker<S> {
    roots: Arc<[PathBuf]>,
    hidden: bool,
    follow_links: bool,
    devices: Devices,
    sink: S,
    walked: Walked,
    /// Sidecars of the folders above and around the current file, innermost last.
    sidecars: Vec<(PathBuf, SidecarNames)>,
}

impl<S: FnMut(Found) -> bool> Walker<S> {
    /// `roots` are canonical.
    pub fn new(roots: &[PathBuf], hidden: bool, devices: &Devices, sink: S) -> Self {
        Self {
            roots: roots.into(),
            hidden,
            follow_links: false,
            devices: devices.clone(),
            sink,
            walked: Walked::default(),
            sidecars: Vec::new(),
        }
    }

    /// Also follows links out of the roots.
    pub fn following_links(self, follow_links: bool) -> Self {
        Self { follow_links, ..self }
    }

    pub fn run(mut self) -> Walked {
        let links = Arc::new(Links {
            roots: Arc::clone(&self.roots),
            hidden: self.hidden,
            leave_out: !self.follow_links,
            entered: Mutex::default(),
            left_out: Mutex::default(),
        });
        let (folders, files): (Vec<_>, Vec<_>) = self.roots.iter().cloned().partition(|root| root.is_dir());
        self.walked.complete = folders.iter().all(|root| self.folder(root, Arc::clone(&links)))
            && files.iter().all(|root| self.walked.saw(root) || self.file(root));
        self.walked.folders = folders;
        self.walked
    }

    fn folder(&mut self, root: &Path, links: Arc<Links>) -> bool {
        let above = root.ancestors().skip(1).filter(|folder| self.devices.is_mount_point(folder));
        self.walked.mounts.extend(above.map(Path::to_path_buf));
        let mut walk = WalkBuilder::new(root);
        walk.standard_filters(false).hidden(!self.hidden).parents(true).follow_links(true);
        let entered = Arc::clone(&links);
        walk.add_custom_ignore_filename(IGNORE_FILE).filter_entry(move |entry| entered.enters(entry));
        let complete = walk.build().all(|entry| match entry {
            Ok(entry) => {
                let rules = entry.error().filter(|error| error.io_error().is_none()).map(ToString::to_string);
                let regular = entry.file_type().is_some_and(|kind| kind.is_file());
                if entry.file_type().is_some_and(|kind| kind.is_dir()) && self.devices.is_mount_point(entry.path()) {
                    self.walked.mounts.push(entry.path().to_path_buf());
                }
                rules.is_none_or(|error| (self.sink)(Found::Failed(entry.path().join(IGNORE_FILE), error)))
                    && (!regular || named(entry.path()).is_none() || self.file(entry.path()))
            }
            Err(error) => self.failed(root, &error),
        });
        let left_out = std::mem::take(&mut *links.left_out.lock());
        complete && left_out.into_iter().all(|link| self.left_out(link))
    }

    /// What was found by this link before stays as it is.
    fn left_out(&mut self, link: PathBuf) -> bool {
        self.walked.unknown.push(link.clone());
        (self.sink)(Found::LinkOut(link))
    }

    fn file(&mut self, path: &Path) -> bool {
        let facts = match fs::metadata(path) {
            Ok(facts) if facts.is_file() => facts,
            Ok(_) => return (self.sink)(Found::Failed(path.to_path_buf(), "not a regular file".into())),
            Err(error) => {
                self.walked.unknown.push(path.to_path_buf());
                return (self.sink)(Found::Failed(path.to_path_buf(), error.to_string()));
            }
        };
        if let Some(Named::Unread(kind)) = named(path) {
            return (self.sink)(Found::Unread(path.to_path_buf(), kind));
        }
        self.walked.seen.insert(self.walked.hasher.hash_one(path));
        let sidecar_modified = newest_sidecar(path, self.sidecars_beside(path));
        (self.sink)(Found::Candidate(Candidate { path: path.to_path_buf(), stat: Stat::of(&facts), sidecar_modified }))
    }

    fn failed(&mut self, root: &Path, error: &ignore::Error) -> bool {
        let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
        match culprit(error) {
            // A loop of links; its folders are found on the way into it.
            Culprit::Loop => true,
            // Its target may be on a drive that is not mounted now.
            Culprit::Path(path) if is_dangling(path) => {
                self.walked.unknown.push(path.to_path_buf());
                named(path).is_none() || (self.sink)(Found::Failed(path.to_path_buf(), "a link to nowhere".into()))
            }
            Culprit::Path(path) => {
                self.walked.unknown.push(path.to_path_buf());
                (self.sink)(Found::Failed(path.to_path_buf(), reason))
            }
            // Whatever was not seen may be anywhere.
            Culprit::Unknown => {
                self.walked.unknown.push(root.to_path_buf());
                (self.sink)(Found::Failed(root.to_path_buf(), reason))
            }
        }
    }

    /// Lists each folder once: the walk goes depth first, so the folders above the current one are still wanted.
    fn sidecars_beside(&mut self, path: &Path) -> &SidecarNames {
        let folder = path.parent().unwrap_or(Path::new(""));
        while self.sidecars.last().is_some_and(|(listed, _)| !folder.starts_with(listed)) {
            self.sidecars.pop();
        }
        if self.sidecars.last().is_none_or(|(listed, _)| listed != folder) {
            self.sidecars.push((folder.to_path_buf(), SidecarNames::of(folder)));
        }
        let last = self.sidecars.len() - 1;
        &self.sidecars[last].1
    }
}

/// Decides which folders and links are entered.
struct Links {
    roots: Arc<[PathBuf]>,
    hidden: bool,
    /// Links out of the roots are not followed.
    leave_out: bool,
    entered: Mutex<HashSet<PathBuf>>,
    left_out: Mutex<Vec<PathBuf>>,
}

impl Links {
    fn enters(&self, entry: &DirEntry) -> bool {
        let folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        let link = entry.path_is_symlink();
        if !folder && !link {
            return true;
        }
        if !folder && named(entry.path()).is_none() {
            return false;
        }
        let Ok(target) = fs::canonicalize(entry.path()) else { return true };
        if link && self.leave_out && !self.roots.iter().any(|root| target.starts_with(root)) {
            self.left_out.lock().push(entry.path().to_path_buf());
            return false;
        }
        // Another root is walked on its own, by its own path.
        let own_root = self.roots.contains(&target);
        !(own_root || link && self.found_by_its_own_path(&target)) && self.entered.lock().insert(target)
    }

    fn found_by_its_own_path(&self, target: &Path) -> bool {
        let below = self.roots.iter().filter_map(|root| target.strip_prefix(root).ok());
        below.into_iter().any(|path| self.hidden || !has_hidden_part(path))
    }
}

enum Culprit<'a> {
    Loop,
    Path(&'a Path),
    Unknown,
}

fn culprit(error: &ignore::Error) -> Culprit<'_> {
    match error {
        ignore::Error::Loop { .. } => Culprit::Loop,
        ignore::Error::WithPath { path, err } => match culprit(err) {
            Culprit::Unknown => Culprit::Path(path),
            inner => inner,
        },
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => culprit(err),
        _ => Culprit::Unknown,
    }
}

fn is_dangling(path: &Path) -> bool {
    let link = fs::symlink_metadata(path).is_ok_and(|facts| facts.is_symlink());
    link && fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// What a file's name says that it is.
enum Named {
    Picture,
    /// Not read, whatever is in it: its kind in words.
    Unread(&'static str),
}

/// `None` for what is left alone without a word.
fn named(path: &Path) -> Option<Named> {
    let extension = path.extension().and_then(|it| it.to_str())?;
    let is_of = |known: &[&str]| known.iter().any(|known| extension.eq_ignore_ascii_case(known));
    match () {
        () if is_of(&EXTENSIONS) => Some(Named::Picture),
        () if is_of(&RAW) => Some(Named::Unread("a camera raw file")),
        () if is_of(&VIDEO) => Some(Named::Unread("a video")),
        () => None,
    }
}

/// True if the path, relative to a root, leads through a hidden file or folder.
pub(super) fn has_hidden_part(path: &Path) -> bool {
    let hidden = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
    path.components().any(hidden)
}
