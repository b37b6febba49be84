//! What was meant by the arguments that every command shares: where the library is, and how to talk
//! to the reader.

use std::fmt::Display;
use std::io::{BufWriter, IsTerminal, StdoutLock, stderr, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use console::Style;
use glimpse::engine::{AdapterChoice, IndexOptions};
use glimpse::{Engine, Settings, home_dir};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::{GlobalArgs, When};
use super::outcome::CliError;
use super::output::{printable, printable_lines};

/// Shared by all commands.
pub struct Context {
    /// Library, model and device.
    pub settings: Settings,
    /// How its index works.
    pub index: IndexOptions,
    /// No progress, no notes.
    pub quiet: bool,
    /// Every detail.
    pub verbose: bool,
    /// Stdout is a terminal.
    pub to_terminal: bool,
    /// Stderr is a terminal.
    pub notes_to_terminal: bool,
    color: bool,
    notes_color: bool,
    current_dir: Option<PathBuf>,
}

impl Context {
    /// Looks at the arguments, the environment and the terminal once.
    pub fn resolve(global: &GlobalArgs) -> Self {
        let (to_terminal, notes_to_terminal) = (stdout().is_terminal(), stderr().is_terminal());
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = |terminal: bool| match global.color {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !plain,
        };
        Self {
            settings: Settings {
                home: global.home.clone().unwrap_or_else(home_dir),
                model: global.model.clone(),
                device: global.device.clone(),
                max_patches: global.patches.map(usize::from),
                adapter: global.adapter.as_deref().map(AdapterChoice::of),
            },
            index: IndexOptions { memory: global.memory, ..IndexOptions::default() },
            quiet: global.quiet,
            verbose: global.verbose,
            to_terminal,
            notes_to_terminal,
            color: color(to_terminal),
            notes_color: color(notes_to_terminal),
            current_dir: std::env::current_dir().ok(),
        }
    }

    /// Opens the library.
    pub fn engine(&self) -> Result<Engine, CliError> {
        let engine = self.engine_with(self.index.clone())?;
        if let Some(reason) = engine.obstacle() {
            let home = printable(self.settings.home.display());
            self.note(format_args!("{home} cannot be written ({reason}): it can be searched, and nothing is indexed"));
        }
        Ok(engine)
    }

    /// As [`Context::engine`] with other settings for the index, and without a word about a library
    /// that cannot be written.
    pub fn engine_with(&self, index: IndexOptions) -> Result<Engine, CliError> {
        let engine = Engine::open_with(self.settings.clone(), index)?;
        if !self.quiet {
            engine.on_wait(|holder| {
                let process = holder.map_or(String::new(), |holder| format!(" (process {holder})"));
                eprintln!("waiting until another glimpse process{process} has opened or changed the library");
            });
        }
        Ok(engine)
    }

    /// Buffered stdout; flush it, so that a full disk is noticed.
    pub fn stdout(&self) -> BufWriter<StdoutLock<'static>> {
        BufWriter::new(stdout().lock())
    }

    /// A style for stdout.
    pub fn style(&self, style: Style) -> Style {
        style.force_styling(self.color)
    }

    /// A bar of work with an end, drawn where notes go to a terminal. `counted` says what is done:
    /// `image {human_pos} of {human_len}`.
    pub fn progress_bar(&self, length: Option<usize>, counted: &str) -> ProgressBar {
        let bar = length.map_or_else(ProgressBar::no_length, |length| ProgressBar::new(length as u64));
        bar.set_draw_target(match self.quiet || !self.notes_to_terminal {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        });
        if let Ok(style) = ProgressStyle::with_template(&format!("{{wide_bar}} {counted}  {{eta}} left")) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Lines for the reader beside the results.
    pub fn note(&self, text: impl Display) {
        if !self.quiet {
            eprintln!("{}", printable_lines(text));
        }
    }

    /// Why the command failed, and what to do.
    pub fn error(&self, error: &dyn Display, hint: Option<&str>) {
        let label = Style::new().red().bold().force_styling(self.notes_color).apply_to("error:");
        eprintln!("{label} {}", printable_lines(error));
        if let Some(hint) = hint {
            let label = Style::new().cyan().bold().force_styling(self.notes_color).apply_to("hint:");
            eprintln!("\n{label} {}", printable_lines(hint));
        }
    }

    /// A path in words for people; programs get [`Context::shown`] byte by byte.
    pub fn name(&self, path: &Path) -> String {
        printable(self.shown(path).display())
    }

    /// A path as the reader would write it: relative when it is below the current folder.
    pub fn shown<'a>(&self, path: &'a Path) -> &'a Path {
        let below = self.current_dir.as_deref().and_then(|dir| path.strip_prefix(dir).ok());
        below.filter(|path| !path.as_os_str().is_empty()).unwrap_or(path)
    }
}
