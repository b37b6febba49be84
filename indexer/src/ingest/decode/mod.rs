//! Files to pixels and facts: the stage that looks at files, reads and decodes them.

pub(crate) mod decoder;
pub(crate) mod frames;
pub(crate) mod hook;
pub(crate) mod image_decoder;
pub(crate) mod more_frames;
pub(crate) mod read;
pub(crate) mod stage;
