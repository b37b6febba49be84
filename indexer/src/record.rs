//! What is stored of an image and of each file that holds it.

use std::path::PathBuf;

use glimpse_encoder::image_file::Format;

use crate::{ContentHash, ImageId};

/// A distinct image. Kept well under sled's comfortable 4 KiB: captions, keywords and descriptions
/// are cut.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRecord {
    /// Its number in this generation.
    pub id: ImageId,
    /// Hash of the bytes, and of `orientation` if there is one.
    pub content: ContentHash,
    /// EXIF orientation, 1 to 8, that a sidecar gives the image in place of its file's own.
    pub orientation: Option<u8>,
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// File format.
    pub format: Format,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// When it was taken: seconds since 1970 of the camera's own clock (EXIF has no reliable zone).
    pub taken: Option<i64>,
    /// Camera make and model.
    pub camera: Option<String>,
    /// Where it was taken.
    pub place: Option<Place>,
    /// Caption from XMP or a sidecar.
    pub caption: Option<String>,
    /// Keywords from XMP or a sidecar.
    pub keywords: Vec<String>,
    /// What the model's decoder says of it, if it was asked; kept apart from what people wrote.
    pub model_caption: Option<String>,
    /// The file is cut off, and only a part of the image could be read.
    pub truncated: bool,
    /// How the camera was set.
    pub exposure: Exposure,
    /// What people think of it, 0 to 5, from XMP or a sidecar.
    pub rating: Option<u8>,
    /// Its place in a video or an animation, whose other facts are those of the record that stands
    /// for it.
    pub moment: Option<Moment>,
}

impl ImageRecord {
    /// An image of which nothing is known but its content, its upright size in pixels, and the
    /// format and bytes of its file. It has no number of its own yet.
    pub fn bare(content: ContentHash, (width, height): (u32, u32), format: Format, bytes: u64) -> Self {
        Self {
            id: ImageId(0),
            content,
            orientation: None,
            width,
            height,
            format,
            bytes,
            taken: None,
            camera: None,
            place: None,
            caption: None,
            keywords: Vec::new(),
            model_caption: None,
            truncated: false,
            exposure: Exposure::default(),
            rating: None,
            moment: None,
        }
    }
}

/// The place of an image in a video or an animation: the shot that it stands for. Times are in
/// microseconds from the beginning.
///
/// The first frame stands for the whole: its record has the file, and every fact. Each further
/// frame is an image with a vector and regions, but without files, that goes with the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The image that stands for the whole; `None` if this one does.
    pub video: Option<ImageId>,
    /// When the frame is shown.
    pub start: u64,
    /// Where the next shot begins, or the video ends.
    pub end: u64,
    /// Length of the whole.
    pub duration: u64,
    /// All frames of it are in the index; of a further frame it says nothing.
    pub complete: bool,
}

/// How the camera was set when an image was taken. Numbers are finite and above 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exposure {
    /// The lens's name.
    pub lens: Option<String>,
    /// Millimetres, of the lens itself.
    pub focal_length: Option<f32>,
    /// The f-number.
    pub aperture: Option<f32>,
    /// Seconds.
    pub exposure_time: Option<f32>,
    /// Sensitivity as ISO 12232 counts it.
    pub iso: Option<u32>,
}

/// What it takes to lay an image out in a grid: kept in memory for all images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileFacts {
    /// Its number in this generation.
    pub id: ImageId,
    /// Hash of the bytes.
    pub content: ContentHash,
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// As [`ImageRecord::taken`].
    pub taken: Option<i64>,
    /// File format.
    pub format: Format,
    /// As [`ImageRecord::moment`].
    pub moment: Option<Moment>,
}

/// What files and sidecars say of an image and may tell later than when it is indexed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// As [`ImageRecord::taken`].
    pub taken: Option<i64>,
    /// As [`ImageRecord::place`].
    pub place: Option<Place>,
    /// As [`ImageRecord::caption`].
    pub caption: Option<String>,
    /// As [`ImageRecord::keywords`].
    pub keywords: Vec<String>,
    /// As [`ImageRecord::exposure`].
    pub exposure: Exposure,
    /// As [`ImageRecord::rating`].
    pub rating: Option<u8>,
}

/// A point on earth, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// North is positive.
    pub latitude: f64,
    /// East is positive.
    pub longitude: f64,
}

/// What a file is to its image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileRole {
    /// It holds the image: this is what is shown, encoded and searched.
    #[default]
    Primary,
    /// The raw file of the same shot.
    Raw,
    /// The video of a live photo.
    Motion,
    /// What the image was edited from.
    Original,
}

impl FileRole {
    /// True for a file that belongs to an image and does not hold it. Its content is not read.
    pub fn is_companion(self) -> bool {
        self != Self::Primary
    }

    /// `primary`, `raw`, `motion` or `original`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Raw => "raw",
            Self::Motion => "motion",
            Self::Original => "original",
        }
    }
}

/// A file that holds an image, or belongs to it as a companion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Absolute path.
    pub path: PathBuf,
    /// The image it holds or belongs to.
    pub image: ImageId,
    /// Which of the two.
    pub role: FileRole,
    /// Size in bytes when it was read.
    pub bytes: u64,
    /// Modification time when it was read, nanoseconds since 1970.
    pub modified: i64,
    /// When the file system last changed anything about it, which no program can set, nanoseconds
    /// since 1970; 0 where there is no such time, or it is not known.
    pub changed: i64,
    /// Newest modification time of its sidecars when they were read, nanoseconds since 1970; 0
    /// without sidecars.
    pub sidecar_modified: i64,
    /// The file was not there when its folder was last indexed.
    pub missing: bool,
}
