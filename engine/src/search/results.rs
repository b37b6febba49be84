//! Result sets: made once, paged through, remembered for a while.

use std::collections::HashSet;
use std::sync::Arc;

use glimpse_indexer::{ImageId, Index};
use parking_lot::Mutex;

use super::question::Question;
use crate::best_frame::{Best, frame_hit};
use crate::calibrate::Scale;
use crate::lru::Lru;
use crate::query::Position;
use crate::{Explanation, Hit, Page, Strength};

/// Bytes of result sets that are remembered: some two million hits.
const REMEMBERED: usize = 64 << 20;

/// All hits of a query, in order.
pub(crate) struct ResultSet {
    /// Its name in cursors.
    pub id: u64,
    /// Hash of the query.
    pub digest: u64,
    /// The accepted hits, then as many weaker ones as were asked for.
    pub hits: Vec<Ranked>,
    /// Hits above the cut.
    pub accepted: usize,
    /// Those of them far above it.
    pub strong: usize,
    /// Images below the cut.
    pub weaker: usize,
    /// Images that passed the filter.
    pub searched: usize,
    /// Images to search with that are not in the library any more.
    pub gone: usize,
    /// Images that were said to be wrong, and left out.
    pub said_wrong: usize,
    /// Images that were said to be right.
    pub said_right: HashSet<ImageId>,
    /// Explains the scores by meaning.
    pub meaning: Option<Meaning>,
}

/// What the scores by meaning stand on.
pub(crate) struct Meaning {
    pub scale: Scale,
    /// The model's scale and bias, if its own probability means something for this query.
    pub scoring: Option<glimpse_encoder::Scoring>,
}

/// A hit as it is remembered; ranks from 1, 0 for none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ranked {
    pub id: ImageId,
    /// Of a video, its best frame; else the image.
    pub frame: ImageId,
    /// Frames of it above the cut.
    pub matching: u32,
    pub score: f32,
    pub meaning_rank: u32,
    pub words_rank: u32,
    pub bm25: f32,
}

impl ResultSet {
    /// The name of the set that answers a query in one state of a library.
    pub fn name(question: &Question, index: &Index) -> u64 {
        let mut hasher = blake3::Hasher::new();
        let collections = index.collections();
        let has_feedback = || question.only_text().is_some() && collections.has_feedback();
        if question.filter.asks_collections() || !collections.hidden().is_empty() || has_feedback() {
            hasher.update(&collections.revision().to_le_bytes());
        }
        if !question.filter.region_tags.is_empty() {
            hasher.update(&index.region_tag_changes().to_le_bytes());
        }
        hasher.update(&question.digest.to_le_bytes()).update(&index.revision().to_le_bytes());
        hasher.update(index.dir().as_os_str().as_encoded_bytes());
        u64::from_le_bytes(hasher.finalize().as_bytes()[..8].try_into().unwrap_or_default())
    }

    /// What it takes in memory.
    fn bytes(&self) -> usize {
        let meaning = self.meaning.as_ref().map_or(0, |meaning| meaning.scale.bytes());
        size_of::<Self>() + size_of_val(self.hits.as_slice()) + meaning
    }

    /// The hits from `rank` on. Images that have left the library since are stepped over.
    pub fn page(&self, index: &Index, rank: usize, limit: usize) -> Page {
        let mut hits = Vec::with_capacity(limit.min(self.hits.len()));
        let mut at = rank.min(self.hits.len());
        while at < self.hits.len() && hits.len() < limit {
            let ranked = &self.hits[at];
            at += 1;
            if let Some(vector) = index.vector(ranked.frame) {
                hits.push(self.explain(index, ranked, &vector));
            }
        }
        let position = Position { set: self.id, digest: self.digest, rank: u32::try_from(at).unwrap_or(u32::MAX) };
        Page {
            hits,
            accepted: self.accepted,
            strong: self.strong,
            weaker: self.weaker,
            next: (at < self.hits.len()).then(|| position.to_cursor()),
            searched: self.searched,
            gone: self.gone,
            said_wrong: self.said_wrong,
        }
    }

    fn explain(&self, index: &Index, ranked: &Ranked, vector: &[f32]) -> Hit {
        let mut why = Explanation {
            meaning_rank: (ranked.meaning_rank > 0).then_some(ranked.meaning_rank as usize),
            words_rank: (ranked.words_rank > 0).then_some(ranked.words_rank as usize),
            bm25: (ranked.words_rank > 0).then_some(ranked.bm25),
            said_right: self.said_right.contains(&ranked.id),
            ..Explanation::default()
        };
        if let Some(Meaning { scale, scoring }) = &self.meaning {
            let cosine = glimpse_encoder::dot(scale.query(), vector);
            why.cosine = Some(cosine);
            why.z = Some(scale.z_of(scale.product(vector)));
            why.bar = scale.bar();
            why.presence = Some(scale.presence());
            why.model_probability = scoring.map(|scoring| scoring.probability(cosine));
        }
        let frame = frame_hit(index, Best { frame: ranked.frame, matching: ranked.matching });
        Hit { id: ranked.id, score: ranked.score, strength: Strength::of(ranked.score), why, frame }
    }
}

/// The latest result sets.
pub(crate) struct ResultCache(Mutex<Lru<u64, Arc<ResultSet>>>);

impl ResultCache {
    pub fn new() -> Self {
        Self(Mutex::new(Lru::new(REMEMBERED)))
    }

    pub fn get(&self, id: u64) -> Option<Arc<ResultSet>> {
        self.0.lock().get(&id)
    }

    pub fn insert(&self, set: Arc<ResultSet>) {
        let bytes = set.bytes();
        self.0.lock().insert(set.id, set, bytes);
    }
}
