//! What files are called that hold images or videos, and folders that hold none of the user's own.

use std::ffi::OsStr;
use std::path::Path;

use glimpse_encoder::image_file::Format;

/// Names of images in formats that no decoder here reads: one of them is named as skipped, so that
/// nothing is missing without a word.
const UNREAD: [&str; 13] = ["ico", "tga", "jp2", "psd", "qoi", "dds", "exr", "hdr", "ppm", "pgm", "crw", "mrw", "x3f"];
/// Folders in which network drives and desktops keep thumbnails, deleted files and snapshots: all
/// that lies there was made from files elsewhere, or is not wanted any more.
const SYSTEM_FOLDERS: [&str; 15] = [
    "@eaDir",
    "@Recycle",
    "@Recently-Snapshot",
    "@tmp",
    "#recycle",
    "#snapshot",
    "$RECYCLE.BIN",
    "RECYCLER",
    "System Volume Information",
    "lost+found",
    ".thumbnails",
    ".@__thumb",
    ".@upload_cache",
    ".AppleDouble",
    ".snapshots",
];
/// So begin the trash folders of drives: `.Trash`, `.Trashes`, `.Trash-1000`.
const TRASH: &str = ".trash";

/// True for a folder that a system keeps for itself, whatever the case of its name.
pub(crate) fn is_kept_by_the_system(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let is_trash = name.get(..TRASH.len()).is_some_and(|start| start.eq_ignore_ascii_case(TRASH));
    is_trash || SYSTEM_FOLDERS.iter().any(|folder| name.eq_ignore_ascii_case(folder))
}

/// True if a file's name says that it holds an image or a video; others are left alone without a
/// word.
pub(crate) fn is_of_interest(path: &Path) -> bool {
    let Some(extension) = path.extension().and_then(|it| it.to_str()) else { return false };
    Format::named(extension).is_some() || UNREAD.iter().any(|known| extension.eq_ignore_ascii_case(known))
}
