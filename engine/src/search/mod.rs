//! Answering queries: rank by meaning and by words, fuse, cut, sort, page.

mod fuse;
mod question;
pub(crate) mod results;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};
use std::sync::Arc;

use glimpse_encoder::Embedding;
use glimpse_indexer::vectors::Scored;
use glimpse_indexer::{Among, Filter, IdSet, ImageId, Index, IndexError};

use crate::best_frame::{Best, by_video};
use crate::calibrate::{CUT, Modality, Part, SOME_WORDS_SCORE, Scale, WORDS_SCORE};
use crate::control::ActiveQuery;
use crate::query::Position;
use crate::served::Served;
use crate::{Cancel, Depth, Engine, EngineError, Feedback, Mode, Page, Query, Sort, Strength};
pub(crate) use question::read_file;
use question::{Asked, Question};
use results::{Meaning, Ranked, ResultSet};

/// Images asked of the vector index at first; more are asked for while the last one is still above
/// the cut.
const FIRST: usize = 512;
/// The score of an image of which somebody said that it shows what is asked for.
const RIGHT_SCORE: f32 = 0.99;
/// Most images that are found by words.
const MOST_WORDS: usize = 100_000;

impl Engine {
    /// Answers a query.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] for a query that makes no sense; otherwise if model or store
    /// fail, or the question is given up ([`Cancel`]).
    pub fn search(&self, query: &Query) -> Result<Page, EngineError> {
        query.validate()?;
        let _active = ActiveQuery::begin(&self.active_queries);
        let index = self.serving()?;
        let position = query.cursor.as_ref().map(Position::of).transpose()?;
        let remembered = position.and_then(|position| index.results.get(position.set));
        let rank = position.map_or(0, |position| position.rank as usize);
        if let Some(set) = &remembered
            && query.terms.is_empty()
        {
            return Ok(set.page(&index, rank, query.limit));
        }
        Cancel::current().check()?;
        let question = Question::read(query)?;
        if position.is_some_and(|position| position.digest != question.digest) {
            return Err(EngineError::BadRequest(
                "this cursor belongs to another query; send the whole query with it".into(),
            ));
        }
        let set = match remembered.or_else(|| index.results.get(ResultSet::name(&question, &index))) {
            Some(set) => set,
            None => {
                let set = Arc::new(self.answer(&index, question)?);
                index.results.insert(Arc::clone(&set));
                set
            }
        };
        Ok(set.page(&index, rank, query.limit))
    }

    /// The whole result set of a question.
    fn answer(&self, index: &Served, question: Question) -> Result<ResultSet, EngineError> {
        let id = ResultSet::name(&question, index); // before reading: a change meanwhile gives another name
        let (question, gone) = question.of_known(|id| index.vector(id).is_some())?;
        let question = &question;
        let mut allowed = self.selected(index, &question.filter)?;
        question.left_out().for_each(|image| _ = allowed.remove(index.video_of(image)));
        let said = question.only_text().map(|text| Feedback::of(index, index.collections().feedback(text)));
        let said = said.unwrap_or_default();
        let said_wrong = said.wrong.iter().filter(|&&image| allowed.remove(image)).count();
        // Frames are ranked, videos are found.
        let searched = index.with_frames(&allowed);

        let meaning = match question.mode {
            Mode::Words => None,
            _ if question.terms.is_empty() => None,
            _ => Some(self.meaning(index, question)?),
        };
        let (mut nearest, mut likely) = match &meaning {
            Some(meaning) => self::nearest(index, &meaning.scale, (&searched, &question.filter), question.depth)?,
            None => (Vec::new(), 0),
        };
        let best;
        (nearest, likely, best) = by_video(index, nearest, likely, |scored| &mut scored.id);
        // An example beside words adds to what they find by themselves.
        if let Some(words) = question.without_examples().filter(|_| meaning.is_some()) {
            let alone = self.meaning(index, &words)?;
            let (found, likely_alone) =
                self::nearest(index, &alone.scale, (&searched, &question.filter), Depth::Strict)?;
            let (found, ..) = by_video(index, found, likely_alone, |scored| &mut scored.id);
            likely = widen(&mut nearest, &found);
        }
        let said_right = if meaning.is_some() { said.right } else { Vec::new() };
        let said_right: HashSet<ImageId> = said_right.into_iter().filter(|&image| allowed.contains(image)).collect();
        likely = put_first(&mut nearest, likely, &said_right);
        let (words, held) = match question.mode {
            Mode::Semantic => (Vec::new(), 0),
            _ => by_words(index, question, &allowed)?,
        };

        let (mut hits, accepted) = if question.terms.is_empty() {
            let all: Vec<_> = allowed.iter().map(|id| Ranked { id, frame: id, score: 1.0, ..Ranked::NONE }).collect();
            let count = all.len();
            (all, count)
        } else {
            let scale = meaning.as_ref().map(|meaning| &meaning.scale);
            merge(index, scale, (&nearest, likely), (&words, held))
        };
        let sort = match question.sort {
            Sort::Relevance if question.terms.is_empty() => Sort::Newest,
            sort => sort,
        };
        let found = if meaning.is_some() { allowed.len() } else { hits.len() };
        let weaker = found - accepted;
        hits.truncate(accepted.saturating_add(question.depth.weaker(accepted)));
        for hit in &mut hits {
            let Best { frame, matching } = best.get(&hit.id).copied().unwrap_or(Best { frame: hit.id, matching: 1 });
            (hit.frame, hit.matching) = (frame, matching.max(1));
        }
        let (above, below) = hits.split_at_mut(accepted);
        let strong = above.iter().filter(|hit| Strength::of(hit.score) == Strength::Strong).count();
        [above, below].into_iter().for_each(|hits| order(index, hits, (sort, &question.filter), |hit| hit.id));
        let (digest, searched) = (question.digest, allowed.len());
        Ok(ResultSet { id, digest, hits, accepted, strong, weaker, searched, gone, said_wrong, said_right, meaning })
    }

    /// Embeds the terms and calibrates their sum over the library.
    fn meaning(&self, index: &Served, question: &Question) -> Result<Meaning, EngineError> {
        let texts: Vec<&str> = question.texts(|_| true).collect();
        let needs_model = question.terms.iter().any(|(asked, _)| !matches!(asked, Asked::Image(_)));
        let encoder = if needs_model { Some(self.encoder_for(index)?) } else { None };
        let encoder = encoder.as_deref();
        let mut embedded = match encoder {
            Some(encoder) => self.texts.embed_queries(encoder, &texts)?,
            None => Vec::new(),
        }
        .into_iter();

        let mut parts = Vec::with_capacity(question.terms.len());
        let cancel = Cancel::current();
        for (asked, weight) in &question.terms {
            cancel.check()?;
            let (modality, vector) = match (asked, encoder) {
                (Asked::Bytes(bytes, path), Some(encoder)) => {
                    let vector = self.images.embed(encoder, bytes);
                    (Modality::Image, vector.map_err(|error| error.of_file(path.as_deref()))?)
                }
                (Asked::Image(id), _) => {
                    let vector = index.vector(*id).ok_or(IndexError::NoSuchImage(*id))?;
                    (Modality::Image, Embedding::new(vector)?)
                }
                _ => match embedded.next() {
                    Some(vector) => (Modality::Text, vector),
                    None => continue,
                },
            };
            parts.push(Part { modality, weight: *weight, vector });
        }
        let known = self.calibrated(&self.asked_with(index))?;
        let scale = index.calibrator.scale(index, &parts, encoder, &known.calibration)?;
        let one_text = matches!(parts.as_slice(), [part] if part.modality == Modality::Text && part.weight > 0.0);
        Ok(Meaning { scale, scoring: one_text.then(|| self.asked_with(index).scoring) })
    }
}

/// Images by score, as many as the depth asks for, and how many of them lie above the cut. All that
/// are allowed pass the filter.
fn nearest(
    index: &Index,
    scale: &Scale,
    (allowed, filter): (&IdSet, &Filter),
    depth: Depth,
) -> Result<(Vec<Scored>, usize), EngineError> {
    let (direction, length) = scale.direction();
    let everything = allowed.len() == index.searchable();
    let among = Among { images: (!everything).then_some(allowed), filter: Some(filter), min_area: 0.0 };
    let mut count = if depth == Depth::All { allowed.len() } else { FIRST.min(allowed.len()) };
    let cancel = Cancel::current();
    loop {
        cancel.check()?;
        let mut found = index.nearest_among(&direction, count, &among)?;
        found.iter_mut().for_each(|scored| scored.score = scale.score_of(scored.score * length));
        let likely = found.partition_point(|scored| scored.score >= CUT);
        if likely < found.len() || found.len() < count || count == allowed.len() {
            found.truncate(likely.saturating_add(depth.weaker(likely)));
            return Ok((found, likely));
        }
        count = (count * 8).min(allowed.len());
    }
}

/// Gives images the score that another question `found` them with, where that is higher. Gives
/// how many now lie above the cut.
fn widen(nearest: &mut Vec<Scored>, found: &[Scored]) -> usize {
    let mut others: HashMap<ImageId, f32> = found.iter().map(|scored| (scored.id, scored.score)).collect();
    for scored in nearest.iter_mut() {
        scored.score = others.remove(&scored.id).map_or(scored.score, |score| score.max(scored.score));
    }
    nearest.extend(found.iter().filter(|scored| others.contains_key(&scored.id)));
    nearest.sort_by(|a, b| b.score.total_cmp(&a.score)); // what scores the same stays in its order
    nearest.partition_point(|scored| scored.score >= CUT)
}

/// Puts images before all others, as found without doubt. Gives how many now lie above the cut.
fn put_first(nearest: &mut Vec<Scored>, likely: usize, images: &HashSet<ImageId>) -> usize {
    if images.is_empty() {
        return likely;
    }
    let below = nearest.iter().skip(likely).filter(|scored| !images.contains(&scored.id)).count();
    nearest.retain(|scored| !images.contains(&scored.id));
    let mut first: Vec<Scored> = images.iter().map(|&id| Scored { id, score: RIGHT_SCORE }).collect();
    first.sort_by_key(|scored| scored.id);
    nearest.splice(..0, first);
    nearest.len() - below
}

/// Images that hold all the words asked for; in a search by words, then those that hold some. None
/// of them holds all the words of what is asked against. The second number counts the former.
fn by_words(index: &Index, question: &Question, allowed: &IdSet) -> Result<(Vec<Scored>, usize), EngineError> {
    let Some(wanted) = question.words() else { return Ok((Vec::new(), 0)) };
    let mut out: HashSet<ImageId> = HashSet::new();
    let cancel = Cancel::current();
    for unwanted in question.unwanted() {
        cancel.check()?;
        out.extend(index.words(&every_word(unwanted), MOST_WORDS, Some(allowed))?.iter().map(|scored| scored.id));
    }
    cancel.check()?;
    let mut found = index.words(&every_word(&wanted), MOST_WORDS, Some(allowed))?;
    found.retain(|scored| out.insert(scored.id)); // what is found once is not found again below
    let held = found.len();
    if question.mode == Mode::Words {
        let some = index.words(&wanted, MOST_WORDS, Some(allowed))?;
        found.extend(some.into_iter().filter(|scored| !out.contains(&scored.id)));
    }
    Ok((found, held))
}

/// Every word in quotes: a condition, where the word index takes plain words for wishes. Quotes of
/// the user's own stay.
fn every_word(text: &str) -> String {
    if text.contains('"') {
        return text.to_owned();
    }
    text.split_whitespace().map(|word| format!("\"{word}\" ")).collect()
}

impl Ranked {
    const NONE: Self =
        Self { id: ImageId(0), frame: ImageId(0), matching: 1, score: 0.0, meaning_rank: 0, words_rank: 0, bm25: 0.0 };
}

/// Fuses both rankings above the cut; below it, each goes on in its order. What holds all the words
/// counts as found, also where an example stands beside them: two signs that do not know of each
/// other, so the chances of error multiply.
fn merge(
    index: &Index,
    scale: Option<&Scale>,
    (nearest, likely): (&[Scored], usize),
    (words, held): (&[Scored], usize),
) -> (Vec<Ranked>, usize) {
    let mut facts: HashMap<ImageId, Ranked> = HashMap::with_capacity(nearest.len() + words.len());
    for (scored, rank) in nearest.iter().zip(1..) {
        facts.insert(scored.id, Ranked { id: scored.id, score: scored.score, meaning_rank: rank, ..Ranked::NONE });
    }
    for (scored, rank) in words.iter().zip(1..) {
        let ranked = match facts.entry(scored.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let score = scale.zip(index.vector(scored.id));
                let score = score.map_or(0.0, |(scale, vector)| scale.score_of(scale.product(&vector)));
                new.insert(Ranked { id: scored.id, score, ..Ranked::NONE })
            }
        };
        (ranked.words_rank, ranked.bm25) = (rank, scored.score);
        let by_words = if rank as usize <= held { WORDS_SCORE } else { SOME_WORDS_SCORE };
        ranked.score = 1.0 - (1.0 - ranked.score) * (1.0 - by_words);
    }

    let likely_ids: Vec<ImageId> = nearest[..likely].iter().map(|scored| scored.id).collect();
    let above = |id: &ImageId| facts.get(id).is_some_and(|ranked| ranked.score >= CUT);
    let held_ids: Vec<ImageId> = words[..held].iter().map(|scored| scored.id).filter(above).collect();
    let accepted = fuse::fuse(&[&likely_ids, &held_ids]);
    let taken: HashSet<ImageId> = accepted.iter().copied().collect();
    let rest = nearest[likely..].iter().chain(&words[held..]).map(|scored| scored.id).filter(|id| !taken.contains(id));
    let hits = accepted.iter().copied().chain(rest).filter_map(|id| facts.get(&id).copied());
    (hits.collect(), accepted.len())
}

/// Brings hits into the order asked for; within a date, the better match stays first.
pub(crate) fn order<T>(index: &Index, hits: &mut [T], (sort, filter): (Sort, &Filter), id: impl Fn(&T) -> ImageId) {
    match sort {
        Sort::Relevance => {}
        Sort::Album => {
            let album = filter.album.as_ref().and_then(|album| index.collections().album(album).ok());
            let images = album.map(|album| index.with_contents(&album.images)).unwrap_or_default();
            let places: HashMap<ImageId, usize> = images.into_iter().zip(0..).collect();
            hits.sort_by_key(|hit| places.get(&id(hit)).copied().unwrap_or(usize::MAX));
        }
        Sort::Newest => hits.sort_by_cached_key(|hit| Reverse(index.taken(id(hit)))), // `None` is the smallest
        Sort::Oldest => hits.sort_by_cached_key(|hit| index.taken(id(hit)).map_or((true, 0), |taken| (false, taken))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
