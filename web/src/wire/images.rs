//! Images and hits.

use std::path::PathBuf;

use glimpse_engine::{Engine, EngineError, Explanation, FileRole, Format, Hit, ImageId, Strength, nearest_city};
use serde::Serialize;
use utoipa::ToSchema;

use super::format_taken;
use super::names;
use super::paths::shown;

/// An image of the library.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ImageView {
    /// Its number.
    #[schema(value_type = u64)]
    pub id: ImageId,
    /// A file that holds it, a present one if there is one.
    pub path: String,
    /// All files that hold it and are present.
    pub files: Vec<String>,
    /// Other files of the same shot that are present.
    pub companions: Vec<CompanionView>,
    /// Hash of the bytes: changes exactly when the image does.
    pub content: String,
    /// EXIF orientation, 1 to 8, that a sidecar gives the image in place of the file's own:
    /// thumbnails, sizes and boxes follow it, the original is the file as it is.
    pub orientation: Option<u8>,
    /// File format.
    #[schema(value_type = names::Format)]
    pub format: Format,
    /// Browsers show the file as it is; of others, a large thumbnail is for looking at.
    pub shown_by_browsers: bool,
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// Size of the file.
    pub bytes: u64,
    /// When it was taken, on the camera's clock: `2024-05-17T18:30:00`.
    pub taken: Option<String>,
    /// Camera make and model.
    pub camera: Option<String>,
    /// Name of the lens.
    pub lens: Option<String>,
    /// Focal length in millimetres.
    pub focal_length: Option<f32>,
    /// The f-number.
    pub aperture: Option<f32>,
    /// Exposure time in seconds.
    pub exposure_time: Option<f32>,
    /// Sensitivity (ISO).
    pub iso: Option<u32>,
    /// Rating from XMP or a sidecar, 0 to 5.
    #[schema(minimum = 0, maximum = 5)]
    pub rating: Option<u8>,
    /// Where it was taken.
    pub place: Option<PlaceView>,
    /// The nearest city within 50 km of the place, as GeoNames spells it.
    pub place_name: Option<String>,
    /// The country of that city (ISO 3166-1 alpha-2).
    #[schema(min_length = 2, max_length = 2)]
    pub country: Option<String>,
    /// Caption from XMP or a sidecar.
    pub caption: Option<String>,
    /// Keywords from XMP or a sidecar.
    pub keywords: Vec<String>,
    /// What the model's decoder says of it, if the library was indexed with `--captions`.
    pub model_caption: Option<String>,
    /// It is a favourite.
    pub favourite: bool,
    /// The file is cut off, and only a part of the image could be read.
    pub truncated: bool,
    /// The bytes of `path`, for programs on this machine.
    #[serde(skip)]
    #[schema(ignore)]
    pub file: PathBuf,
}

/// A file that belongs to an image and does not hold it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CompanionView {
    /// The file.
    pub path: String,
    /// What it is to the image.
    #[schema(value_type = names::FileRole)]
    pub role: FileRole,
}

/// A point on earth, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PlaceView {
    pub latitude: f64,
    pub longitude: f64,
}

impl ImageView {
    /// Reads what the library knows of an image.
    ///
    /// # Errors
    /// If the image is not in the library or the library fails.
    pub fn read(engine: &Engine, id: ImageId) -> Result<Self, EngineError> {
        let record = engine.image(id)?;
        let files = engine.files_of(id)?;
        let companions = engine.companions_of(id)?.into_iter().filter(|file| !file.missing);
        let file = files.first().map(|file| file.path.clone()).unwrap_or_default();
        let present = files.iter().filter(|file| !file.missing);
        let city = record.place.and_then(nearest_city);
        let exposure = record.exposure;
        Ok(Self {
            id,
            path: shown(&file),
            files: present.map(|file| shown(&file.path)).collect(),
            companions: companions.map(|file| CompanionView { path: shown(&file.path), role: file.role }).collect(),
            content: record.content.to_string(),
            orientation: record.orientation,
            format: record.format,
            shown_by_browsers: record.format.is_shown_by_browsers(),
            width: record.width,
            height: record.height,
            bytes: record.bytes,
            taken: record.taken.and_then(format_taken),
            camera: record.camera,
            place: record.place.map(|place| PlaceView { latitude: place.latitude, longitude: place.longitude }),
            lens: exposure.lens,
            focal_length: exposure.focal_length,
            aperture: exposure.aperture,
            exposure_time: exposure.exposure_time,
            iso: exposure.iso,
            rating: record.rating,
            place_name: city.map(|city| city.name.to_owned()),
            country: city.map(|city| city.country.to_owned()),
            caption: record.caption,
            keywords: record.keywords,
            model_caption: record.model_caption,
            favourite: engine.is_favourite(&record.content),
            truncated: record.truncated,
            file,
        })
    }
}

/// An image that answers a query.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HitView {
    /// The image.
    #[serde(flatten)]
    pub image: ImageView,
    /// Calibrated probability, 0 to 1.
    pub score: f32,
    /// The same in words: `strong`, `likely` or `weak`.
    #[schema(value_type = names::Strength)]
    pub strength: Strength,
    /// The parts of the score.
    #[schema(value_type = names::Explanation)]
    pub why: Explanation,
}

impl HitView {
    /// A hit with what the library knows of its image.
    ///
    /// # Errors
    /// If the library fails.
    pub fn read(engine: &Engine, hit: &Hit) -> Result<Self, EngineError> {
        let image = ImageView::read(engine, hit.id)?;
        Ok(Self { image, score: hit.score, strength: hit.strength, why: hit.why.clone() })
    }
}
