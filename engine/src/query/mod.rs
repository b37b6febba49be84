//! What can be asked: terms with weights and signs, filters, order, and a place to go on from.

mod cursor;
mod depth;
mod typed;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use glimpse_indexer::{Filter, ImageId, ReasonCode, Refusal};

pub use cursor::Cursor;
pub(crate) use cursor::Position;
pub use depth::{Depth, FEW, FIRST_SCREEN};
pub use typed::{at_signs, parts};

use crate::EngineError;

/// Most hits on a page.
pub const MAX_LIMIT: usize = 10_000;
/// Most terms of a query.
pub const MAX_TERMS: usize = 64;
/// Most bytes of a text; models read its first 64 tokens.
pub const MAX_TEXT: usize = 16 << 10;
/// Largest weight of a term, in either direction.
pub const MAX_WEIGHT: f32 = 100.0;

/// A question to the library.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What to look for; empty lists everything that passes the filter, newest first unless sorted
    /// otherwise.
    pub terms: Vec<Term>,
    /// Conditions on stored facts.
    pub filter: Filter,
    /// How text terms are matched.
    pub mode: Mode,
    /// Order of the hits.
    pub sort: Sort,
    /// Most hits on a page, 1 to [`MAX_LIMIT`].
    pub limit: usize,
    /// Where to go on, with the query otherwise as it was. While the result set is remembered, the
    /// cursor alone is enough: terms may then be left out, so that an upload need not be sent
    /// again.
    pub cursor: Option<Cursor>,
    /// How far below the cut the answer goes.
    pub depth: Depth,
}

/// One part of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// What it is.
    pub source: Source,
    /// How much it counts beside the other terms: the query is the sum of the terms' unit vectors
    /// times their weights. A negative weight moves the query away from the term; it does not rule
    /// out images that show it.
    pub weight: f32,
}

/// Where a term comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Words in any language.
    Text(String),
    /// An image file on this machine.
    File(PathBuf),
    /// The bytes of an image, e.g. an upload, which all who ask about it share.
    Bytes(Arc<[u8]>),
    /// An image of the library; it is not among its own hits.
    Image(ImageId),
}

impl Source {
    /// The file, if it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }
}

/// How text terms are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Meaning and words, fused by reciprocal rank.
    #[default]
    Hybrid,
    /// Meaning alone.
    Semantic,
    /// Names, captions and dates alone; needs no model.
    Words,
}

/// Order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Best match first.
    #[default]
    Relevance,
    /// Latest date taken first; undated images last.
    Newest,
    /// Earliest date taken first; undated images last.
    Oldest,
    /// That of the album which the filter names.
    Album,
}

/// Says what makes no sense of a text that images are asked for with.
///
/// # Errors
/// [`EngineError::Refused`] for one without words, or of more than [`MAX_TEXT`] bytes.
pub fn text_is_sound(text: &str) -> Result<(), EngineError> {
    if text.trim().is_empty() {
        return Err(Refusal::new(ReasonCode::EmptyText, "a text without words").into());
    }
    if text.len() > MAX_TEXT {
        let reason = format!("a text of {} bytes; {MAX_TEXT} is the most", text.len());
        return Err(Refusal::new(ReasonCode::TextTooLong, reason).at_most(MAX_TEXT).into());
    }
    Ok(())
}

impl Sort {
    /// Says what makes no sense.
    pub(crate) fn validate(self, filter: &Filter) -> Result<(), EngineError> {
        match self == Self::Album && filter.album.is_none() {
            true => Err(EngineError::BadRequest("the order of an album is for a filter that names one".into())),
            false => Ok(()),
        }
    }
}

impl Default for Query {
    fn default() -> Self {
        Self {
            terms: Vec::new(),
            filter: Filter::default(),
            mode: Mode::default(),
            sort: Sort::default(),
            limit: 20,
            cursor: None,
            depth: Depth::default(),
        }
    }
}

impl Query {
    /// A question in words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::default().plus(Source::Text(text.into()), 1.0)
    }

    /// Adds a term.
    #[must_use]
    pub fn plus(mut self, source: Source, weight: f32) -> Self {
        self.terms.push(Term { source, weight });
        self
    }

    /// Says what makes no sense, before any work is done.
    pub(crate) fn validate(&self) -> Result<(), EngineError> {
        let refuse = |reason: String| Err(EngineError::BadRequest(reason));
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            return refuse(format!("a page holds 1 to {MAX_LIMIT} hits, not {}", self.limit));
        }
        if self.terms.len() > MAX_TERMS {
            let text = format!("{} terms; a query has {MAX_TERMS} at most", self.terms.len());
            return Err(Refusal::new(ReasonCode::TooManyParts, text).at_most(MAX_TERMS).into());
        }
        for term in &self.terms {
            if !term.weight.is_finite() || term.weight == 0.0 || term.weight.abs() > MAX_WEIGHT {
                return refuse(format!("weight {}: a weight is not 0 and at most {MAX_WEIGHT} in size", term.weight));
            }
            if let Source::Text(text) = &term.source {
                text_is_sound(text)?;
            }
        }
        let words = |term: &Term| matches!(term.source, Source::Text(_)) && term.weight > 0.0;
        if self.mode == Mode::Words && !self.terms.is_empty() && !self.terms.iter().any(words) {
            let text = "a search by words needs words to look for; images are searched by meaning";
            return Err(Refusal::new(ReasonCode::NeedsWords, text).into());
        }
        self.sort.validate(&self.filter)?;
        if let Some(place) = self.filter.place {
            let latitudes = -90.0 <= place.south && place.south <= place.north && place.north <= 90.0;
            let longitudes = [place.west, place.east].iter().all(|degrees| (-180.0..=180.0).contains(degrees));
            if !latitudes || !longitudes {
                return refuse("a place box is south <= north within -90..90, west and east within -180..180".into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_indexer::GeoBox;
    use glimpse_nonempty::each;

    use super::*;
    use crate::ErrorKind;

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        let geo =
            |south, west, north, east| Filter { place: Some(GeoBox { south, west, north, east }), ..Filter::default() };
        let nonsense = [
            Query { limit: 0, ..Query::text("a") },
            Query { limit: MAX_LIMIT + 1, ..Query::text("a") },
            Query::text("  \n"),
            Query::text("a".repeat(MAX_TEXT + 1)),
            Query::text("a").plus(Source::Image(ImageId(1)), f32::NAN),
            Query::text("a").plus(Source::Image(ImageId(1)), 0.0),
            Query { terms: vec![Query::text("a").terms[0].clone(); MAX_TERMS + 1], ..Query::default() },
            Query { mode: Mode::Words, ..Query::default().plus(Source::Text("a".into()), -1.0) },
            Query { sort: Sort::Album, ..Query::text("a") },
            Query { filter: geo(10.0, 0.0, -10.0, 0.0), ..Query::default() },
            Query { filter: geo(f64::NAN, 0.0, 1.0, 0.0), ..Query::default() },
        ];
        for query in each(nonsense) {
            assert_eq!(query.validate().unwrap_err().kind(), ErrorKind::BadRequest, "{query:?}");
        }
        let over_the_date_line = Query { filter: geo(-20.0, 170.0, 0.0, -170.0), ..Query::default() };
        [Query::default(), Query::text("Füchse 🦊"), over_the_date_line].iter().for_each(|q| q.validate().unwrap());
    }
}
