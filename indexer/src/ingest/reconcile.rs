//! After a complete walk: files that the index knows under the roots and that are no longer there.

use std::path::{Path, PathBuf};

use super::walk::{Walked, has_hidden_part};
use super::write::{Writer, is_gone};
use super::{FileEvent, IngestOptions};
use crate::{FileRecord, Index, IndexError};

/// Marks or, with `prune`, forgets what has vanished, with the roots that are `gone` all that was below them. Nothing is
/// concluded about folders that could not be looked at.
pub(super) fn reconcile(
    index: &Index,
    options: &IngestOptions,
    walked: &Walked,
    gone: &[PathBuf],
    writer: &mut Writer<'_, '_>,
) -> Result<(), IndexError> {
    for root in walked.folders.iter().chain(gone).filter(|root| !walked.saw_nothing_of(root)) {
        let files = index.files_under(root)?;
        let at_stake = files.iter().filter(|file| options.prune || !file.missing).count();
        if at_stake > 0 && is_empty(root) {
            writer.report.event(FileEvent::Failed { path: root.clone(), reason: looks_unmounted(at_stake) });
            continue;
        }
        for file in files.iter().filter(|file| has_vanished(file, root, options.hidden, walked)) {
            if options.prune {
                index.remove_file(&file.path)?;
                writer.report.change(FileEvent::Pruned(file.path.clone()));
            } else if !file.missing {
                index.mark_missing(&file.path)?;
                writer.report.change(FileEvent::Missing(file.path.clone()));
            }
            if writer.report.is_commit_due() {
                writer.commit()?;
            }
        }
    }
    writer.commit()
}

/// A file that is still there has vanished from the library if an ignore file now leaves it out. Hidden files are found
/// only when they are asked for, so that not finding them says nothing.
fn has_vanished(file: &FileRecord, root: &Path, hidden: bool, walked: &Walked) -> bool {
    if walked.saw(&file.path) || walked.saw_nothing_of(&file.path) {
        return false;
    }
    let below_root = file.path.strip_prefix(root).unwrap_or(&file.path);
    is_gone(&file.path) || file.path.exists() && (hidden || !has_hidden_part(below_root))
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

fn looks_unmounted(files: usize) -> String {
    format!(
        "the folder is empty, but {files} files were indexed from it, which stay as they are. If a drive belongs here, \
         mount it; if the files were deleted, index the folder above"
    )
}
