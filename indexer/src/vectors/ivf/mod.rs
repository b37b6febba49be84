//! Parts of an inverted file (IVF): cells around centroids, and codes of a few bits a component
//! that say nearly how like a query each vector of a cell is.
//!
//! - [`Centroids`]: k-means in two levels over a sample, so that a vector's cell is found among the
//!   cells of a few groups.
//! - [`Coder`]: what a vector is beside its centroid, turned by a random [`Rotation`] and rounded
//!   to a few bits a component, with what RaBitQ (Gao and Long, SIGMOD 2024; with more than one
//!   bit, SIGMOD 2025) keeps beside: a factor that makes estimates unbiased, and a bound of their
//!   error.
//!
//! - [`RowCoder`]: vectors in six bits a component, turned as well, by which the codes' candidates
//!   are put in order.
//!
//! Lists of codes, and where they lie, belong to whoever has the vectors.

mod centroids;
mod coder;
mod random;
mod rotation;
mod rows;

pub(crate) use centroids::{Centroids, Sample};
pub(crate) use coder::{CodeQuery, Coder, Scratch};
use random::Random;
use rotation::Rotation;
pub(crate) use rows::{RowCoder, RowQuery};
