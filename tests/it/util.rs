//! A library in a temporary folder, and the real binary over it.

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Folders of the bundled images that tests index: small, in three formats, with names in three
/// scripts.
pub const SOME: [&str; 3] = ["Garten", "Kitchen", "음악"];

/// A home of its own, and a copy of some bundled images.
pub struct Fixture {
    dir: TempDir,
}

/// What a run of the binary left.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Fixture {
    /// An empty home.
    pub fn empty() -> Self {
        Self { dir: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap() }
    }

    /// A home whose library holds copies of [`SOME`] bundled images.
    pub fn indexed() -> Self {
        let fixture = Self::empty();
        for folder in SOME {
            copy(&root().join("models/demo/library").join(folder), &fixture.images().join(folder));
        }
        let run = fixture.run(["index", "--model", "demo", fixture.images().to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        fixture
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// Where the images are.
    pub fn images(&self) -> PathBuf {
        self.path().join("images")
    }

    /// The binary over this home, in this folder, with nothing of the caller's settings.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glimpse"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if ["GLIMPSE_", "HF_", "HUGGINGFACE_"].iter().any(|prefix| name.starts_with(prefix)) && name != "HF_HOME" {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .current_dir(self.path())
            .env("GLIMPSE_HOME", self.home())
            .env("HF_HOME", self.path().join("hub"))
            .env_remove("HF_HUB_CACHE")
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        Run::of(self.command(args).output().unwrap())
    }

    /// Runs the binary, which must succeed, and reads its JSON lines.
    pub fn json<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Vec<Value> {
        let run = self.run(args);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.json()
    }
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Stdout as JSON lines.
    pub fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }
}

/// A library that is only read, shared by all tests that do not change theirs. One at a time: a
/// library belongs to one process.
pub fn shared() -> MutexGuard<'static, Fixture> {
    static SHARED: LazyLock<Mutex<Fixture>> = LazyLock::new(|| Mutex::new(Fixture::indexed()));
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Copies a folder and all below.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// The folder of test data that is not part of the repository, or a loud note that a test was
/// skipped.
pub fn test_data(what: &str) -> Option<PathBuf> {
    let named = std::env::var_os("GLIMPSE_TEST_DATA").map(PathBuf::from);
    let dir = named.unwrap_or_else(|| root().join("../shared/data")).join(what);
    if dir.is_dir() {
        return Some(dir);
    }
    skipped(format_args!("no test data at {}; set GLIMPSE_TEST_DATA to run this test", dir.display()));
    None
}

/// A loud note that a test, or a part of it, was skipped.
pub fn skipped(why: impl Display) {
    // Not `eprintln`, which the test harness keeps to itself.
    let _ = writeln!(stderr(), "SKIPPED: {why}");
}
