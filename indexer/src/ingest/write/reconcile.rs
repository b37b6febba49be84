//! After a complete walk: files that the index knows under the roots and that are no longer there.
//!
//! Marking a file as missing heals when it is back; forgetting it does not. So what looks like a
//! drive that is away stays as it is, and what is forgotten at once is bounded, unless the user
//! insists (`force`).

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::stage::Writer;
use crate::ingest::drives::calls::Drives;
use crate::ingest::drives::devices::Mounts;
use crate::ingest::drives::disk::is_gone;
use crate::ingest::event::FileEvent;
use crate::ingest::find::scope::{Reach, Scope};
use crate::ingest::find::walk::{Walked, has_hidden_part};
use crate::ingest::options::IngestOptions;
use crate::{FileRecord, Index, IndexError, Reason, ReasonCode};

/// Whole folders may be forgotten without `force` if they hold at most one in so many files.
const SHARE: usize = 10;
/// So many files may be forgotten without `force`.
const MOST: usize = 1000;

/// Marks or, with `prune`, forgets what has vanished, with the roots that are `gone` all that was
/// below them. Nothing is concluded about folders that could not be looked at.
pub(crate) fn reconcile(
    index: &Index,
    options: &IngestOptions,
    walked: &Walked,
    gone: &[PathBuf],
    cancel: &AtomicBool,
    writer: &mut Writer<'_, '_>,
) -> Result<(), IndexError> {
    let mounts = Mounts::of(index, &options.devices)?;
    let mut found = Vanished::default();
    for root in walked.folders.iter().chain(gone).filter(|root| !walked.saw_nothing_of(root)) {
        let is_gone_root = gone.contains(root);
        found.add_root(index, options, walked, (root, is_gone_root), &mounts, writer)?;
    }
    let prune = options.prune && found.may_be_forgotten(options.force, writer);
    for (path, file) in &found.files {
        if cancel.load(Relaxed) {
            break;
        }
        let kept = found.kept_roots.iter().any(|root| path.starts_with(root));
        match (prune && !kept, file.missing) {
            (true, _) if options.dry_run => writer.report.event(FileEvent::Pruned(path.clone())),
            (true, _) => {
                index.remove_file(path)?;
                writer.report.change(FileEvent::Pruned(path.clone()));
            }
            (false, false) if options.dry_run => writer.report.event(FileEvent::Missing(path.clone())),
            (false, false) => {
                index.mark_missing(path)?;
                writer.report.change(FileEvent::Missing(path.clone()));
            }
            (false, true) => {}
        }
        if writer.report.is_commit_due() {
            writer.commit()?;
        }
    }
    if !options.dry_run {
        mounts.keep(index, &walked.mounts)?;
    }
    writer.commit()
}

/// What is no longer found.
#[derive(Default)]
struct Vanished {
    files: BTreeMap<PathBuf, FileRecord>,
    /// Folders with files that were found, and the folders above them.
    living: HashSet<PathBuf>,
    /// Files that were looked for.
    known: usize,
    /// Roots that are gone with all that was in them, and that are not forgotten.
    kept_roots: Vec<PathBuf>,
}

impl Vanished {
    /// Adds the files of a root that have vanished, unless it looks as if a drive were away, which
    /// is told.
    fn add_root(
        &mut self,
        index: &Index,
        options: &IngestOptions,
        walked: &Walked,
        (root, is_gone_root): (&PathBuf, bool),
        mounts: &Mounts<'_>,
        writer: &mut Writer<'_, '_>,
    ) -> Result<(), IndexError> {
        let drives = writer.drives;
        let files = known_files(index, root, options.scope.as_ref())?;
        let at_stake = files.iter().filter(|file| options.prune || !file.missing).count();
        if at_stake > 0 && !options.force && drives.ask(root, is_empty).unwrap_or(false) {
            writer.report.event(FileEvent::Failed { path: root.clone(), reason: looks_unmounted(at_stake) });
            return Ok(());
        }
        if is_gone_root && options.prune && !options.force && at_stake > 0 {
            writer.report.event(FileEvent::Failed { path: root.clone(), reason: root_is_gone(at_stake) });
            self.kept_roots.push(root.clone());
        }
        let mut away: BTreeMap<&Path, usize> = BTreeMap::new();
        self.known += files.len();
        for file in files {
            if !has_vanished(&file, root, options.hidden, (walked, drives)) {
                let folders = file.path.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
                self.living.extend(
                    folders
                        .take_while(|folder| !self.living.contains(*folder))
                        .map(Path::to_path_buf)
                        .collect::<Vec<_>>(),
                );
            } else if let Some(mount) = mounts.away(&file.path, drives).filter(|_| !options.force) {
                *away.entry(mount).or_default() += usize::from(options.prune || !file.missing);
            } else {
                self.files.insert(file.path.clone(), file);
            }
        }
        for (mount, files) in away.into_iter().filter(|(_, files)| *files > 0) {
            writer.report.event(FileEvent::Failed { path: mount.to_path_buf(), reason: drive_is_away(files) });
        }
        Ok(())
    }

    /// False, and said, if forgetting all would be more than a slip ought to cost.
    fn may_be_forgotten(&self, force: bool, writer: &mut Writer<'_, '_>) -> bool {
        let counted =
            || self.files.iter().filter(|(path, _)| !self.kept_roots.iter().any(|root| path.starts_with(root)));
        let is_whole = |path: &Path| path.parent().is_none_or(|folder| !self.living.contains(folder));
        let whole: Vec<_> = counted().filter(|(path, _)| is_whole(path)).collect();
        if force || whole.len() * SHARE <= self.known && counted().count() <= MOST {
            return true;
        }
        let path =
            whole.first().map(|(path, _)| path.as_path()).or_else(|| counted().next().map(|(path, _)| path.as_path()));
        let folder = path.and_then(Path::parent).unwrap_or(Path::new("")).to_path_buf();
        let reason = too_many(counted().count(), self.known);
        writer.report.event(FileEvent::Failed { path: folder, reason });
        false
    }
}

/// The files of a root that the index knows where a run looked.
fn known_files(index: &Index, root: &Path, scope: Option<&Scope>) -> Result<Vec<FileRecord>, IndexError> {
    let Some(scope) = scope else { return index.files_under(root) };
    let mut files = Vec::new();
    for (folder, reach) in scope.parts() {
        let within = if root.starts_with(folder) && reach == Reach::All { root } else { folder };
        if within.starts_with(root) {
            index.each_file_under(within, &mut |file| {
                if reach == Reach::All || file.path.parent() == Some(folder) {
                    files.push(file);
                }
                Ok(true)
            })?;
        }
    }
    Ok(files)
}

/// A file that is still there has vanished from the library if an ignore file now leaves it out.
/// Hidden files are found only when they are asked for, so that not finding them says nothing. On a
/// drive that does not answer nothing has vanished.
fn has_vanished(file: &FileRecord, root: &Path, hidden: bool, (walked, drives): (&Walked, &Drives<'_>)) -> bool {
    if walked.saw(&file.path) || walked.saw_nothing_of(&file.path) {
        return false;
    }
    let below_root = file.path.strip_prefix(root).unwrap_or(&file.path);
    let would_be_found = hidden || !has_hidden_part(below_root);
    let vanished = move |path: &Path| is_gone(path) || path.exists() && would_be_found;
    drives.ask(&file.path, vanished).unwrap_or(false)
}

/// A folder with nothing in it but hidden files, which systems leave in mount points.
fn is_empty(folder: &Path) -> bool {
    let is_hidden = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().as_encoded_bytes().starts_with(b"."))
    };
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.all(is_hidden))
}

fn looks_unmounted(files: usize) -> Reason {
    let text = format!(
        "the folder is empty, but {files} files were indexed from it, which stay as they are. If a drive belongs here, \
         mount it; if the files were deleted, add --force"
    );
    Reason::new(ReasonCode::FolderEmpty, text)
}

fn root_is_gone(files: usize) -> Reason {
    let text = format!(
        "the folder is gone, but {files} files were indexed from it, which are marked as missing and not forgotten. If it is \
         on a drive, mount it; if it was deleted, add --force"
    );
    Reason::new(ReasonCode::FolderGone, text)
}

fn drive_is_away(files: usize) -> Reason {
    let text = format!(
        "a drive was mounted here when {files} files were indexed from it, and is not now. They stay as they are; if they were \
         deleted, add --force"
    );
    Reason::new(ReasonCode::DriveAway, text)
}

fn too_many(files: usize, known: usize) -> Reason {
    let text = format!(
        "{files} of {known} files are gone, here and perhaps elsewhere, which are marked as missing and not forgotten. If a \
         drive belongs here, mount it; if they were deleted, add --force"
    );
    Reason::new(ReasonCode::ManyGone, text)
}
