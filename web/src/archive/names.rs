//! Names of files in an archive.

use std::collections::HashSet;
use std::path::{Component, Path};

/// Names that were given out. Systems that do not tell `A` from `a` can unpack them all.
#[derive(Debug, Default)]
pub struct Names(HashSet<String>);

impl Names {
    /// The name of the file at `path`: its path below `base`, or its whole path where it lies
    /// elsewhere. A name that is taken gets a number.
    pub fn name(&mut self, path: &Path, base: Option<&Path>) -> String {
        let below = base.and_then(|base| path.strip_prefix(base).ok()).unwrap_or(path);
        let parts = below.components().filter_map(|part| match part {
            Component::Normal(part) => Some(plain(&part.to_string_lossy())),
            _ => None,
        });
        self.take(parts.collect::<Vec<_>>().join("/"))
    }

    /// This name, with a number if it is taken.
    pub fn take(&mut self, name: String) -> String {
        let (stem, ending) = match name.rsplit_once('.') {
            Some((stem, ending)) if !ending.contains('/') && !stem.is_empty() => (stem, format!(".{ending}")),
            _ => (name.as_str(), String::new()),
        };
        let numbered = (2..).map(|number| format!("{stem} ({number}){ending}"));
        let mut free = std::iter::once(name.clone()).chain(numbered);
        free.find(|name| self.0.insert(name.to_lowercase())).unwrap_or(name)
    }
}

/// A part of a path without what some systems take for more than a part of a name.
fn plain(part: &str) -> String {
    part.chars().map(|c| if c.is_control() || "\\:*?\"<>|".contains(c) { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_plain_and_different() {
        let mut names = Names::default();
        let base = Some(Path::new("/p/2012"));
        let mut name = |path: &str| names.name(Path::new(path), base);
        assert_eq!(name("/p/2012/a/x.jpg"), "a/x.jpg");
        assert_eq!(name("/p/2012/A/X.JPG"), "A/X (2).JPG");
        assert_eq!(name("/p/2012/a/X.jpg"), "a/X (3).jpg");
        assert_eq!(name("/q/copy.jpg"), "q/copy.jpg");
        assert_eq!(name("/p/2012/../../etc/passwd"), "etc/passwd");
        assert_eq!(name("/p/2012/a\\..\\b:c.png"), "a_.._b_c.png");
        assert_eq!(name("/p/2012/d.e/bare"), "d.e/bare");
        assert_eq!(name("/p/2012/D.E/bare"), "D.E/bare (2)");
        assert_eq!(names.name(Path::new("/p/y.jpg"), None), "p/y.jpg");
    }
}
