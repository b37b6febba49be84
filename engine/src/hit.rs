//! Answers: hits that explain their score.

use glimpse_indexer::{ContentHash, ImageId};

use crate::Cursor;
use crate::calibrate::{CUT, STRONG};

/// An image that answers a query.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Hit {
    /// The image.
    pub id: ImageId,
    /// Calibrated probability that the image shows what was asked, 0 to 1: comparable across
    /// queries and languages. Images found by their words count at least
    /// [`crate::calibrate::WORDS_SCORE`].
    pub score: f32,
    /// The same in words.
    pub strength: Strength,
    /// How the score came about.
    pub why: Explanation,
    /// Of a video or an animation, the frame that the score is about.
    pub frame: Option<FrameHit>,
}

/// The frame of a video or an animation that answers a question best. Times are in seconds.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct FrameHit {
    /// Its own number; that of the video for the first frame.
    pub id: ImageId,
    /// Its own content, by which thumbnails are kept.
    pub content: ContentHash,
    /// When it is shown.
    pub start: f64,
    /// Where the next shot begins, or the video ends.
    pub end: f64,
    /// Length of the video.
    pub duration: f64,
    /// Frames of the video at or above the cut.
    pub matching: usize,
}

/// How good a match is, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// Below the cut: among the closest there are, and no more than that.
    Weak,
    /// Above the cut.
    Likely,
    /// Far above the cut.
    Strong,
}

impl Strength {
    /// The word for a score.
    pub fn of(score: f32) -> Self {
        match score {
            score if score >= STRONG => Self::Strong,
            score if score >= CUT => Self::Likely,
            _ => Self::Weak,
        }
    }
}

/// The parts of a score.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Explanation {
    /// Cosine of image and query; `None` if the image was found by words alone.
    pub cosine: Option<f32>,
    /// Standard deviations above what unrelated images of this library score for this query.
    pub z: Option<f32>,
    /// The `z` from which an image counts as found in this library: where the score is one half.
    /// `None` if none would, however near, since what was asked for seems not to be there.
    pub bar: Option<f32>,
    /// Probability that the library holds what was asked for.
    pub presence: Option<f32>,
    /// The model's own probability that this image and this text belong together; for queries of
    /// one text.
    pub model_probability: Option<f32>,
    /// Rank by meaning, from 1.
    pub meaning_rank: Option<usize>,
    /// Rank by words, from 1.
    pub words_rank: Option<usize>,
    /// BM25 score of the words.
    pub bm25: Option<f32>,
    /// Somebody said that the image shows what was asked for, which counts more than all else.
    pub said_right: bool,
}

/// A page of hits.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The hits of this page.
    pub hits: Vec<Hit>,
    /// Hits at or above the cut in the whole result set; they come before weaker ones.
    pub accepted: usize,
    /// Those of them that are strong; the others are likely.
    pub strong: usize,
    /// Images that passed the filter and lie below the cut. [`crate::Query::depth`] says how many
    /// of them are hits.
    pub weaker: usize,
    /// Where the next page starts; `None` at the end.
    pub next: Option<Cursor>,
    /// Images that passed the filter.
    pub searched: usize,
    /// Images to search with that are not in the library any more, and were left out.
    pub gone: usize,
    /// Images that are left out since somebody said that they do not show what was asked for.
    pub said_wrong: usize,
}
