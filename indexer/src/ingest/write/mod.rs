//! The stage that changes the index: files become records, and what is gone is marked or forgotten.

pub(crate) mod holders;
pub(crate) mod losses;
pub(crate) mod reconcile;
pub(crate) mod report;
pub(crate) mod stage;
