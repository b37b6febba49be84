//! What searches of an index find of what comparing all vectors finds, and how long they take.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Index;
use crate::hnsw::Hnsw;
use crate::regions::ScoredRegion;
use crate::vectors::{HnswRs, ScoredVector, VectorIndex};
use crate::{IndexError, VectorId};

/// One way of searching, measured on vectors of the index.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MeasuredSearch {
    /// What was compared: vectors of images or of regions.
    pub of: &'static str,
    /// How: `scan`, `hnsw`, `hnsw_rs`, `cells`.
    pub by: &'static str,
    /// Vectors that were searched.
    pub vectors: usize,
    /// Share of the nearest by a comparison of all that is found.
    pub recall: f64,
    /// Half of the queries took no longer, in milliseconds.
    pub median_ms: f64,
    /// Nineteen of twenty queries took no longer.
    pub p95_ms: f64,
    /// Seconds that it took to build, if it was built for this.
    pub build_s: Option<f64>,
}

/// Answers and times of one way.
struct Run<T> {
    found: Vec<Vec<T>>,
    times: Vec<Duration>,
}

impl Index {
    /// Searches for the `k` nearest to some `queries` in every way: among images by scan, by graph
    /// (built in memory if the index has none) and by that of hnsw_rs, which is built from the same
    /// rows; among regions by their cells, if there are any. A query is the mean of the vectors of
    /// two images that are far from each other in the library. Nothing is returned where a server
    /// searches.
    ///
    /// # Errors
    /// [`IndexError::Store`] if hnsw_rs finds no room for its files.
    pub fn measure_searches(&self, queries: usize, k: usize) -> Result<Vec<MeasuredSearch>, IndexError> {
        let queries = self.mean_vectors(queries);
        if queries.is_empty() || k == 0 {
            return Ok(Vec::new());
        }
        let mut measured = self.measure_images(&queries, k)?;
        measured.extend(self.measure_regions(&queries, k)?);
        Ok(measured)
    }

    /// Means of two vectors each, half of the library apart.
    fn mean_vectors(&self, count: usize) -> Vec<Vec<f32>> {
        let mut ids = self.scan.ids();
        ids.sort_unstable();
        let vector = |place: usize| self.scan.get(ids[place % ids.len()]).map(|vector| vector.decode());
        let mean = |number: usize| {
            let place = number * ids.len() / count;
            let (one, other) = (vector(place)?, vector(place + ids.len() / 2)?);
            Some(one.iter().zip(&other).map(|(one, other)| one + other).collect())
        };
        if ids.is_empty() { Vec::new() } else { (0..count).filter_map(mean).collect() }
    }

    fn measure_images(&self, queries: &[Vec<f32>], k: usize) -> Result<Vec<MeasuredSearch>, IndexError> {
        let start = Instant::now();
        let (graph, build) = match self.graph.get() {
            Some(graph) => (graph, None),
            None => (Arc::new(Hnsw::build(Arc::clone(&self.scan), self.options.graph)), Some(start.elapsed())),
        };
        let start = Instant::now();
        let theirs = HnswRs::build(Arc::clone(&self.scan), self.options.graph)?;
        let build_theirs = Some(start.elapsed());
        // What the graphs do by themselves: of a small library their searches make a scan.
        let ef = k.max(self.options.graph.ef_search);
        let walk = |query: &[f32]| graph.search_graph(query, k, ef, None);
        let walk_theirs = |query: &[f32]| theirs.search_graph(query, k, ef, None);
        let scan = run(queries, |query| self.scan.search(query, k, None), id_of)?;
        let ours = run(queries, walk, id_of)?;
        let theirs = run(queries, walk_theirs, id_of)?;
        let measured = |by, run: &Run<VectorId>, build: Option<Duration>| {
            run.measured(&scan, ("images", by), self.scan.len(), build)
        };
        Ok(vec![
            measured("scan", &scan, None),
            measured("hnsw", &ours, build),
            measured("hnsw_rs", &theirs, build_theirs),
        ])
    }

    fn measure_regions(&self, queries: &[Vec<f32>], k: usize) -> Result<Vec<MeasuredSearch>, IndexError> {
        let regions = self.regions()?;
        if regions.is_empty() {
            return Ok(Vec::new());
        }
        let id = |scored: &ScoredRegion| scored.id;
        let scan = run(queries, |query| regions.nearest_exact(query, k, None), id)?;
        let mut measured = vec![scan.measured(&scan, ("regions", "scan"), regions.len(), None)];
        if regions.cells().is_some() {
            let cells = run(queries, |query| regions.nearest(query, k, None), id)?;
            measured.push(cells.measured(&scan, ("regions", "cells"), regions.len(), None));
        }
        Ok(measured)
    }
}

fn id_of(scored: &ScoredVector) -> VectorId {
    scored.id
}

/// Asks all queries once, after the first one has been asked to warm up.
fn run<S, T>(
    queries: &[Vec<f32>],
    search: impl Fn(&[f32]) -> Result<Vec<S>, IndexError>,
    id: impl Fn(&S) -> T,
) -> Result<Run<T>, IndexError> {
    queries.first().map(|query| search(query)).transpose()?;
    let mut run = Run { found: Vec::new(), times: Vec::new() };
    for query in queries {
        let start = Instant::now();
        let found = search(query)?;
        run.times.push(start.elapsed());
        run.found.push(found.iter().map(&id).collect());
    }
    Ok(run)
}

impl<T: Hash + Eq> Run<T> {
    fn measured(
        &self,
        exact: &Self,
        (of, by): (&'static str, &'static str),
        vectors: usize,
        build: Option<Duration>,
    ) -> MeasuredSearch {
        let shared = |(found, exact): (&Vec<T>, &Vec<T>)| {
            let exact: HashSet<&T> = exact.iter().collect();
            found.iter().filter(|id| exact.contains(id)).count()
        };
        let hits: usize = self.found.iter().zip(&exact.found).map(shared).sum();
        let all: usize = exact.found.iter().map(Vec::len).sum();
        let mut times: Vec<f64> = self.times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        times.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        MeasuredSearch {
            of,
            by,
            vectors,
            recall: hits as f64 / all.max(1) as f64,
            median_ms: at(0.5),
            p95_ms: at(0.95),
            build_s: build.map(|build| build.as_secs_f64()),
        }
    }
}
