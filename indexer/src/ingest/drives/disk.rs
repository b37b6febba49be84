//! Questions to the file system about paths. Each costs a call of the system, over a network
//! perhaps milliseconds: how many a run asks is counted in tests.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use glimpse_encoder::files;

/// What is at `path`, or where a link leads.
pub(crate) fn facts(path: &Path) -> io::Result<Metadata> {
    count();
    fs::metadata(path)
}

/// Opens a file without waiting for what is none.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    count();
    files::open(path)
}

/// `path` without links. Costs as many calls as the path has parts.
pub(crate) fn real_path(path: &Path) -> io::Result<PathBuf> {
    path.components().for_each(|_| count());
    fs::canonicalize(path)
}

/// True if there certainly is nothing at `path` any more.
pub(crate) fn is_gone(path: &Path) -> bool {
    count();
    let gone = |error: io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    fs::symlink_metadata(path).is_err_and(gone)
}

fn count() {
    add(1);
}

/// Calls that another thread made count for this one.
#[cfg_attr(not(test), expect(unused_variables, reason = "calls are counted in tests"))]
pub(crate) fn add(calls: usize) {
    #[cfg(test)]
    tests::CALLS.with(|all| all.set(all.get() + calls));
}

/// What `question` gives, and how many calls it took: for [`add`] on the thread that waits for it.
pub(crate) fn counted<T>(question: impl FnOnce() -> T) -> (T, usize) {
    #[cfg(test)]
    let (calls, answer) = tests::calls_of(question);
    #[cfg(not(test))]
    let (calls, answer) = (0, question());
    (answer, calls)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    thread_local! {
        /// Calls that this thread has made.
        pub(crate) static CALLS: Cell<usize> = const { Cell::new(0) };
    }

    /// How many calls this thread makes during `what`.
    pub fn calls_of<T>(what: impl FnOnce() -> T) -> (usize, T) {
        let before = CALLS.get();
        let done = what();
        (CALLS.get() - before, done)
    }
}
