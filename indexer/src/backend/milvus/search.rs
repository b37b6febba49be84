//! Nearest vectors, among sets of images that a server cannot be sent as a whole.

use prost::Message;

use super::client::Patience;
use super::collections::{METRIC, VECTOR, pair};
use super::expression::{all_of, of_filter, of_images, pieces};
use super::messages::{DataType, Found, IdData, QueryVector, QueryVectors, Search};
use super::{MOST_FOUND, Milvus};
use crate::backend::Kind;
use crate::vectors::{ScoredVector, by_rank};
use crate::{Among, Filter, IndexError, VectorId};

/// Images whose numbers are sent with one search.
const PIECE: usize = if cfg!(test) { 64 } else { 8192 };

/// Asks the server: an expression, and how many to give.
type Ask<'a> = dyn Fn(String, usize) -> Result<Vec<ScoredVector>, IndexError> + 'a;

/// The `k` nearest among a set of images. A small set is sent. Of a large one what the filter says
/// of it is sent, and more is asked for until `k` of the answers are of the set; if that comes to
/// nothing, the set is sent in pieces.
pub fn nearest(of: Kind, k: usize, among: &Among<'_>, ask: &Ask<'_>) -> Result<Vec<ScoredVector>, IndexError> {
    let k = k.min(MOST_FOUND);
    if k == 0 || among.images.is_some_and(|images| images.is_empty()) {
        return Ok(Vec::new());
    }
    let mut conditions = match (among.images, among.filter) {
        (_, Some(filter)) => of_filter(filter),
        (Some(_), None) => Vec::new(), // images whose files are missing may be in the set
        (None, None) => of_filter(&Filter::default()),
    };
    if of == Kind::Regions && among.min_area > 0.0 {
        // The server compares in f32 or f64; the area that is asked for is among what it gives.
        conditions.push(format!("area >= {:?}", f64::from(among.min_area) - 1e-6));
    }
    let Some(images) = among.images else { return ask(all_of(&conditions), k) };
    if images.len() > PIECE {
        let mut limit = (k + 16).min(MOST_FOUND);
        loop {
            let mut found = ask(all_of(&conditions), limit)?;
            let is_all = found.len() < limit;
            found.retain(|scored| images.contains(of.image_of(scored.id)));
            if is_all || found.len() >= k {
                found.truncate(k);
                return Ok(found);
            }
            if limit == MOST_FOUND {
                break;
            }
            limit = (limit * 4).min(MOST_FOUND);
        }
    }
    let field = match of {
        Kind::Images => "id",
        Kind::Regions => "image",
    };
    let mut best = Vec::new();
    for piece in pieces(images, PIECE) {
        let mut conditions = conditions.clone();
        conditions.push(of_images(field, piece.into_iter()));
        best.extend(ask(all_of(&conditions), k)?);
        best.sort_unstable_by(by_rank);
        best.truncate(k);
    }
    Ok(best)
}

impl Milvus {
    /// One search, best first.
    pub fn ask(
        &self,
        of: Kind,
        query: &[f32],
        expression: String,
        limit: usize,
    ) -> Result<Vec<ScoredVector>, IndexError> {
        let length = query.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        let unit = query.iter().flat_map(|&value| ((f64::from(value) / length) as f32).to_le_bytes()).collect();
        let vector = QueryVector { tag: "$0".to_owned(), kind: DataType::FloatVector as i32, values: vec![unit] };
        let (consistency, guarantee) = self.consistency();
        let search = Search {
            database: self.at.database.clone(),
            collection: self.collection(of),
            expression,
            vectors: QueryVectors { placeholders: vec![vector] }.encode_to_vec(),
            dsl_type: 1,
            params: vec![
                pair("anns_field", VECTOR),
                pair("topk", limit),
                pair("metric_type", METRIC),
                pair("params", self.search_params(limit)),
                pair("round_decimal", -1),
            ],
            guarantee,
            queries: 1,
            consistency,
        };
        let found: Found = self.client.call("Search", search, Patience::QUESTION)?;
        let Some(results) = found.results else { return Ok(Vec::new()) };
        let ids = match results.ids.and_then(|ids| ids.data) {
            Some(IdData::Longs(longs)) => longs.data,
            None => Vec::new(),
        };
        let cosine = |squared: f32| (1.0 - squared / 2.0).clamp(-1.0, 1.0);
        let scored = ids.into_iter().zip(results.scores);
        let mut scored: Vec<_> =
            scored.map(|(id, score)| ScoredVector { id: VectorId(id as u64), score: cosine(score) }).collect();
        scored.sort_unstable_by(by_rank);
        scored.dedup_by_key(|scored| scored.id);
        Ok(scored)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::{IdSet, ImageId};

    /// A server with the images 0 to 99,999, the lower the nearer, that knows lists of numbers.
    fn server<'a>(
        asked: &'a RefCell<Vec<usize>>,
    ) -> impl Fn(String, usize) -> Result<Vec<ScoredVector>, IndexError> + 'a {
        move |expression, limit| {
            asked.borrow_mut().push(limit);
            let list = expression.split("id in [").nth(1).map(|rest| rest.trim_end_matches(']').to_owned());
            let ids: Vec<u64> = match list {
                Some(list) => list.split(',').map(|id| id.parse().unwrap()).collect(),
                None => (0..100_000).collect(),
            };
            let score = |id: u64| ScoredVector { id: VectorId(id), score: 1.0 - id as f32 / 1e5 };
            Ok(ids.into_iter().map(score).take(limit).collect())
        }
    }

    fn ask(images: &IdSet, k: usize) -> (Vec<u64>, Vec<usize>) {
        let asked = RefCell::default();
        let found = nearest(Kind::Images, k, &Among::images(Some(images)), &server(&asked)).unwrap();
        (found.into_iter().map(|scored| scored.id.0).collect(), asked.into_inner())
    }

    #[test]
    fn a_small_set_is_sent() {
        let set: IdSet = [7, 90_000, 30].into_iter().map(ImageId).collect();
        assert_eq!(ask(&set, 2), (vec![7, 30], vec![2]));
    }

    #[test]
    fn of_a_large_set_more_is_asked_for_until_there_are_enough() {
        let every_tenth: IdSet = (0..100_000).step_by(10).map(ImageId).collect();
        let (found, asked) = ask(&every_tenth, 10);
        assert_eq!(found, (0..100).step_by(10).collect::<Vec<_>>());
        assert_eq!(asked, [26, 104]);
    }

    #[test]
    fn a_large_set_that_lies_far_away_is_sent_in_pieces() {
        let far: IdSet = (50_000..50_200).map(ImageId).collect();
        let (found, asked) = ask(&far, 3);
        assert_eq!(found, [50_000, 50_001, 50_002]);
        assert_eq!(asked, [19, 76, 304, 1216, 4864, 16_384, 3, 3, 3, 3]);
    }

    #[test]
    fn nothing_is_asked_of_nothing() {
        assert_eq!(ask(&IdSet::default(), 3), (vec![], vec![]));
    }
}
