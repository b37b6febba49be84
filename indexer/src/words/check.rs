//! Whether the files of the word index are those that were written, to be known before tantivy
//! reads them: it takes what it reads for granted, and panics or aborts over what is damaged.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tantivy::index::SegmentMeta;
use tantivy::{Index, IndexReader, TantivyError};

use super::ID;

/// Runs a call into tantivy; a panic in it is an error of its data.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, TantivyError>) -> Result<T, TantivyError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(damaged("tantivy gave up over it".to_owned())))
}

/// True for an error that says that what is stored cannot be read, and not that the system failed.
pub(super) fn is_damage(error: &TantivyError) -> bool {
    matches!(error, TantivyError::DataCorruption(_) | TantivyError::InternalError(_) | TantivyError::OpenReadError(_))
}

/// Compares every file of some segments with the checksum at its end.
///
/// # Errors
/// Names the first that is not what was written.
pub(super) fn check_segments(index: &Index, dir: &Path, segments: &[SegmentMeta]) -> Result<(), TantivyError> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        names.extend(entry?.file_name().into_string());
    }
    names.sort_unstable();
    for segment in segments {
        let id = segment.id().uuid_string();
        let deletes = segment.delete_opstamp().map(|opstamp| format!("{id}.{opstamp}.del"));
        // Deletes of another commit may have been left half written.
        let belongs =
            |name: &&String| name.starts_with(&id) && (!name.ends_with(".del") || Some(*name) == deletes.as_ref());
        for name in names.iter().filter(belongs) {
            if !index.directory().validate_checksum(Path::new(name))? {
                return Err(damaged(format!("checksum of {name}")));
            }
        }
    }
    Ok(())
}

/// Compares what the list of segments, which has no checksum, says of them with what they hold.
///
/// # Errors
/// If they differ.
pub(super) fn check_counts(reader: &IndexReader) -> Result<(), TantivyError> {
    for segment in reader.searcher().segment_readers() {
        let rows = segment.fast_fields().u64(ID)?.num_docs();
        let alive = segment.doc_ids_alive().count();
        if rows != segment.max_doc() || alive != segment.num_docs() as usize {
            return Err(damaged(format!("counts of segment {}", segment.segment_id().uuid_string())));
        }
    }
    Ok(())
}

fn damaged(what: String) -> TantivyError {
    TantivyError::DataCorruption(tantivy::error::DataCorruption::comment_only(what))
}
