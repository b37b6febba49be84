//! Points at which tests let a change fail, to see that it leaves nothing half done, or do
//! something else meanwhile.

use crate::IndexError;

/// A place where a step may fail: an error if a test asked for it.
///
/// # Errors
/// Only in tests.
#[cfg(not(test))]
#[inline]
#[expect(clippy::unnecessary_wraps, reason = "tests return errors")]
pub(crate) fn point() -> Result<(), IndexError> {
    Ok(())
}

/// A place in long work at which nobody needs to wait for it.
#[cfg(not(test))]
#[inline]
pub(crate) fn nobody_waits() {}

#[cfg(test)]
pub(crate) use self::tests::{fail_at, meanwhile, nobody_waits, point};

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::IndexError;

    thread_local! {
        /// Points that are passed before one fails.
        static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    type Meanwhile = Box<dyn Fn()>;

    thread_local! {
        /// What is done where nobody needs to wait.
        static MEANWHILE: RefCell<Option<Meanwhile>> = const { RefCell::new(None) };
    }

    pub(crate) fn nobody_waits() {
        MEANWHILE.with_borrow(|meanwhile| meanwhile.iter().for_each(|work| work()));
    }

    /// Does `what`, and `work` wherever it says that nobody needs to wait for it, on this thread.
    pub(crate) fn meanwhile<T>(work: impl Fn() + 'static, what: impl FnOnce() -> T) -> T {
        MEANWHILE.set(Some(Box::new(work)));
        let done = what();
        MEANWHILE.set(None);
        done
    }

    pub(crate) fn point() -> Result<(), IndexError> {
        match LEFT.get() {
            Some(0) => {
                LEFT.set(None);
                let (dir, what) = ("a test".into(), "changing the library");
                Err(IndexError::Store { dir, what, reason: "so the test wants it".to_owned() })
            }
            left => {
                LEFT.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }

    /// Does `what` with a failure at the point that follows after `passed` others, on this thread;
    /// false if there are not so many.
    pub(crate) fn fail_at<T>(passed: usize, what: impl FnOnce() -> T) -> (bool, T) {
        LEFT.set(Some(passed));
        let done = what();
        (LEFT.take().is_none(), done)
    }
}
