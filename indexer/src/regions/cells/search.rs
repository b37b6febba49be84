//! Searching cells: the codes of those nearest to the query say which regions may be among the
//! best, and their rows say which are.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use rayon::prelude::*;

use super::super::RegionId;
use super::segment::{Owner, Segment};
use super::{CellQuery, Cells};
use crate::vectors::ivf::Centroids;
use crate::vectors::{QueryPlanes, ScoredVector, Top};
use crate::{IdSet, ImageId, VectorId, VectorSet, fair};

/// Codes that are looked at for each region asked for, of those that pass a filter.
const OF_EACH: usize = 64;
/// Codes that are looked at, however few regions are asked for, and cells that are.
const LEAST: usize = if cfg!(test) { 1024 } else { 32 << 10 };
const CELLS: usize = if cfg!(test) { 8 } else { 24 };
/// Candidates whose rows may be read for each region asked for, and beside.
const AGAIN: usize = 4;
const BESIDE: usize = 256;
/// Rows that a thread compares at once.
const ROWS: usize = 128;
/// Reading a row takes as long as looking at so many codes.
const ROW_COST: usize = 4;

/// A region whose row may be worth reading.
#[derive(Clone, Copy)]
struct Candidate {
    /// The score that it hardly exceeds.
    most: f32,
    segment: u32,
    row: u32,
    key: u64,
}

/// What may be found.
struct Passing<'a> {
    dead: &'a IdSet,
    allowed: Option<&'a VectorSet>,
}

impl Passing<'_> {
    #[inline]
    fn has(&self, segment: &Segment, key: VectorId) -> bool {
        let image = RegionId::of_key(key).image;
        let counts = (self.dead.is_empty() || !self.dead.contains(image)) && !segment.is_stale(image);
        counts && self.allowed.is_none_or(|allowed| allowed.contains(key))
    }
}

fn by_most(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    b.most.total_cmp(&a.most).then(a.key.cmp(&b.key))
}

/// Leaves the best `count` of more than `most`.
fn keep_best(candidates: &mut Vec<Candidate>, count: usize, most: usize) {
    if candidates.len() > most {
        candidates.select_nth_unstable_by(count, by_most);
        candidates.truncate(count);
    }
}

impl Cells {
    /// The `k` regions nearest to a query, falling.
    pub(crate) fn search(&self, query: &CellQuery, k: usize, allowed: Option<&VectorSet>) -> Vec<ScoredVector> {
        let all = self.regions();
        let passing = allowed.map_or(all, VectorSet::len);
        if k == 0 || all == 0 || passing == 0 {
            return Vec::new();
        }
        let Some(centroids) = self.centroids() else { return self.search_all(query, k, allowed) };
        let wanted = k.saturating_mul(OF_EACH).max(LEAST);
        let codes = wanted.saturating_mul(all) / passing.min(all);
        match allowed {
            Some(allowed) if passing.saturating_mul(ROW_COST) <= codes.min(all) => self.search_these(query, k, allowed),
            None if all.saturating_mul(ROW_COST) <= wanted => self.search_all(query, k, None),
            _ => self.search_cells(centroids, query, k, allowed, codes),
        }
    }

    /// As [`Cells::search`], by comparing all rows.
    pub(crate) fn search_all(&self, query: &CellQuery, k: usize, allowed: Option<&VectorSet>) -> Vec<ScoredVector> {
        let dead = fair::read(&self.dead);
        let passing = Passing { dead: &dead, allowed };
        let images: Vec<_> = self.segments.iter().flat_map(|s| s.counting().map(move |image| (s, image))).collect();
        let tops = images.par_chunks(ROWS).map(|images| {
            let mut top = Top::new(k);
            for (segment, (image, rows)) in images {
                for (row, region) in rows.clone().zip(0..) {
                    let id = RegionId { image: *image, region }.key();
                    if passing.has(segment, id)
                        && let Some(row) = segment.row(row)
                    {
                        top.push(ScoredVector { id, score: query.rows.cosine(self.kernel, row) });
                    }
                }
            }
            top
        });
        tops.reduce(|| Top::new(k), Top::merge).into_sorted()
    }

    /// Among few: each row is compared.
    fn search_these(&self, query: &CellQuery, k: usize, allowed: &VectorSet) -> Vec<ScoredVector> {
        let keys: Vec<VectorId> = allowed.iter().collect();
        let tops = keys.par_chunks(8 * ROWS).map(|keys| {
            let mut top = Top::new(k);
            for keys in keys.chunk_by(|&a, &b| RegionId::of_key(a).image == RegionId::of_key(b).image) {
                let image: ImageId = RegionId::of_key(keys[0]).image;
                let Some((segment, rows)) = self.locate(image) else { continue };
                segment.prefetch_rows(rows.clone());
                for &id in keys {
                    let row = rows.start + usize::from(RegionId::of_key(id).region);
                    if row < rows.end
                        && let Some(row) = segment.row(row)
                    {
                        top.push(ScoredVector { id, score: query.rows.cosine(self.kernel, row) });
                    }
                }
            }
            top
        });
        tops.reduce(|| Top::new(k), Top::merge).into_sorted()
    }

    fn search_cells(
        &self,
        centroids: &Centroids,
        query: &CellQuery,
        k: usize,
        allowed: Option<&VectorSet>,
        codes: usize,
    ) -> Vec<ScoredVector> {
        let lists = self.nearest_lists(centroids, &query.planes, codes);
        for &(segment, cell, _) in &lists {
            self.segments[segment].prefetch_codes(cell);
        }
        let dead = fair::read(&self.dead);
        let passing = Passing { dead: &dead, allowed };
        let is_damaged = AtomicBool::new(false);
        let of_list = |&(number, cell, centre): &(usize, usize, f32)| {
            let segment = &self.segments[number];
            let records = segment.codes(cell).unwrap_or_else(|| {
                is_damaged.store(true, Relaxed);
                &[]
            });
            let estimates = query.codes.estimate(self.kernel, records, segment.record());
            let candidate = estimates.zip(records.chunks_exact(segment.record())).filter_map(|(estimate, record)| {
                let (region, row) = segment.region(Owner::of(record))?;
                let most = centre + estimate.product + estimate.bound;
                let candidate = Candidate { most, segment: number as u32, row: row as u32, key: region.key().0 };
                passing.has(segment, region.key()).then_some(candidate)
            });
            candidate.collect::<Vec<_>>()
        };
        let again = k.saturating_mul(AGAIN).saturating_add(BESIDE);
        // So that a question about very many regions takes memory for those alone that are read.
        let joined = |mut some: Vec<Candidate>, others: Vec<Candidate>| {
            some.extend(others);
            keep_best(&mut some, again, 2 * again);
            some
        };
        let mut candidates = lists.par_iter().map(of_list).reduce(Vec::new, joined);
        keep_best(&mut candidates, again, again);
        candidates.sort_unstable_by(by_most);
        let mut best = self.best_by_rows(query, k, &candidates);
        if is_damaged.load(Relaxed) {
            best.extend(self.best_without_codes(query, k, &passing));
            best.sort_unstable_by(crate::vectors::by_rank);
            best.truncate(k);
        }
        best
    }

    /// Of the regions whose codes are damaged: each row is compared.
    fn best_without_codes(&self, query: &CellQuery, k: usize, passing: &Passing<'_>) -> Vec<ScoredVector> {
        let mut top = Top::new(k);
        for segment in &self.segments {
            for &(region, row) in segment.without_codes() {
                if passing.has(segment, region.key())
                    && let Some(bytes) = segment.row(row as usize)
                {
                    top.push(ScoredVector { id: region.key(), score: query.rows.cosine(self.kernel, bytes) });
                }
            }
        }
        top.into_sorted()
    }

    /// The lists of the cells nearest to a query, with so many codes together: segment, cell, and
    /// the query's inner product with the centroid.
    fn nearest_lists(&self, centroids: &Centroids, query: &QueryPlanes, codes: usize) -> Vec<(usize, usize, f32)> {
        let scores = centroids.scores(self.kernel, query);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_unstable_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        let (mut lists, mut count) = (Vec::new(), 0);
        for (turn, cell) in order.into_iter().enumerate() {
            if count >= codes && turn >= CELLS {
                break;
            }
            for (number, segment) in self.segments.iter().enumerate().filter(|(_, segment)| segment.size(cell) > 0) {
                lists.push((number, cell, scores[cell]));
                count += segment.size(cell);
            }
        }
        lists
    }

    /// The best of candidates, which come by what they may have at most: as soon as that is less
    /// than what the `k`-th has, the others need not be read.
    fn best_by_rows(&self, query: &CellQuery, k: usize, candidates: &[Candidate]) -> Vec<ScoredVector> {
        let mut best: Vec<ScoredVector> = Vec::with_capacity(candidates.len().min(k.saturating_mul(2)));
        let (mut rest, mut size) = (candidates, k.max(ROWS));
        while let Some(first) = rest.first() {
            let kth = if best.len() >= k { best[k - 1].score } else { f32::MIN };
            if first.most < kth {
                break;
            }
            let (part, others) = rest.split_at(size.min(rest.len()));
            let part = &part[..part.partition_point(|candidate| candidate.most >= kth)];
            for candidate in part {
                let row = candidate.row as usize;
                self.segments[candidate.segment as usize].prefetch_rows(row..row + 1);
            }
            let scored = part.par_chunks(ROWS).flat_map_iter(|part| {
                part.iter().filter_map(|candidate| {
                    let row = self.segments[candidate.segment as usize].row(candidate.row as usize)?;
                    Some(ScoredVector { id: VectorId(candidate.key), score: query.rows.cosine(self.kernel, row) })
                })
            });
            best.par_extend(scored);
            best.sort_unstable_by(crate::vectors::by_rank);
            best.truncate(k);
            (rest, size) = (others, (k / 4).max(ROWS));
        }
        best
    }
}
