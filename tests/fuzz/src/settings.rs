//! What the environment asks for.

use std::path::PathBuf;
use std::time::Duration;

/// How targets are run.
pub struct Settings {
    /// For each target.
    pub time: Duration,
    /// From which the mutations follow.
    pub seed: u64,
    /// The only input to run.
    pub input: Option<PathBuf>,
    /// Inputs that lead to something new are added to the corpus.
    pub keep: bool,
}

impl Settings {
    /// # Panics
    /// If a variable that has to be a number is none.
    pub fn from_env() -> Self {
        let number = |name: &str| {
            let value = std::env::var(name).ok()?;
            Some(value.parse().unwrap_or_else(|_| panic!("{name} is `{value}`; it takes a whole number")))
        };
        Self {
            time: Duration::from_secs(number("GLIMPSE_FUZZ_SECONDS").unwrap_or(1)),
            seed: number("GLIMPSE_FUZZ_SEED").unwrap_or(1),
            input: std::env::var_os("GLIMPSE_FUZZ_INPUT").map(PathBuf::from),
            keep: std::env::var_os("GLIMPSE_FUZZ_KEEP").is_some_and(|value| value == "1"),
        }
    }

    /// The bytes of [`Settings::input`].
    ///
    /// # Panics
    /// If the file cannot be read.
    pub fn only_input(&self) -> Option<Vec<u8>> {
        let path = self.input.as_ref()?;
        Some(std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }
}
