//! Inputs that are kept in the repository, one file each, and inputs that made a target fail.

use std::fs;
use std::path::{Path, PathBuf};

/// Longest input that is kept in bytes.
const LONGEST_KEPT: usize = 4 << 10;
/// Most inputs of a target that are kept.
const MOST_KEPT: usize = 200;

/// The kept inputs of a target.
pub struct Corpus(PathBuf);

impl Corpus {
    pub fn of(name: &str) -> Self {
        Self(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name))
    }

    /// All inputs, in the order of their names.
    ///
    /// # Panics
    /// If one cannot be read.
    pub fn read(&self) -> Vec<Vec<u8>> {
        let read = |path: &PathBuf| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.files().iter().map(read).collect()
    }

    /// Adds an input that is short enough, while there are few.
    pub fn keep(&self, input: &[u8]) {
        if input.len() <= LONGEST_KEPT && self.files().len() < MOST_KEPT {
            let path = self.0.join(name_of(input));
            let written = fs::create_dir_all(&self.0).and_then(|()| fs::write(&path, input));
            written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        files.sort_unstable();
        files
    }
}

/// Writes an input that makes a target fail to a file, and says how it is repeated.
pub fn write_failing(target: &str, input: &[u8]) -> String {
    let path = std::env::temp_dir().join(format!("glimpse-fuzz-{target}-{}", name_of(input)));
    match fs::write(&path, input) {
        Ok(()) => format!(
            "GLIMPSE_FUZZ_INPUT={} repeats it ({} bytes); once mended, keep the file in tests/fuzz/corpus/{target}/",
            path.display(),
            input.len()
        ),
        Err(error) => format!("the input cannot be written to {} ({error}): {input:?}", path.display()),
    }
}

/// A name by content (FNV-1a).
fn name_of(input: &[u8]) -> String {
    let hash = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}
