//! Ctrl-C: the first asks for an orderly end, the second is obeyed at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use glimpse::engine::{Cancel, EngineError};

use super::outcome::CliError;

type Stop = Box<dyn Fn() + Send>;

/// What an orderly end means at the moment; commands change it as they go on.
static ON_INTERRUPT: Mutex<Option<Stop>> = Mutex::new(None);
static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on the first Ctrl-C calls `stop`.
pub fn on_interrupt(stop: impl Fn() + Send + 'static) -> Result<(), CliError> {
    let before = ON_INTERRUPT.lock().unwrap_or_else(PoisonError::into_inner).replace(Box::new(stop));
    if before.is_some() {
        return Ok(()); // the handler is in place
    }
    ctrlc::set_handler(interrupted).map_err(|error| CliError::new(format!("cannot listen for Ctrl-C: {error}")))
}

/// How long work may go on after Ctrl-C. Then the process ends, whatever a decoder, a drive or the
/// model is busy with: what is done by then is safe on disk.
pub const GRACE: Duration = Duration::from_millis(1700);

/// Asks an engine something, until Ctrl-C: then the answer is [`EngineError::Cancelled`], and
/// nothing was printed of it.
pub fn interruptible<T>(ask: impl FnOnce() -> Result<T, EngineError>) -> Result<T, CliError> {
    let cancel = Cancel::new();
    let (asked, has_ended) = (cancel.clone(), Arc::<AtomicBool>::default());
    let ended = Arc::clone(&has_ended);
    on_interrupt(move || {
        asked.cancel();
        exit_unless(Arc::clone(&ended), GRACE);
    })?;
    let answer = cancel.scope(ask);
    has_ended.store(true, Ordering::SeqCst);
    on_interrupt(stop_now)?;
    Ok(answer?)
}

#[expect(clippy::exit, reason = "the answer is there and is being printed: as if nobody listened for Ctrl-C")]
fn stop_now() {
    std::process::exit(130);
}

/// Ends the process with exit status 130 after `grace`, unless what was to end has ended by then.
#[expect(clippy::exit, reason = "a thread that is busy elsewhere cannot be stopped in any other way")]
pub fn exit_unless(ended: Arc<AtomicBool>, grace: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(grace);
        if !ended.load(Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
}

#[expect(clippy::exit, reason = "the second Ctrl-C means now; the library is safe against a killed process")]
fn interrupted() {
    if ASKED.swap(true, Ordering::SeqCst) {
        std::process::exit(130);
    }
    if let Some(stop) = &*ON_INTERRUPT.lock().unwrap_or_else(PoisonError::into_inner) {
        stop();
    }
}
