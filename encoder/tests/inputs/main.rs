//! What goes into a model: images, preprocessing, token ids, and the checkpoints themselves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod cut_off;
mod formats;
mod hub;
mod hub_server;
mod images;
mod preprocess;
mod siglip1;
mod tokens;

use std::path::{Path, PathBuf};

/// `tests/golden` of the repository.
fn golden(what: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(what)
}

/// A part of the data that is not part of the repository: in `GLIMPSE_TEST_DATA`, else beside the
/// repository.
fn shared(what: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let path = std::env::var_os("GLIMPSE_TEST_DATA").map_or_else(beside, PathBuf::from).join(what);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not there (set GLIMPSE_TEST_DATA)", path.display());
    None
}
