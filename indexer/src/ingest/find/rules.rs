//! What ignore files leave out.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use glimpse_encoder::files;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The file that says what is left out.
pub(crate) const IGNORE_FILE: &str = ".glimpseignore";

/// An ignore file is not read further than this.
const MOST_BYTES: u64 = 1 << 20;

/// The rules that hold in a folder: those of its own ignore file and of the folders above, of which
/// only folders with an ignore file count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules(Option<Arc<Level>>);

#[derive(Debug)]
struct Level {
    own: Gitignore,
    above: Rules,
}

impl Rules {
    /// The rules that hold in `folder`, where `self` are those of the folder above, and what is
    /// wrong with its ignore file, one text for each fault. Lines without a fault hold.
    pub fn with(self, folder: &Path) -> (Self, Vec<String>) {
        let text = match read(&folder.join(IGNORE_FILE)) {
            Ok(Some(text)) => text,
            Ok(None) => return (self, Vec::new()),
            Err(fault) => return (self, vec![fault]),
        };
        let mut builder = GitignoreBuilder::new(folder);
        let mut faults = Vec::new();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if let Err(error) = builder.add_line(None, line) {
                faults.push(format!("line {}: {error}", number + 1));
            }
        }
        match builder.build() {
            Ok(own) => (Self(Some(Arc::new(Level { own, above: self }))), faults),
            Err(error) => (self, vec![error.to_string()]),
        }
    }

    /// Whether something is left out, or kept whatever rules further above say; `None` if no rule
    /// is about it. The nearest rule decides.
    pub fn leave_out(&self, path: &Path, is_folder: bool) -> Option<bool> {
        let mut next = self;
        while let Some(level) = &next.0 {
            match level.own.matched(path, is_folder) {
                Match::Ignore(_) => return Some(true),
                Match::Whitelist(_) => return Some(false),
                Match::None => next = &level.above,
            }
        }
        None
    }
}

/// The text of an ignore file; `None` if there is none.
fn read(path: &Path) -> Result<Option<String>, String> {
    use std::io::ErrorKind;
    let file = match files::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(format!("its rules do not hold: {error}")),
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| format!("its rules do not hold: {error}"))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("its rules do not hold: it is larger than {} MB", MOST_BYTES >> 20));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
