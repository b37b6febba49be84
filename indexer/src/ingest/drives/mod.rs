//! Questions to the file system where the drive may hang, or be away.

pub(crate) mod calls;
pub(crate) mod detached;
pub(crate) mod devices;
pub(crate) mod disk;
