//! Lines for programs.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use serde::Serialize;

use super::printable;
use crate::cli::outcome::CliError;

/// One JSON object on one line.
pub fn write_json(out: &mut impl Write, value: &impl Serialize) -> Result<(), CliError> {
    serde_json::to_writer(&mut *out, value)?;
    Ok(out.write_all(b"\n")?)
}

/// A path, byte by byte as the system has it, and the byte that ends it. A terminal sees lines as
/// [`printable`] has them.
pub fn write_path(out: &mut impl Write, path: &Path, end: u8) -> io::Result<()> {
    if end == b'\n' && io::stdout().is_terminal() {
        return writeln!(out, "{}", printable(path.display()));
    }
    #[cfg(unix)]
    out.write_all(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))?;
    #[cfg(not(unix))]
    out.write_all(path.to_string_lossy().as_bytes())?;
    out.write_all(&[end])
}
