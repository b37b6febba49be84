//! Where things are: questions to the regions of images instead of images as a whole.
//!
//! ```text
//! text -> parse.rs            things, counts, exclusions, relations (structured_query.rs; format.rs writes them)
//!      -> suggest.rs          search texts that are such a query
//!      -> scale.rs            each thing to a vector, and what its cosines with regions mean here
//!      -> candidates.rs       region index -> images that may show all of them
//!      -> search.rs           things made ready to be looked for in one image after the other
//!      -> judge.rs            boxes of each thing in each of these images, and how likely they are what was asked
//!      -> assign.rs           one box for each thing, lying as asked
//!      -> find.rs             all of it                                                     -> FindPage
//!      -> found.rs            answers, remembered for their pages
//!      -> closest.rs          images below the cut, where few fulfil the form
//!      -> labelled.rs         what one image shows of many labels
//!      -> ground.rs           the same for one image without a library
//!      -> dense_features.rs, grid.rs  the patch grid, made when an image is looked at
//!      -> pixels.rs           the same in windows, for maps that are finer than patches
//!      -> close_look.rs, boxes.rs  what they say: heatmaps, finer boxes
//!      -> refine.rs           the finest boxes of the few that are shown, by these and the model's decoder
//! ```
//!
//! Which images are found, and how sure that is, comes from dense features alone: they are
//! comparable over a library.

mod assign;
mod boxes;
mod candidates;
mod close_look;
mod closest;
mod constants;
mod dense_features;
mod find;
mod form_words;
mod format;
pub(crate) mod found;
#[cfg(test)]
mod fuzz;
mod grid;
mod ground;
mod joined_and;
mod judge;
mod labelled;
mod native_form;
mod nearest;
mod parse;
mod patches;
mod phrase;
mod pixels;
mod query;
mod refine;
mod registers;
pub(crate) mod scale;
mod search;
mod stored;
mod structured_query;
mod suggest;
mod together;
mod turkish;
mod word_order;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

pub use close_look::Heatmap;
pub(crate) use find::no_regions;
pub(crate) use grid::{DenseImage, GridCache};
pub use ground::{Grounded, GroundedObject};
pub(crate) use labelled::LabelSearch;
pub use patches::PatchFeatures;
pub use phrase::{ImageFeatures, Phrase, PhraseGrounding};
pub(crate) use pixels::{PixelCache, PixelImage};
pub use query::{Example, FindPage, FindQuery, FoundBox, FoundImage, Target};
pub(crate) use scale::{Alone, QueryScorer};
pub use structured_query::{MAX_COUNT, MAX_OBJECTS, QueryObject, Relation, SpatialRelation, StructuredQuery};
