//! Assertions over lists that fail if there is nothing in the list: a test that asks something of
//! each hit passes, whatever the code does, once there are no hits.
//!
//! ```ignore
//! assert!(hits.iter().every(|hit| hit.score > 0.5));
//! for hit in each(&hits) {
//!     assert!(hit.score > 0.5);
//! }
//! ```
//!
//! A test that is about lists which may be empty says so by [`if_any`].

use std::iter::Peekable;

/// What is asked of all of a list that must not be empty.
pub trait Every: Iterator + Sized {
    /// As [`Iterator::all`].
    ///
    /// # Panics
    /// If there is nothing in the list.
    #[track_caller]
    fn every(self, holds: impl FnMut(Self::Item) -> bool) -> bool {
        each(self).all(holds)
    }
}

impl<I: Iterator> Every for I {}

/// What is in a list, to go through.
///
/// # Panics
/// If there is nothing in it.
#[track_caller]
pub fn each<I: IntoIterator>(list: I) -> Peekable<I::IntoIter> {
    let mut list = list.into_iter().peekable();
    assert!(list.peek().is_some(), "an empty list: nothing would be tested");
    list
}

/// What is in a list that may well be empty.
pub fn if_any<I: IntoIterator>(list: I) -> I::IntoIter {
    list.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_list_is_asked() {
        assert!([1, 2].iter().every(|n| *n > 0));
        assert!(![1, 2].iter().every(|n| *n > 1));
        assert_eq!(each([1, 2]).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(if_any([0; 0]).count(), 0);
    }

    #[test]
    #[should_panic(expected = "an empty list")]
    fn nothing_holds_of_no_list() {
        assert!([0; 0].iter().every(|n| *n == 0));
    }

    #[test]
    #[should_panic(expected = "an empty list")]
    fn there_is_no_going_through_nothing() {
        each([0; 0]).for_each(drop);
    }
}
