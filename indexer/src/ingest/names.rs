//! What files are called that hold images, and folders that hold none of the user's own.

use std::ffi::OsStr;
use std::path::Path;

/// Names of images, read or not: one that is not read is named as skipped, so that nothing is
/// missing without a word.
const EXTENSIONS: [&str; 33] = [
    "jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp", "mpo", "jps", "insp", "png", "apng", "webp", "gif", "tif",
    "tiff", "bmp", "dib", "heic", "heif", "hif", "avif", "ico", "tga", "jxl", "jp2", "psd", "qoi", "dds", "exr", "hdr",
    "ppm", "pgm",
];

/// Names of what holds images that no decoder here reads: they are named as skipped without a look
/// inside, where many pass for something else (camera raw files mostly for TIFF).
const RAW: [&str; 27] = [
    "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gpr", "iiq", "kdc", "mef", "mos", "mrw", "nef",
    "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
];
const VIDEO: [&str; 16] =
    ["3gp", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "mxf", "ogv", "vob", "webm", "wmv"];

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
pub(super) fn is_kept_by_the_system(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let is_trash = name.get(..TRASH.len()).is_some_and(|start| start.eq_ignore_ascii_case(TRASH));
    is_trash || SYSTEM_FOLDERS.iter().any(|folder| name.eq_ignore_ascii_case(folder))
}

/// What a file's name says that it is.
pub(super) enum Named {
    Image,
    /// Not read, whatever is in it: its kind in words.
    Unread(&'static str),
}

/// `None` for what is left alone without a word.
pub(super) fn named(path: &Path) -> Option<Named> {
    let extension = path.extension().and_then(|it| it.to_str())?;
    let is_of = |known: &[&str]| known.iter().any(|known| extension.eq_ignore_ascii_case(known));
    match () {
        () if is_of(&EXTENSIONS) => Some(Named::Image),
        () if is_of(&RAW) => Some(Named::Unread("a camera raw file")),
        () if is_of(&VIDEO) => Some(Named::Unread("a video")),
        () => None,
    }
}
