//! Why a request makes no sense: a sentence, and what translations of it go by.

use crate::ReasonCode;

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// For programs and translations.
    pub code: ReasonCode,
    /// For people: a sentence, in English.
    pub text: String,
    /// The word or text that it is about, as it was given.
    pub word: Option<String>,
    /// The most that is allowed, where that is what it is about.
    pub limit: Option<usize>,
}

impl Refusal {
    /// A refusal in words.
    pub fn new(code: ReasonCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), word: None, limit: None }
    }

    /// The same, about a word or text.
    #[must_use]
    pub fn about(self, word: impl Into<String>) -> Self {
        Self { word: Some(word.into()), ..self }
    }

    /// The same, as more than `limit` was asked for.
    #[must_use]
    pub fn at_most(self, limit: usize) -> Self {
        Self { limit: Some(limit), ..self }
    }
}
