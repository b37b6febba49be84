//! The command line. Results go to stdout, everything else to stderr; what an exit status means is
//! in `cli::outcome`.

mod cli;

use std::process::ExitCode;
use std::thread::Builder;

use clap::Parser;

/// As much as the first thread has.
const STACK: usize = 8 << 20;
/// What Rust's own programs give after a panic.
const PANICKED: u8 = 101;

/// Runs the command on a second thread. Signals go to the first one as long as it is there to take
/// them, so it must not wait for a drive that does not answer: Ctrl-C would not be heard.
fn main() -> ExitCode {
    let arguments = match cli::args::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return cli::args::explain(&error),
    };
    match Builder::new().stack_size(STACK).spawn(move || cli::run(&arguments)) {
        Ok(command) => command.join().unwrap_or(ExitCode::from(PANICKED)),
        Err(error) => {
            eprintln!("error: the system gives no thread: {error}");
            ExitCode::from(2)
        }
    }
}
