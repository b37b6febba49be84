//! The last answer about the whole library: its pages are read from it, instead of asking anew for
//! each.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::EngineError;

/// One answer and the question that it belongs to.
pub(crate) struct MemoizedAnswer<T>(Mutex<Option<(String, Arc<T>)>>);

impl<T> Default for MemoizedAnswer<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> MemoizedAnswer<T> {
    /// The answer to `question`, which names the revision of the index: remembered, or made now. It
    /// is remembered if
    /// `keep` says so.
    pub fn get_or_make(
        &self,
        question: String,
        make: impl FnOnce() -> Result<T, EngineError>,
        keep: impl FnOnce(&T) -> bool,
    ) -> Result<Arc<T>, EngineError> {
        if let Some((_, known)) = self.0.lock().as_ref().filter(|(of, _)| *of == question) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(make()?);
        if keep(&made) {
            *self.0.lock() = Some((question, Arc::clone(&made)));
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_answer_is_made_once_for_each_question_that_is_worth_keeping() {
        let answer = MemoizedAnswer::default();
        let mut made = 0;
        let mut ask = |question: &str, keep: bool| {
            let make = || {
                made += 1;
                Ok(made)
            };
            *answer.get_or_make(question.to_owned(), make, |_| keep).unwrap()
        };
        assert_eq!([ask("a", true), ask("a", true), ask("b", false), ask("b", false), ask("a", true)], [1, 1, 2, 3, 1]);
        assert_eq!([ask("c", true), ask("a", true)], [4, 5], "one is remembered");
        let failed = answer.get_or_make("d".to_owned(), || Err(EngineError::Cancelled), |_| true);
        assert!(matches!(failed, Err(EngineError::Cancelled)));
    }
}
