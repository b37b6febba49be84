//! Finds candidates: files that are named like images, under the rules of hidden files, ignore
//! files and links.
//!
//! - `.glimpseignore` files have the syntax of `.gitignore` and hold for their folder and below;
//!   those of the folders above a root hold too. No other file decides what is left out.
//! - A link inside the roots is followed unless its target will be found by its own path. Each
//!   folder is entered once, whichever way leads to it, so loops end and nothing is taken twice.
//! - A link out of the roots is named and not followed, unless that is asked for: whoever may write
//!   into a shared folder would choose what is read.
//! - Folders in which systems keep thumbnails, deleted files and snapshots are left out
//!   ([`is_kept_by_the_system`]) unless they are roots themselves.
//! - Only regular files are ever opened.
//!
//! A folder costs as many calls of the system as it has entries, however deep it lies.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, DirEntry, FileType};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::names::{is_kept_by_the_system, is_of_interest};
use super::pairs::{Item, pair};
use super::rules::{IGNORE_FILE, Rules};
use super::scope::Scope;
use crate::ingest::decode::read::Stat;
use crate::ingest::drives::devices::Devices;
use crate::ingest::drives::disk;
use crate::ingest::metadata::{Beside, SidecarNames};
use crate::{FileRole, Reason, ReasonCode};

/// A file that may hold an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub path: PathBuf,
    pub stat: Stat,
    /// Newest modification time of the sidecars; 0 without.
    pub sidecar_modified: i64,
    /// XMP sidecars, the most telling first.
    pub xmp: Vec<PathBuf>,
    /// Other files of the same shot, those first that would take its place.
    pub companions: Vec<Companion>,
    /// It was asked for by its own path, so that nothing is known of the files beside it.
    pub single: bool,
}

/// A file that belongs to the image of another one in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Companion {
    pub role: FileRole,
    /// Without companions of its own.
    pub file: Candidate,
}

impl Companion {
    /// The images that companions make without their primary: one of a still image, to which the
    /// others belong, else each video by itself.
    pub fn on_their_own(mut companions: Vec<Self>) -> Vec<Candidate> {
        match companions.iter().position(|companion| companion.role != FileRole::Motion) {
            None => companions.into_iter().map(|companion| companion.file).collect(),
            Some(first) => {
                let next = companions.remove(first).file;
                vec![Candidate { companions, ..next }]
            }
        }
    }
}

/// What the walk comes across.
#[derive(Debug)]
pub(crate) enum Found {
    /// A folder, before what is in it.
    Folder(PathBuf),
    Candidate(Candidate),
    /// A file that a walk which only counts took no closer look at.
    Counted,
    /// A link out of the roots.
    LinkOut(PathBuf),
    /// A folder or file that could not be looked at, and why.
    Failed(PathBuf, Reason),
}

/// What a walk has seen, to tell afterwards what has vanished.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// Hashes of the paths of all candidates: 8 bytes each, where the paths would take a hundred.
    pub seen: HashSet<u64>,
    pub hasher: RandomState,
    /// Folders and files that could not be looked at: nothing is known of what is there.
    pub unknown: HashSet<PathBuf>,
    /// Roots that are folders.
    pub folders: Vec<PathBuf>,
    /// Folders on another device than the one above them: below the roots, the roots, and above
    /// them.
    pub mounts: Vec<PathBuf>,
    /// The walk came to its end.
    pub complete: bool,
}

impl Walked {
    pub fn saw(&self, path: &Path) -> bool {
        self.seen.contains(&self.hasher.hash_one(path))
    }

    pub fn saw_nothing_of(&self, path: &Path) -> bool {
        !self.unknown.is_empty() && path.ancestors().any(|above| self.unknown.contains(above))
    }
}

/// A walk over some roots. `sink` gives `false` to end it.
pub(crate) struct Walker<'a, S> {
    roots: &'a [PathBuf],
    hidden: bool,
    follow_links: bool,
    pairs: bool,
    only_counts: bool,
    /// Folders that the walk is limited to.
    scope: Option<&'a Scope>,
    devices: &'a Devices,
    sink: S,
    walked: Walked,
    /// Hashes of the real paths of the folders and links that were entered.
    entered: HashSet<u64>,
    /// Sidecars in the folder of the current file.
    sidecars: Option<(PathBuf, SidecarNames)>,
}

/// What is in a folder.
struct Listed<'a> {
    files: Vec<PathBuf>,
    /// Those below it, with all others that are still to be listed.
    folders: &'a mut Vec<Folder>,
}

/// A folder that is still to be listed.
struct Folder {
    /// As it was reached.
    path: PathBuf,
    /// Without links.
    real: PathBuf,
    /// What the folders above it leave out.
    above: Rules,
}

impl<'a, S: FnMut(Found) -> bool> Walker<'a, S> {
    /// `roots` are canonical.
    pub fn new(roots: &'a [PathBuf], hidden: bool, devices: &'a Devices, sink: S) -> Self {
        let walked = Walked::default();
        let (entered, sidecars) = (HashSet::new(), None);
        Self {
            roots,
            hidden,
            follow_links: false,
            pairs: false,
            only_counts: false,
            scope: None,
            devices,
            sink,
            walked,
            entered,
            sidecars,
        }
    }

    /// Only counts files: as quick as folders are listed, since no file is looked at.
    pub fn counting(self) -> Self {
        Self { only_counts: true, ..self }
    }

    /// Also follows links out of the roots.
    pub fn following_links(self, follow_links: bool) -> Self {
        Self { follow_links, ..self }
    }

    /// Takes files of one shot for one image.
    pub fn pairing(self, pairs: bool) -> Self {
        Self { pairs, ..self }
    }

    /// Only takes files of some folders.
    pub fn within(self, scope: Option<&'a Scope>) -> Self {
        Self { scope, ..self }
    }

    pub fn run(mut self) -> Walked {
        let (mut folders, mut files): (Vec<_>, Vec<_>) = self.roots.iter().cloned().partition(|root| root.is_dir());
        if let Some(scope) = self.scope {
            folders.retain(|root| scope.enters(root));
            files.retain(|root| root.parent().is_some_and(|folder| scope.holds(folder)));
        }
        let above: BTreeSet<&Path> = files.iter().flat_map(|file| file.ancestors().skip(1)).collect();
        let mounts = above.into_iter().filter(|folder| self.devices.is_mount_point(folder));
        self.walked.mounts.extend(mounts.map(Path::to_path_buf));
        self.walked.complete = folders.iter().all(|root| self.root(root))
            && files.iter().all(|root| self.walked.saw(root) || self.single(root));
        self.walked.folders = folders;
        self.walked
    }

    fn root(&mut self, root: &Path) -> bool {
        let mut rules = Rules::default();
        let above: Vec<&Path> = root.ancestors().skip(1).collect();
        for folder in above.into_iter().rev() {
            if self.devices.is_mount_point(folder) {
                self.walked.mounts.push(folder.to_path_buf());
            }
            match self.rules(rules, folder) {
                Some(more) => rules = more,
                None => return false,
            }
        }
        let mut to_list = vec![Folder { path: root.to_path_buf(), real: root.to_path_buf(), above: rules }];
        while let Some(folder) = to_list.pop() {
            if !self.folder(folder, &mut to_list) {
                return false;
            }
        }
        true
    }

    /// The rules in a folder, whose faults are told; `None` to end the walk.
    fn rules(&mut self, above: Rules, folder: &Path) -> Option<Rules> {
        let (rules, faults) = above.with(folder);
        let mut faults = faults.into_iter().map(|fault| Reason::new(ReasonCode::BadIgnoreFile, fault));
        faults.all(|fault| (self.sink)(Found::Failed(folder.join(IGNORE_FILE), fault))).then_some(rules)
    }

    /// Finds the files of a folder, and adds its folders to those to list.
    fn folder(&mut self, folder: Folder, to_list: &mut Vec<Folder>) -> bool {
        let Folder { path, real, above } = folder;
        if !(self.sink)(Found::Folder(path.clone())) {
            return false;
        }
        if self.devices.is_mount_point(&path) {
            self.walked.mounts.push(path.clone());
        }
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) => return self.failed(&path, error),
        };
        let Some(rules) = self.rules(above, &path) else { return false };
        let mut listed = Listed { files: Vec::new(), folders: to_list };
        let takes_files = self.scope.is_none_or(|scope| scope.holds(&path));
        let all = entries.into_iter().all(|entry| match entry.and_then(|entry| Ok((entry.file_type()?, entry))) {
            Ok((kind, entry)) if takes_files && !kind.is_dir() || self.may_enter(&entry.path()) => {
                self.entry(&entry, kind, &real, &rules, &mut listed)
            }
            Ok(_) => true,
            Err(error) => self.failed(&path, error),
        });
        let items = if self.pairs { pair(listed.files) } else { listed.files.into_iter().map(Item::alone).collect() };
        all && items.into_iter().all(|item| self.item(item))
    }

    /// True if the walk is not limited to other folders than this one.
    fn may_enter(&self, folder: &Path) -> bool {
        self.scope.is_none_or(|scope| scope.enters(folder))
    }

    fn entry(&mut self, entry: &DirEntry, kind: FileType, real: &Path, rules: &Rules, listed: &mut Listed<'_>) -> bool {
        let path = entry.path();
        let is_plain_file = !kind.is_dir() && !kind.is_symlink();
        if is_plain_file && (!kind.is_file() || !is_of_interest(&path)) {
            return true;
        }
        if kind.is_symlink() {
            return self.link(path, rules, listed);
        }
        if self.leaves_out(&path, kind.is_dir(), rules) {
            return true;
        }
        if is_plain_file {
            listed.files.push(path);
            return true;
        }
        let real = real.join(entry.file_name());
        if self.enters(&real) {
            listed.folders.push(Folder { path, real, above: rules.clone() });
        }
        true
    }

    fn link(&mut self, path: PathBuf, rules: &Rules, listed: &mut Listed<'_>) -> bool {
        let target = disk::facts(&path).and_then(|facts| Ok((facts, disk::real_path(&path)?)));
        let is_folder = target.as_ref().is_ok_and(|(facts, _)| facts.is_dir());
        if self.leaves_out(&path, is_folder, rules) || is_folder && !self.may_enter(&path) {
            return true;
        }
        let (facts, real) = match target {
            Ok(target) => target,
            // Its target may be on a drive that is not mounted now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.walked.unknown.insert(path.clone());
                let reason = Reason::new(ReasonCode::BrokenLink, "a link to nowhere");
                return !is_of_interest(&path) || (self.sink)(Found::Failed(path, reason));
            }
            Err(error) => return self.failed(&path, error),
        };
        let is_wanted = is_folder || facts.is_file() && is_of_interest(&path);
        let leads_out = !self.roots.iter().any(|root| real.starts_with(root));
        if is_wanted && leads_out && !self.follow_links {
            // What was found by this link before stays as it is.
            self.walked.unknown.insert(path.clone());
            return (self.sink)(Found::LinkOut(path));
        }
        if !is_wanted || self.is_found_by_its_own_path(&real) || !self.enters(&real) {
            return true;
        }
        match is_folder {
            true => listed.folders.push(Folder { path, real, above: rules.clone() }),
            false => listed.files.push(path),
        }
        true
    }

    /// The nearest rule decides, and if there is none, whether it is hidden or a folder of the
    /// system's own.
    fn leaves_out(&self, path: &Path, is_folder: bool, rules: &Rules) -> bool {
        let name_hides = || path.file_name().is_some_and(|name| is_hidden(name.as_encoded_bytes()));
        let is_hidden = || !self.hidden && (name_hides() || has_hidden_attribute(path));
        let is_systems = || is_folder && path.file_name().is_some_and(is_kept_by_the_system);
        rules.leave_out(path, is_folder).unwrap_or_else(|| is_hidden() || is_systems())
    }

    /// False for what was entered already, and for another root: it is walked on its own, by its
    /// own path.
    fn enters(&mut self, real: &Path) -> bool {
        !self.roots.iter().any(|root| root == real) && self.entered.insert(self.walked.hasher.hash_one(real))
    }

    fn is_found_by_its_own_path(&self, real: &Path) -> bool {
        let mut below = self.roots.iter().filter_map(|root| real.strip_prefix(root).ok());
        let is_systems = |path: &Path| path.components().any(|part| is_kept_by_the_system(part.as_os_str()));
        below.any(|path| (self.hidden || !has_hidden_part(path)) && !is_systems(path))
    }

    /// A file that was asked for by its own path.
    fn single(&mut self, path: &Path) -> bool {
        if self.only_counts {
            return (self.sink)(Found::Counted);
        }
        match self.looked_at(path) {
            Ok(file) => self.candidate(Candidate { single: true, ..file }),
            Err(goes_on) => goes_on,
        }
    }

    /// A file with its companions. Where the file itself cannot be looked at, they do without it.
    fn item(&mut self, item: Item) -> bool {
        let Item { primary, companions } = item;
        if self.only_counts {
            return (0..=companions.len()).all(|_| (self.sink)(Found::Counted));
        }
        let mut found = Vec::with_capacity(companions.len());
        let looked_at = self.looked_at(&primary);
        for (path, role) in companions {
            match self.looked_at(&path) {
                Ok(file) => found.push(Companion { role, file }),
                Err(false) => return false,
                Err(true) => {}
            }
        }
        match looked_at {
            Ok(file) => self.candidate(Candidate { companions: found, ..file }),
            Err(goes_on) => goes_on && Companion::on_their_own(found).into_iter().all(|file| self.candidate(file)),
        }
    }

    fn candidate(&mut self, file: Candidate) -> bool {
        let files = std::iter::once(&file).chain(file.companions.iter().map(|companion| &companion.file));
        self.walked.seen.extend(files.map(|file| self.walked.hasher.hash_one(&file.path)));
        (self.sink)(Found::Candidate(file))
    }

    /// A file as a candidate, or, if it is none, whether the walk goes on.
    fn looked_at(&mut self, path: &Path) -> Result<Candidate, bool> {
        let facts = match disk::facts(path) {
            Ok(facts) if facts.is_file() => facts,
            Ok(_) => {
                let reason = Reason::new(ReasonCode::NotAFile, "not a regular file");
                return Err((self.sink)(Found::Failed(path.to_path_buf(), reason)));
            }
            Err(error) => return Err(self.failed(path, error)),
        };
        let Beside { modified: sidecar_modified, xmp } = Beside::of(path, self.sidecars_beside(path));
        let (path, stat) = (path.to_path_buf(), Stat::of(&facts));
        Ok(Candidate { path, stat, sidecar_modified, xmp, companions: Vec::new(), single: false })
    }

    /// Whatever is there, or below it, was not seen.
    fn failed(&mut self, path: &Path, error: io::Error) -> bool {
        self.walked.unknown.insert(path.to_path_buf());
        (self.sink)(Found::Failed(path.to_path_buf(), error.into()))
    }

    /// Lists each folder once: all its files come together.
    fn sidecars_beside(&mut self, path: &Path) -> &SidecarNames {
        let folder = path.parent().unwrap_or(Path::new(""));
        if self.sidecars.as_ref().is_some_and(|(listed, _)| listed != folder) {
            self.sidecars = None;
        }
        &self.sidecars.get_or_insert_with(|| (folder.to_path_buf(), SidecarNames::of(folder))).1
    }
}

/// True if the path, relative to a root, leads through a hidden file or folder.
pub(crate) fn has_hidden_part(path: &Path) -> bool {
    path.components().any(|part: Component<'_>| is_hidden(part.as_os_str().as_encoded_bytes()))
}

fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".")
}

#[cfg(windows)]
fn has_hidden_attribute(path: &Path) -> bool {
    use std::os::windows::fs::MetadataExt;
    const HIDDEN: u32 = 2;
    fs::symlink_metadata(path).is_ok_and(|facts| facts.file_attributes() & HIDDEN != 0)
}

#[cfg(not(windows))]
fn has_hidden_attribute(_: &Path) -> bool {
    false
}
