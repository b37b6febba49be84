//! Handlers: they translate between HTTP and the engine, and decide nothing.

pub mod images;
pub mod page;
pub mod search;
pub mod status;
