//! Handlers, one module for each kind of thing. They translate between HTTP and the engine, and
//! decide nothing.

pub mod albums;
pub mod caption;
pub mod changes;
pub mod downloads;
pub mod feedback;
mod file;
pub mod find;
pub mod folder_tree;
pub mod forms;
#[cfg(test)]
mod fuzz;
pub mod groups;
pub mod image_tags;
pub mod images;
pub mod jobs;
pub mod library;
pub mod map;
pub mod marks;
pub mod page;
mod region_forms;
pub mod region_tags;
pub mod regions;
pub mod reveal;
pub mod roots;
pub mod search;
pub mod segment;
pub mod sidecars;
pub mod status;
pub mod suggest;
pub mod tags;
pub mod timeline;
pub mod trash;
pub mod uploads;
