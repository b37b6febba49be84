//! A target in a process of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, exit};

/// Set in the process of a target.
const IS_CHILD: &str = "GLIMPSE_FUZZ_CHILD";
/// Its status where the target was run to its end: a harness that finds no such test ends with 0.
const DONE: i32 = 42;

/// Runs a target in a process of its own, for readers that may leave a process unable to end as
/// the test harness does: by taking back its panic hook, which a thread that was stopped within
/// the hook holds for ever. `test` is the whole name of the test that calls this.
///
/// # Panics
/// If the target fails, or there is no such test.
#[allow(clippy::exit, reason = "it is a process of its own")]
pub fn in_own_process(test: &str, run: impl FnOnce()) {
    if std::env::var_os(IS_CHILD).is_some() {
        let is_done = catch_unwind(AssertUnwindSafe(run)).is_ok();
        exit(if is_done { DONE } else { 1 });
    }
    let child = std::env::current_exe()
        .and_then(|program| Command::new(program).args(["--exact", test, "--nocapture"]).env(IS_CHILD, "1").output());
    match child {
        Ok(ended) => {
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            eprint!("{said}");
            assert_eq!(ended.status.code(), Some(DONE), "{test} failed in its own process");
        }
        Err(error) => panic!("{test}: {error}"),
    }
}
