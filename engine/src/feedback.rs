//! What people say of answers, by the numbers that images have in the library: this image shows
//! what the text asks for, or does not. It counts at once in a search for that text, and `tune`
//! learns from it for others.

use glimpse_indexer::collections::{self, FeedbackChange};
use glimpse_indexer::{ImageId, Index};

use crate::{Engine, EngineError};

/// What was said of the answers to one text.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Feedback {
    /// In lower case, with single spaces.
    pub text: String,
    /// Images that show it, of those that are in the library now.
    pub right: Vec<ImageId>,
    /// Images that do not.
    pub wrong: Vec<ImageId>,
}

/// What to say of answers: one that is named twice is what is said last.
#[derive(Debug, Clone, Default)]
pub struct NewFeedback {
    /// Images that show what was asked for.
    pub right: Vec<ImageId>,
    /// Images that do not.
    pub wrong: Vec<ImageId>,
    /// Images of which nothing is said any more.
    pub unsaid: Vec<ImageId>,
}

impl Engine {
    /// All that was said of answers, by text.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn all_feedback(&self) -> Result<Vec<Feedback>, EngineError> {
        let index = self.serving()?;
        let all = index.collections().all_feedback();
        Ok(all.into_iter().map(|feedback| Feedback::of(&index, feedback)).collect())
    }

    /// Says of images that they show what a text asks for, or do not. A search for this text alone
    /// then finds those that are right, and leaves out those that are wrong. Gives what was said of
    /// the answers to this text then.
    ///
    /// # Errors
    /// [`glimpse_indexer::IndexError::NoSuchImage`]; for a text that is empty or longer than 1,000
    /// bytes; if it cannot be written, and then nothing has changed.
    pub fn give_feedback(&self, text: &str, said: &NewFeedback) -> Result<Feedback, EngineError> {
        let index = self.serving()?;
        let change = FeedbackChange {
            right: self.contents(&said.right)?,
            wrong: self.contents(&said.wrong)?,
            unsaid: self.contents(&said.unsaid)?,
        };
        Ok(Feedback::of(&index, self.kept()?.give_feedback(text, &change)?))
    }
}

impl Feedback {
    pub(crate) fn of(index: &Index, said: collections::Feedback) -> Self {
        let collections::Feedback { text, right, wrong } = said;
        Self { text, right: index.with_contents(&right), wrong: index.with_contents(&wrong) }
    }
}
