//! Writing to the XMP sidecars of images, so that other programs see what is known here. A sidecar
//! that is there keeps all that it holds, byte for byte but for the value that is set; image files
//! are never touched.

mod document;
mod file;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use document::{whole, with_description};
pub use file::replace;

use self::document::{read_rating, with_rating};
use self::file::SidecarFile;
use crate::ReasonCode;
use crate::ingest::{Beside, SidecarNames};

/// The best rating, 5 stars.
pub const BEST: u8 = 5;

/// Why a sidecar could not be written. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum SidecarError {
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The sidecar.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is there, and nothing can be added to it safely.
    #[error("{path}: this sidecar {reason}, so it is left as it is")]
    Unusable {
        /// The sidecar.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl SidecarError {
    /// What programs and translations go by.
    pub fn reason_code(&self) -> ReasonCode {
        match self {
            Self::Io { source, .. } => source.into(),
            Self::Unusable { .. } => ReasonCode::UnusableSidecar,
        }
    }
}

/// A sidecar that has a rating now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rated {
    /// The sidecar.
    pub path: PathBuf,
    /// As [`crate::FileRecord::sidecar_modified`], before it was written.
    pub modified_before: i64,
    /// The same after it.
    pub modified: i64,
}

/// Gives an image a rating of 1 to 5 in its XMP sidecar; `None` if a sidecar has one already, that
/// of a rejected image (-1) among them, which then stays. A rating of 0 means that there is none.
/// Of `a.jpg`, the sidecar is `a.jpg.xmp`, else `a.xmp`, in any case of letters; if neither is
/// there, `a.jpg.xmp` is made. With `dry_run` nothing is written.
///
/// # Errors
/// [`SidecarError`].
pub fn rate(image: &Path, rating: u8, dry_run: bool) -> Result<Option<Rated>, SidecarError> {
    write_rating(image, rating, false, dry_run)
}

/// As [`rate`], in the place of a rating that is there, that of a rejected image too; 0 takes it
/// away. `None` if the sidecar says so already.
///
/// # Errors
/// [`SidecarError`].
pub fn set_rating(image: &Path, rating: u8, dry_run: bool) -> Result<Option<Rated>, SidecarError> {
    write_rating(image, rating, true, dry_run)
}

fn write_rating(image: &Path, rating: u8, replaces: bool, dry_run: bool) -> Result<Option<Rated>, SidecarError> {
    let before = beside(image);
    let mut target = None;
    for path in &before.xmp {
        let sidecar = SidecarFile::read(path)?;
        let text = sidecar.text()?;
        let known = read_rating(text).map_err(|reason| unusable(path, reason))?;
        let is_rated = known.is_some_and(|known| known != 0.0);
        if is_rated && !replaces {
            return Ok(None);
        }
        // Of several, one that has a rating is the one whose rating counts.
        if target.is_none() || is_rated {
            let text = with_rating(text, rating).map_err(|reason| unusable(path, reason))?;
            target = Some((path.clone(), Some(sidecar), text));
        }
        if is_rated {
            break;
        }
    }
    let is_so = |(_, sidecar, text): &(PathBuf, Option<SidecarFile<'_>>, String)| {
        sidecar.as_ref().is_some_and(|sidecar| sidecar.text().is_ok_and(|old| old == text))
    };
    if target.as_ref().map_or(rating == 0, is_so) {
        return Ok(None);
    }
    let (path, sidecar, text) =
        target.unwrap_or_else(|| (name_for(image), None, whole(&document::rating_description(rating))));
    if !dry_run {
        file::write(&path, &text, sidecar.as_ref())
            .map_err(|source| SidecarError::Io { path: path.clone(), source })?;
    }
    Ok(Some(Rated { path, modified_before: before.modified, modified: beside(image).modified }))
}

fn beside(image: &Path) -> Beside {
    let mut beside = Beside::of(image, &SidecarNames::of(image.parent().unwrap_or(Path::new(""))));
    // What is no file is no sidecar.
    beside.xmp.retain(|path| !fs::metadata(path).is_ok_and(|facts| facts.is_dir()));
    beside
}

/// The name of a new sidecar: that of the image and an ending, so that `a.jpg` and `a.png` do not
/// share one.
fn name_for(image: &Path) -> PathBuf {
    let mut name = image.as_os_str().to_owned();
    name.push(".xmp");
    name.into()
}

fn unusable(path: &Path, reason: &'static str) -> SidecarError {
    SidecarError::Unusable { path: path.to_path_buf(), reason }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
