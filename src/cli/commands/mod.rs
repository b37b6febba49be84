//! One file for each command: resolve its arguments, ask the engine, print.

pub mod album;
pub mod caption;
pub mod completions;
pub mod demo;
pub mod dups;
pub mod embed;
pub mod favourite;
pub mod feedback;
pub mod find;
pub mod ground;
pub mod index;
pub mod marks;
pub mod model;
pub mod roots;
pub mod search;
pub mod segment;
pub mod serve;
pub mod similar;
pub mod stats;
pub mod tag;
pub mod tune;
#[cfg(feature = "milvus")]
pub mod vectors;
pub mod verify;
pub mod worker;
