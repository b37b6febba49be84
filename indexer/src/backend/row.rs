//! What a server is fed of an image.

use std::path::PathBuf;

use glimpse_encoder::image_file::Format;

use crate::ImageId;

/// An image as a server holds it: its vector, those of its regions, and facts to filter by.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its number.
    pub id: ImageId,
    /// Its vector, of length 1.
    pub vector: Vec<f32>,
    /// Its regions in their order: the share of the image that each covers, and its vector.
    pub regions: Vec<(f32, Vec<f32>)>,
    /// The facts.
    pub facts: Facts,
    /// The server may hold it already, with more regions perhaps.
    pub is_known: bool,
}

/// Facts that searches are limited by.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// A file of it is present.
    pub present: bool,
    /// Seconds since 1970, camera clock.
    pub taken: Option<i64>,
    /// Folders that hold its present files.
    pub folders: Vec<PathBuf>,
    /// As its file names it.
    pub camera: Option<String>,
    /// Of its file.
    pub format: Format,
    /// Latitude and longitude in degrees.
    pub place: Option<(f64, f64)>,
}
