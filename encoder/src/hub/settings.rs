//! Where the cache and the hub are, by the variables of Python's `huggingface_hub`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where models are kept and fetched from.
#[derive(Clone, PartialEq, Eq)]
pub struct HubSettings {
    /// The cache: `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else `~/.cache/huggingface/hub`.
    pub cache: PathBuf,
    /// The server: `HF_ENDPOINT`, else `https://huggingface.co`.
    pub endpoint: String,
    /// Sent to the endpoint alone: `HF_TOKEN`, else the file that `hf auth login` writes.
    pub token: Option<String>,
    /// `HF_HUB_OFFLINE`: the network is not asked.
    pub offline: bool,
    /// Further attempts after a failure that may pass; progress starts the count anew.
    pub retries: u32,
    /// Pause before the first further attempt; each next one is twice as long.
    pub backoff: Duration,
}

impl fmt::Debug for HubSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cache, endpoint, token, offline, retries, backoff } = self;
        let token = token.as_ref().map(|_| "(hidden)");
        f.debug_struct("HubSettings")
            .field("cache", cache)
            .field("endpoint", endpoint)
            .field("token", &token)
            .field("offline", offline)
            .field("retries", retries)
            .field("backoff", backoff)
            .finish()
    }
}

impl HubSettings {
    /// Reads the environment.
    pub fn from_env() -> Self {
        Self::from_vars(|name| std::env::var(name).ok(), &std::env::home_dir().unwrap_or_default())
    }

    fn from_vars(var: impl Fn(&str) -> Option<String>, user: &Path) -> Self {
        let var = |name: &str| var(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let path = |name: &str| var(name).map(|value| expand(&value, user));
        let home = path("HF_HOME")
            .unwrap_or_else(|| path("XDG_CACHE_HOME").unwrap_or_else(|| user.join(".cache")).join("huggingface"));
        let token_file = path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
        let stored = || std::fs::read_to_string(token_file).ok().map(|text| text.trim().to_owned());
        let set =
            |name: &str| var(name).is_some_and(|v| ["1", "ON", "YES", "TRUE"].contains(&v.to_uppercase().as_str()));
        Self {
            cache: path("HF_HUB_CACHE").unwrap_or_else(|| home.join("hub")),
            endpoint: var("HF_ENDPOINT")
                .unwrap_or_else(|| "https://huggingface.co".into())
                .trim_end_matches('/')
                .into(),
            token: var("HF_TOKEN").or_else(stored).filter(|token| !token.is_empty()),
            offline: set("HF_HUB_OFFLINE") || set("TRANSFORMERS_OFFLINE"),
            retries: 5,
            backoff: Duration::from_secs(1),
        }
    }
}

fn expand(path: &str, user: &Path) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(rest) => user.join(rest),
        None => path.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn with(vars: &[(&str, &str)], user: &Path) -> HubSettings {
        let vars: Vec<(String, String)> = vars.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        HubSettings::from_vars(|name| vars.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone()), user)
    }

    #[test]
    fn defaults_are_those_of_python() {
        let user = tempfile::tempdir().unwrap();
        let settings = with(&[], user.path());
        assert_eq!(settings.cache, user.path().join(".cache/huggingface/hub"));
        assert_eq!(settings.endpoint, "https://huggingface.co");
        assert_eq!((settings.token, settings.offline), (None, false));
    }

    #[test]
    fn variables_are_followed() {
        let user = tempfile::tempdir().unwrap();
        let settings = with(
            &[
                ("HF_HOME", "~/hf"),
                ("HF_ENDPOINT", "http://mirror/"),
                ("HF_TOKEN", " hf_x\n"),
                ("HF_HUB_OFFLINE", "yes"),
            ],
            user.path(),
        );
        assert_eq!(settings.cache, user.path().join("hf/hub"));
        assert_eq!(settings.endpoint, "http://mirror");
        assert_eq!(settings.token.as_deref(), Some("hf_x"));
        assert!(settings.offline);
        assert!(!format!("{settings:?}").contains("hf_x"));
        assert_eq!(with(&[("HF_HOME", "/a"), ("HF_HUB_CACHE", "/b")], user.path()).cache, Path::new("/b"));
    }

    #[test]
    fn a_stored_token_is_found() {
        let user = tempfile::tempdir().unwrap();
        std::fs::write(user.path().join("token"), "hf_stored\n").unwrap();
        let home = user.path().to_str().unwrap();
        assert_eq!(with(&[("HF_HOME", home)], user.path()).token.as_deref(), Some("hf_stored"));
        assert_eq!(with(&[("HF_HOME", home), ("HF_TOKEN", "hf_env")], user.path()).token.as_deref(), Some("hf_env"));
    }
}
