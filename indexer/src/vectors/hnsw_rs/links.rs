//! The links between vectors, kept by hnsw_rs 0.3.5. The only module that names it, and where its
//! habits are met:
//!
//! - It panics on a distance that is negative or not a number: [`Angle`] never gives one.
//! - Two points with upper layers that are inserted at once can wait for each other for ever: a
//!   point holds its own list while it enters the lists of its neighbours, layer by layer, and the
//!   other may have entered the list in an upper layer and wait for it in a lower one (seen with M
//!   2 on 16 threads). With a single layer a point is reachable only after its own list is final,
//!   so waiting always goes from later to earlier points and ends. This graph therefore has one
//!   layer, which in hundreds of dimensions finds as much as many do (Munyampirwa et al., arXiv
//!   2412.01940) and builds faster.
//! - Its setter for the level scale prints to standard output: [`Links::start`] sets it by way of a
//!   dump of one point.
//! - It exits the process on parameters that it does not like: [`HnswParams::bounded`] comes first.
//! - Its search with a filter may return nothing: it is not used.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use hnsw_rs::api::AnnT;
use hnsw_rs::hnsw::Hnsw;
use hnsw_rs::hnswio::HnswIo;
use hnsw_rs::prelude::Distance;

use crate::hnsw::HnswParams;
use crate::vectors::{Kernel, Quantised};

/// Layers that hnsw_rs wants to be told; a dump with another number is refused.
const LAYERS: usize = 16;
/// Place of the level scale in the file of links: behind magic number, mode and connections.
const LEVEL_SCALE_AT: usize = 6;

/// A vector as the graph keeps it: the steps, then the four bytes of the scale that brings it to
/// length 1.
pub type Point = Vec<i8>;

/// The point of a vector.
pub fn point(vector: &Quantised) -> Point {
    let steps: i64 = vector.values.iter().map(|&v| i64::from(v) * i64::from(v)).sum();
    let scale = (1.0 / (steps.max(1) as f64).sqrt()) as f32;
    let mut point = vector.values.clone();
    point.extend(scale.to_le_bytes().map(u8::cast_signed));
    point
}

/// One minus the cosine of two points, at least 0.
#[derive(Clone, Copy)]
struct Angle(Kernel);

impl Distance<i8> for Angle {
    fn eval(&self, a: &[i8], b: &[i8]) -> f32 {
        let (Some((a, a_scale)), Some((b, b_scale))) = (a.split_last_chunk(), b.split_last_chunk()) else {
            return 2.0;
        };
        let scale = |bytes: &[i8; 4]| f32::from_le_bytes(bytes.map(i8::cast_unsigned));
        // Rounding may leave a vector nearer to itself than nothing; a scale is finite, so this is
        // a number.
        (1.0 - scale(a_scale) * scale(b_scale) * self.0.dot_signed(a, b) as f32).clamp(0.0, 2.0)
    }
}

/// Nodes and links. Nodes are numbered by the caller, from 0, without gaps.
pub struct Links(Hnsw<'static, i8, Angle>);

impl Links {
    /// A graph of one node, number 0.
    pub fn start(params: &HnswParams, first: &Point) -> Result<Self, String> {
        let HnswParams { m, ef_construction, .. } = params.bounded();
        let seed = Self(Hnsw::new(m, 1, LAYERS, ef_construction, Angle(Kernel::best())));
        seed.insert(0, first);
        let dir = tempfile::tempdir().map_err(|error| format!("temporary folder: {error}"))?;
        let name = seed.dump(dir.path())?;
        let path = dir.path().join(Self::file_names(&name)[0].as_str());
        let mut bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
        let scale = bytes.get_mut(LEVEL_SCALE_AT..).and_then(|rest| rest.first_chunk_mut::<8>());
        *scale.ok_or("cut-off dump")? = 0f64.to_ne_bytes();
        std::fs::write(&path, bytes).map_err(|error| error.to_string())?;
        let links = Self::load(dir.path(), &name)?;
        let scale = links.0.get_point_indexation().get_level_scale();
        if scale == 0.0 { Ok(links) } else { Err(format!("a level scale of {scale}")) }
    }

    /// Adds a node.
    pub fn insert(&self, node: usize, point: &Point) {
        self.0.insert_slice((point, node));
    }

    /// Adds nodes on all threads.
    pub fn insert_many(&self, points: &[(usize, Point)]) {
        self.0.parallel_insert_slice(&points.iter().map(|(node, point)| (point.as_slice(), *node)).collect());
    }

    /// Up to `ef` nodes near a point, the nearest first. At least two are looked for, as hnsw_rs
    /// expects.
    pub fn nearest(&self, point: &Point, ef: usize) -> Vec<usize> {
        let ef = ef.max(2);
        self.0.search(point, ef, ef).into_iter().map(|found| found.d_id).collect()
    }

    /// Number of links. Walks the whole graph.
    pub fn count(&self) -> usize {
        let links_of = |lists: Vec<Vec<_>>| lists.iter().map(Vec::len).sum::<usize>();
        self.0.get_point_indexation().into_iter().map(|point| links_of(point.get_neighborhood_id())).sum()
    }

    /// Writes the graph into an empty folder and returns the base name of its files.
    fn dump(&self, dir: &Path) -> Result<String, String> {
        contained(|| self.0.file_dump(dir, "links").map_err(|error| error.to_string()))
    }

    /// Reads what [`Links::dump`] wrote.
    fn load(dir: &Path, name: &str) -> Result<Self, String> {
        contained(|| {
            // The graph borrows the reader for vectors that stay in the file; all are read into
            // memory here, so that what is leaked is the reader's hundred bytes.
            let reader: &'static HnswIo = Box::leak(Box::new(HnswIo::new(dir, name)));
            let mut graph = reader.load_hnsw_with_dist(Angle(Kernel::best())).map_err(|error| error.to_string())?;
            // On by default after loading, off by default before.
            graph.set_extend_candidates(false);
            Ok(Self(graph))
        })
    }

    /// The files behind a base name: links and vectors.
    fn file_names(name: &str) -> [String; 2] {
        [format!("{name}.hnsw.graph"), format!("{name}.hnsw.data")]
    }
}

/// Turns a panic of the library into an error.
fn contained<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("hnsw_rs gave up".to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;
    use crate::vectors::exact::tests::clustered;

    /// More than one layer could stop a build for ever, and no test would be sure to see it.
    #[test]
    fn has_one_layer() {
        let points: Vec<(usize, Point)> =
            clustered(3000, 8, 21).iter().map(|v| point(&Quantised::encode(v).unwrap())).enumerate().collect();
        let layers = |links: &Links| [0, 1].map(|layer| links.0.get_point_indexation().get_layer_nb_point(layer));
        let links = Links::start(&HnswParams::default(), &points[0].1).unwrap();
        links.insert_many(&points[1..]);
        assert_eq!(layers(&links), [3000, 0]);
    }

    #[test]
    fn no_distance_is_negative() {
        let angle = Angle(Kernel::best());
        for vector in each(clustered(200, 100, 22)) {
            let point = point(&Quantised::encode(&vector).unwrap());
            assert!((0.0..1e-6).contains(&angle.eval(&point, &point)));
        }
        assert_eq!(angle.eval(&[1], &[1]), 2.0, "no room for a scale");
    }
}
