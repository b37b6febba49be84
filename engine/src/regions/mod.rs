//! Where things are: questions to the regions of pictures instead of pictures as a whole.
//!
//! ```text
//! text -> form.rs, parse.rs   things, counts, exclusions, relations
//!      -> scale.rs            each thing to a vector, and what its cosines with regions mean here
//!      -> find.rs             region index -> photos -> boxes -> the form's conditions      -> FindPage
//!      -> ground.rs           the same for one picture without a library
//!      -> grid.rs, boxes.rs   the patch grid, made when a picture is looked at: heatmaps, finer boxes
//! ```
//!
//! Boxes come from dense features alone. A decoder that reads expressions would refine them at the end of
//! [`crate::Engine::find`] and [`crate::Engine::ground`], where the few pictures that are shown have boxes and scores.

mod boxes;
mod constants;
mod find;
mod form;
mod grid;
mod ground;
mod locate;
mod parse;
mod query;
mod scale;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

pub use constants::{EXAMPLE, IMAGE_WEIGHT, REGION, WEAK};
pub(crate) use find::FindCache;
pub use form::{Form, Lies, MAX_COUNT, MAX_THINGS, Relation, Thing};
pub(crate) use grid::GridCache;
pub use grid::Heatmap;
pub use ground::{Grounded, GroundedThing};
pub use locate::{Located, Look, Phrase};
pub use query::{Example, FindPage, FindQuery, FoundBox, FoundPhoto, Target};
pub(crate) use scale::RegionCalibrator;
