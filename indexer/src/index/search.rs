//! Searching vectors and words.

use std::sync::Arc;

use super::Index;
use crate::backend::Kind;
use crate::vectors::{Scored, ScoredVector};
use crate::{Among, IdSet, IndexError};

impl Index {
    /// The `k` images nearest to `query` (cosine, falling), among `allowed` if given.
    ///
    /// # Errors
    /// As [`Index::nearest_among`].
    pub fn nearest(&self, query: &[f32], k: usize, allowed: Option<&IdSet>) -> Result<Vec<Scored>, IndexError> {
        self.nearest_among(query, k, &Among::images(allowed))
    }

    /// The `k` images nearest to `query` (cosine, falling).
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`]; [`IndexError::Vectors`] if a server searches and does not
    /// answer.
    pub fn nearest_among(&self, query: &[f32], k: usize, among: &Among<'_>) -> Result<Vec<Scored>, IndexError> {
        let found = self.backend().search(Kind::Images, query, k, among)?;
        Ok(found.into_iter().map(ScoredVector::of_image).collect())
    }

    /// Cosine of `query` with every image that can be found, in no order: for calibration and full
    /// rankings. Where a server searches, the store is read for it.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`].
    pub fn score_all(&self, query: &[f32]) -> Result<Vec<Scored>, IndexError> {
        let findable = self.findable();
        let scores = self.all_scores(query)?.into_iter().map(ScoredVector::of_image);
        Ok(scores.filter(|scored| findable.contains(scored.id)).collect())
    }

    /// Images whose file name, folder, camera, date, place, caption or keywords hold the words
    /// (BM25, falling).
    ///
    /// # Errors
    /// If the word index cannot be read.
    pub fn words(&self, text: &str, k: usize, allowed: Option<&IdSet>) -> Result<Vec<Scored>, IndexError> {
        let findable = self.findable();
        let allowed = allowed.map(|allowed| allowed.intersection(&findable)).map_or(findable, Arc::new);
        self.words.search(text, k, Some(&allowed))
    }

    /// Words of a text that no image has, each with the nearest that some have.
    ///
    /// # Errors
    /// If the word index cannot be read.
    pub fn nearest_words(&self, text: &str) -> Result<Vec<(String, String)>, IndexError> {
        self.words.nearest_words(text)
    }

    pub(super) fn findable(&self) -> Arc<IdSet> {
        Arc::clone(self.memory.read().findable())
    }
}
