//! Pixels to vectors, regions and captions: the stage that talks to the model.

pub(crate) mod batches;
pub(crate) mod model;
pub(crate) mod regions;
pub(crate) mod stage;
pub(crate) mod workers;
