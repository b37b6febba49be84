//! Turns a panic of a library that reads strangers' files into an error, and keeps the default
//! report of it off the terminal.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
#[cfg(feature = "avif")]
use std::{
    cell::RefCell,
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; if it panics, gives the panic's message. Panics of other threads are reported as
/// before.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    set_own_hook();
    let outer = GUARDED.replace(true);
    // The closure's captures are dropped with it or are plain bytes: nothing half-changed is seen
    // afterwards.
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.map_err(|payload| message(payload.as_ref()).to_owned())
}

fn set_own_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = take_hook();
        set_hook(Box::new(move |panic| {
            #[cfg(feature = "avif")]
            stop_if_contained(message(panic.payload()));
            if !GUARDED.get() {
                report(panic);
            }
        }));
    });
}

/// Threads that may be stopped by a panic within [`RECENT`], and ever, before no more are begun.
#[cfg(feature = "avif")]
const MOST_STOPPED: usize = 8;
#[cfg(feature = "avif")]
const MOST_EVER: usize = 64;
#[cfg(feature = "avif")]
const RECENT: Duration = Duration::from_secs(10 * 60);
#[cfg(feature = "avif")]
const STACK: usize = 16 << 20;

/// What is done with the message of a panic.
#[cfg(feature = "avif")]
type OnPanic = Box<dyn Fn(String)>;

#[cfg(feature = "avif")]
thread_local! {
    /// Takes the message of a panic of this thread, which then stops.
    static CONTAINED: RefCell<Option<OnPanic>> = const { RefCell::new(None) };
}

/// As [`catch`], for work whose panics cannot be caught because they would pass through functions
/// of the C convention, at which Rust ends the process: it is done on a thread of its own, which a
/// panic stops where it stands, for good, before it unwinds. What the thread holds is lost with it,
/// so that after a few of them no more is begun for a while.
#[cfg(feature = "avif")]
pub fn contain<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    static STOPPED: Mutex<Vec<Instant>> = Mutex::new(Vec::new());
    let stopped_before = || STOPPED.lock().unwrap_or_else(PoisonError::into_inner);
    if too_many(&stopped_before()) {
        return Err("its decoder broke down too often; try again later, or start the program anew".to_owned());
    }
    set_own_hook();
    let (ended, end) = mpsc::channel();
    let stopped = ended.clone();
    let run = move || {
        let stop: Box<dyn Fn(String)> = Box::new(move |message| drop(stopped.send(Err(message))));
        CONTAINED.set(Some(stop));
        let value = work();
        CONTAINED.take();
        drop(ended.send(Ok(value)));
    };
    let begun = thread::Builder::new().name("contained".to_owned()).stack_size(STACK).spawn(run);
    begun.map_err(|error| format!("there is no thread for its decoder: {error}"))?;
    let result = end.recv().unwrap_or_else(|_| Err("its thread ended".to_owned()));
    if result.is_err() {
        stopped_before().push(Instant::now());
    }
    result
}

/// True if no thread should be begun after these were stopped, the oldest first.
#[cfg(feature = "avif")]
fn too_many(stopped: &[Instant]) -> bool {
    let recent = stopped.iter().rev().take_while(|stopped| stopped.elapsed() < RECENT).count();
    recent >= MOST_STOPPED || stopped.len() >= MOST_EVER
}

/// Ends a contained thread's work: reports, and never returns. Runs inside the panic hook, that is,
/// before the panic unwinds.
#[cfg(feature = "avif")]
fn stop_if_contained(message: &str) {
    if let Some(stop) = CONTAINED.take() {
        stop(message.to_owned());
        // The standard library holds a lock on the hook meanwhile, which others that panic share; a
        // program must not set another hook from now on.
        loop {
            thread::park();
        }
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(super::catch(|| 3), Ok(3));
        let panic = super::catch(|| panic!("index {} is out of bounds", 7));
        assert_eq!(panic, Err::<(), _>("index 7 is out of bounds".to_owned()));
        assert!(!super::GUARDED.get());
    }

    #[cfg(feature = "avif")]
    #[test]
    fn what_broke_down_long_ago_counts_for_less() {
        use std::time::Instant;
        let Some(long_ago) = Instant::now().checked_sub(super::RECENT) else { return };
        let stopped = |old: usize, new: usize| [vec![long_ago; old], vec![Instant::now(); new]].concat();
        assert!(!super::too_many(&stopped(20, super::MOST_STOPPED - 1)));
        assert!(super::too_many(&stopped(0, super::MOST_STOPPED)));
        assert!(super::too_many(&stopped(super::MOST_EVER, 0)));
    }

    /// In a process of its own, which a panic that is not kept would end, and in which nobody wants
    /// to set another hook.
    #[cfg(feature = "avif")]
    #[allow(clippy::exit, reason = "it is a process of its own")]
    #[test]
    fn a_panic_in_a_function_of_the_c_convention_becomes_its_message() {
        const NAME: &str = "guard::tests::a_panic_in_a_function_of_the_c_convention_becomes_its_message";
        const IS_CHILD: &str = "GLIMPSE_TEST_OF_CONTAINED_PANICS";
        extern "C" fn halve(number: u32) -> u32 {
            assert!(number.is_multiple_of(2), "{number} is odd");
            number / 2
        }
        if std::env::var_os(IS_CHILD).is_none() {
            let child = std::env::current_exe().map(std::process::Command::new);
            let ended = child.and_then(|mut child| child.args(["--exact", NAME]).env(IS_CHILD, "1").output());
            assert!(ended.is_ok_and(|ended| ended.status.success()));
            return;
        }
        assert_eq!(super::contain(|| halve(6)), Ok(3));
        for odd in each(0..super::MOST_STOPPED as u32) {
            assert_eq!(super::contain(move || halve(2 * odd + 1)), Err(format!("{} is odd", 2 * odd + 1)));
            // Others' panics are caught and reported as ever.
            assert!(super::catch(|| panic!("another")).is_err());
        }
        assert!(super::contain(|| halve(8)).is_err_and(|reason| reason.contains("too often")));
        // The harness takes back its own hook when it ends.
        std::process::exit(0);
    }
}
