//! Groups of near-duplicate images, from stored vectors.

mod alike;
mod group;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use glimpse_encoder::dot;
use glimpse_indexer::{Filter, ImageId, Index};
use rayon::prelude::*;

use crate::{Cancel, Engine, EngineError};
use alike::cosine;
pub use group::DuplicateGroup;

/// Neighbours asked for at first; more are asked for while all of them are close enough.
const FIRST: usize = 16;
/// Most neighbours of an image. A larger group still comes together through its other members.
const MOST: usize = 1024;

/// Images before a hit that it is compared with: near-duplicates have nearly the same score, and
/// nearly the same date.
const BEFORE: usize = 24;

/// How alike counts as a duplicate.
#[derive(Debug, Clone, PartialEq)]
pub struct DuplicateOptions {
    /// Smallest cosine between the first member of a group and the others.
    pub min_cosine: f32,
}

impl Default for DuplicateOptions {
    fn default() -> Self {
        Self { min_cosine: 0.97 }
    }
}

impl Engine {
    /// Groups of near-duplicate images, largest group first. Images are linked if they are close; a
    /// linked set is then split so that every member is close to the first of its group, since a
    /// burst or a timelapse would otherwise chain images together that have nothing in common.
    /// Videos are close if they take about as long and each frame of one is close to a frame of the
    /// other; none is close to a still image.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] for a cosine outside 0..=1; otherwise if the store fails, or the
    /// question is given up ([`Cancel`]).
    pub fn duplicates(&self, options: &DuplicateOptions) -> Result<Vec<DuplicateGroup>, EngineError> {
        if !(0.0..=1.0).contains(&options.min_cosine) {
            return Err(EngineError::BadRequest(format!("{}: a cosine is between 0 and 1", options.min_cosine)));
        }
        let index = self.serving()?;
        let ids: Vec<ImageId> = index.select(&Filter::default()).iter().collect();
        let cancel = Cancel::current();
        let links = ids.par_iter().map(|&id| {
            cancel.check()?;
            close_to(&index, id, options.min_cosine)
        });
        let links: Vec<Vec<ImageId>> = links.collect::<Result<_, EngineError>>()?;

        let mut sets = Sets::new(ids.len());
        for (a, close) in links.iter().enumerate() {
            close.iter().filter_map(|id| ids.binary_search(id).ok()).for_each(|b| sets.join(a, b));
        }
        let mut linked: BTreeMap<usize, Vec<ImageId>> = BTreeMap::new();
        for (i, &id) in ids.iter().enumerate() {
            linked.entry(sets.root(i)).or_default().push(id);
        }
        let mut groups = Vec::new();
        for members in linked.into_values().filter(|members| members.len() > 1) {
            cancel.check()?;
            groups.extend(split(&index, members, options.min_cosine)?);
        }
        groups.sort_by_key(|group| (Reverse(group.images.len()), group.images[0]));
        Ok(groups)
    }

    /// As [`Engine::duplicates`]. The last answer is remembered until the library changes, so that
    /// its pages can be read from it.
    ///
    /// # Errors
    /// As [`Engine::duplicates`].
    pub fn grouped(&self, options: &DuplicateOptions) -> Result<Arc<Vec<DuplicateGroup>>, EngineError> {
        let served = self.serving()?;
        let question = format!("{} {} {options:?}", served.revision(), served.region_tag_changes());
        served.groups.get_or_make(question, || self.duplicates(options), |_| true)
    }
}

impl Engine {
    /// Which hits of a ranking can be stacked: for each image in order, the first one of the
    /// near-duplicates shortly before it, or `None` if it stands for itself. Costs nothing beside a
    /// search, whatever the size of the library.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn stacks(&self, ranked: &[ImageId], options: &DuplicateOptions) -> Result<Vec<Option<ImageId>>, EngineError> {
        let index = self.serving()?;
        let mut recent: VecDeque<(ImageId, Vec<f32>)> = VecDeque::with_capacity(BEFORE);
        let stacks = ranked.iter().map(|&id| {
            let vector = index.vector(id)?;
            let on =
                recent.iter().find(|(_, first)| dot(first, &vector) >= options.min_cosine).map(|(first, _)| *first);
            if on.is_none() {
                recent.truncate(BEFORE - 1);
                recent.push_front((id, vector));
            }
            on
        });
        Ok(stacks.collect())
    }
}

/// The images at least as close to `id` as `min_cosine`. Of a video, its first frame leads to them.
fn close_to(index: &Index, id: ImageId, min_cosine: f32) -> Result<Vec<ImageId>, EngineError> {
    let Some(vector) = index.vector(id) else { return Ok(Vec::new()) };
    let mut count = FIRST;
    loop {
        let mut found = index.nearest(&vector, count, None)?;
        let full = found.len() == count;
        found.retain(|scored| scored.score >= min_cosine);
        if !full || found.len() < count || count >= MOST {
            let others: BTreeSet<ImageId> = found.iter().map(|scored| index.video_of(scored.id)).collect();
            let is_close = |other: &ImageId| cosine(index, id, *other).is_some_and(|cosine| cosine >= min_cosine);
            return Ok(others.into_iter().filter(is_close).collect());
        }
        count *= 4;
    }
}

/// Takes the best image and all that are close to it, then the best of the rest, and so on.
fn split(index: &Index, members: Vec<ImageId>, min_cosine: f32) -> Result<Vec<DuplicateGroup>, EngineError> {
    let mut rest = Vec::with_capacity(members.len());
    for id in members {
        if let Some(record) = index.image(id)? {
            let pixels = u64::from(record.width) * u64::from(record.height);
            rest.push((Reverse(pixels), record.taken.unwrap_or(i64::MAX), id));
        }
    }
    rest.sort_unstable();
    let mut rest: Vec<ImageId> = rest.into_iter().map(|(.., id)| id).collect();
    let mut groups = Vec::new();
    while let Some((&best, others)) = rest.split_first() {
        let mut group = DuplicateGroup { images: vec![best], min_cosine: 1.0 };
        let mut left = Vec::new();
        for &other in others {
            match cosine(index, best, other).filter(|cosine| *cosine >= min_cosine) {
                Some(cosine) => {
                    group.images.push(other);
                    group.min_cosine = group.min_cosine.min(cosine);
                }
                None => left.push(other),
            }
        }
        if group.images.len() > 1 {
            groups.push(group);
        }
        rest = left;
    }
    Ok(groups)
}

/// Disjoint sets with path halving.
struct Sets(Vec<usize>);

impl Sets {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}
