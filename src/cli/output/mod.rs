//! What commands print: tables for people, lines for programs, images for terminals that can show
//! them.

mod hits;
mod lines;
mod table;
mod text;
mod thumbnails;

pub use hits::{Matches, name_at, print_hits, size_of, strength_style};
pub use lines::{write_json, write_path};
pub use table::Table;
pub use text::{count, printable, printable_lines};
pub use thumbnails::Thumbnails;
