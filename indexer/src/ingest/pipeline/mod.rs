//! The stages side by side, what goes from one to the next, and what they share.

pub(crate) mod budget;
pub(crate) mod claims;
pub(crate) mod guard;
pub(crate) mod item;
pub(crate) mod shared;
pub(crate) mod stages;
