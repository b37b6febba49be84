//! Names that come from users and servers, checked before they become paths and addresses.

use std::fmt;

/// A hub id such as `google/siglip2-base-patch16-256`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelId(String);

impl ModelId {
    /// `name` if it is `owner/model` (or, for some old models, one word).
    pub(super) fn of(name: &str) -> Option<Self> {
        let parts = name.split('/').count();
        // Two dashes would make the folder name ambiguous; the hub forbids them for that reason.
        let is_id = parts <= 2 && name.split('/').all(is_file_name) && !name.contains("--") && name.len() <= 96;
        is_id.then(|| Self(name.to_owned()))
    }

    /// As the user wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Name of its folder in the cache.
    pub(super) fn folder(&self) -> String {
        format!("models--{}", self.0.replace('/', "--"))
    }

    /// The id that a folder of the cache stands for.
    pub(super) fn from_folder(folder: &str) -> Option<Self> {
        Self::of(&folder.strip_prefix("models--")?.replace("--", "/"))
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One plain file name: nothing that leaves its folder, hides, or means something to a shell or to
/// Windows.
pub fn is_file_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && !name.contains("..") && name.chars().all(plain)
}

/// A branch, tag, pull-request reference or commit: plain names, with `/` between them.
pub fn is_revision(name: &str) -> bool {
    name.split('/').all(is_file_name)
}

/// A full commit id.
pub fn is_commit(name: &str) -> bool {
    name.len() == 40 && name.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn ids_become_folders_and_back() {
        let id = ModelId::of("google/siglip2-base-patch16-256").unwrap();
        assert_eq!(id.folder(), "models--google--siglip2-base-patch16-256");
        assert_eq!(ModelId::from_folder(&id.folder()), Some(id));
        assert_eq!(ModelId::from_folder("datasets--x--y"), None);
    }

    #[test]
    fn hostile_names_are_refused() {
        for name in ["", "..", "a/..", "../a", "/a/b", "a/b/c", "a//b", "a\\b", "C:a", ".hidden", "a--b", "a b", "a\0"]
        {
            assert_eq!(ModelId::of(name), None, "{name:?}");
        }
        assert!(is_revision("refs/pr/1") && is_revision("main"));
        assert!(!is_revision("refs/../x") && !is_revision("/main") && !is_revision(""));
        assert!(is_commit(&"a1".repeat(20)) && !is_commit("main"));
    }
}
