//! What people say of answers: that an image shows what a text asks for, or does not.

use std::collections::BTreeMap;

use super::change::{Change, say};
use super::{Collections, CollectionsError};
use crate::{ContentHash, ReasonCode, Refusal};

/// Most texts that have feedback.
const MAX_TEXTS: usize = 10_000;
/// Most images that one text names.
const MAX_IMAGES: usize = 50_000;
/// Longest text, in bytes.
const MAX_TEXT: usize = 1_000;

/// What was said of the answers to one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Feedback {
    /// The text, as [`asked_alike`] gives it.
    pub text: String,
    /// Images that show it.
    pub right: Vec<ContentHash>,
    /// Images that do not.
    pub wrong: Vec<ContentHash>,
}

/// What to say of images; one that is named twice is what is said last.
#[derive(Debug, Clone, Default)]
pub struct FeedbackChange {
    /// They show it.
    pub right: Vec<ContentHash>,
    /// They do not.
    pub wrong: Vec<ContentHash>,
    /// Nothing is said of them any more.
    pub unsaid: Vec<ContentHash>,
}

/// A text in lower case with single spaces: texts that are alike so are one.
pub fn asked_alike(text: &str) -> String {
    text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

impl Collections {
    /// Everything that was said of answers, by text.
    pub fn all_feedback(&self) -> Vec<Feedback> {
        self.data.read().feedback.iter().map(|(text, said)| Feedback::of(text, said)).collect()
    }

    /// What was said of the answers to a text.
    pub fn feedback(&self, text: &str) -> Feedback {
        let text = asked_alike(text);
        let data = self.data.read();
        let said = data.feedback.get(&text).map(|said| Feedback::of(&text, said));
        said.unwrap_or_else(|| Feedback { text, ..Feedback::default() })
    }

    /// True if something was said of any answer.
    pub fn has_feedback(&self) -> bool {
        !self.data.read().feedback.is_empty()
    }

    /// Says of images that they show what a text asks for, or do not; what was said of the answers
    /// to this text then.
    ///
    /// # Errors
    /// [`CollectionsError::Refused`] for a text without letters or of more than 1,000 bytes, for
    /// more than 10,000 texts, and for more than 50,000 images of one; if it cannot be written.
    /// Then nothing has changed.
    pub fn give_feedback(&self, text: &str, change: &FeedbackChange) -> Result<Feedback, CollectionsError> {
        let text = asked_alike(text);
        if text.is_empty() {
            return Err(Refusal::new(ReasonCode::EmptyText, "feedback needs the text that was searched").into());
        }
        if text.len() > MAX_TEXT {
            let reason = format!("the text has {} bytes; {MAX_TEXT} is the most", text.len());
            return Err(Refusal::new(ReasonCode::TextTooLong, reason).at_most(MAX_TEXT).into());
        }
        self.make(|data| {
            let before = data.feedback.get(&text).cloned().unwrap_or_default();
            if before.is_empty() && data.feedback.len() >= MAX_TEXTS {
                let reason = format!("there is feedback on {MAX_TEXTS} texts, which is the most");
                return Err(Refusal::new(ReasonCode::TooMuchFeedback, reason).at_most(MAX_TEXTS).into());
            }
            let mut after = before.clone();
            say(&mut after, &change.right, &change.wrong, &change.unsaid);
            if after.len() > MAX_IMAGES {
                let reason = format!("{MAX_IMAGES} images is the most that is said of one text");
                return Err(Refusal::new(ReasonCode::TooMuchFeedback, reason).at_most(MAX_IMAGES).into());
            }
            let FeedbackChange { right, wrong, unsaid } = change.clone();
            let change = Change::Feedback { text: text.clone(), right, wrong, unsaid };
            Ok((before != after).then_some(change))
        })?;
        Ok(self.feedback(&text))
    }
}

impl Feedback {
    /// True if nothing was said.
    pub fn is_empty(&self) -> bool {
        self.right.is_empty() && self.wrong.is_empty()
    }

    fn of(text: &str, said: &BTreeMap<ContentHash, bool>) -> Self {
        let of = |wanted: bool| said.iter().filter(|(_, right)| **right == wanted).map(|(image, _)| *image).collect();
        Self { text: text.to_owned(), right: of(true), wrong: of(false) }
    }
}
