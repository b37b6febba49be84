//! The work of a run: files below the roots that may hold images, and images of the index that lack
//! something.

pub(crate) mod names;
pub(crate) mod pairs;
pub(crate) mod rebuild;
pub(crate) mod relevance;
pub(crate) mod roots;
pub(crate) mod rules;
pub(crate) mod scope;
pub(crate) mod settling;
pub(crate) mod source;
pub(crate) mod walk;
