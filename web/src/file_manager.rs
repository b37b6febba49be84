//! Showing files in the file manager of this machine's desktop.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Shows a file in the folder that holds it.
pub type ShowFile = fn(&Path) -> io::Result<()>;

/// How files are shown here; `None` on a machine without a desktop.
pub fn of_desktop() -> Option<ShowFile> {
    has_desktop().then_some(show as ShowFile)
}

#[cfg(any(windows, target_os = "macos"))]
fn has_desktop() -> bool {
    true
}

#[cfg(not(any(windows, target_os = "macos")))]
fn has_desktop() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let has_opener = std::env::split_paths(&folders).any(|folder| folder.join("xdg-open").is_file());
    (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) && has_opener
}

fn show(path: &Path) -> io::Result<()> {
    let mut command = opener(path);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // Whatever becomes of the window, no process is left behind.
    std::thread::Builder::new().name("file manager".into()).spawn(move || child.wait())?;
    Ok(())
}

#[cfg(windows)]
fn opener(path: &Path) -> Command {
    let mut select = std::ffi::OsString::from("/select,");
    select.push(path);
    let mut command = Command::new("explorer");
    command.arg(select);
    command
}

#[cfg(target_os = "macos")]
fn opener(path: &Path) -> Command {
    let mut command = Command::new("open");
    command.arg("-R").arg(path);
    command
}

/// The folder alone: `xdg-open` would open a file in the program for it.
#[cfg(not(any(windows, target_os = "macos")))]
fn opener(path: &Path) -> Command {
    let mut command = Command::new("xdg-open");
    command.arg(path.parent().unwrap_or(path));
    command
}
