//! What files are called that hold images.

use std::path::Path;

/// Names of images, read or not: one that is not read is named as skipped, so that nothing is missing without a word.
const EXTENSIONS: [&str; 27] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "tif", "tiff", "bmp", "dib", "heic", "heif", "hif",
    "avif", "ico", "tga", "jxl", "jp2", "psd", "qoi", "dds", "exr", "hdr", "ppm", "pgm",
];

/// Names of what holds images that no decoder here reads: they are named as skipped without a look inside, where many
/// pass for something else (camera raw files mostly for TIFF).
const RAW: [&str; 27] = [
    "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gpr", "iiq", "kdc", "mef", "mos", "mrw", "nef",
    "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
];
const VIDEO: [&str; 16] =
    ["3gp", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "mxf", "ogv", "vob", "webm", "wmv"];

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
