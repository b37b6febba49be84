//! Images and hits.

use std::path::PathBuf;

use glimpse_engine::{
    Engine, EngineError, Explanation, FileRole, Format, FrameHit, Hit, ImageId, Moment, Strength, nearest_city, seconds,
};
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
    /// A still image, an animation, or a video.
    pub kind: Kind,
    /// Length of an animation or a video in seconds.
    pub duration: Option<f64>,
    /// When the frame is shown, in seconds from the beginning: in an answer the frame that answers
    /// best, else the one that has this number. None of a still image.
    pub start: Option<f64>,
    /// Where the next shot begins, or the video ends, in seconds.
    pub end: Option<f64>,
    /// This is a further frame of the video that has this number; all else is said of the video.
    #[schema(value_type = Option<u64>)]
    pub video: Option<ImageId>,
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
    /// Keywords from the file, a sidecar, or a user of this program.
    pub keywords: Vec<String>,
    /// Those that a user of this program gave, which alone can be taken away.
    pub own_tags: Vec<String>,
    /// What the model's decoder says of it, if the library was indexed with `--captions`.
    pub model_caption: Option<String>,
    /// It is a favourite.
    pub favourite: bool,
    /// It is hidden: searches and lists leave it out.
    pub hidden: bool,
    /// The file is cut off, and only a part of the image could be read.
    pub truncated: bool,
    /// The bytes of `path`, for programs on this machine.
    #[serde(skip)]
    #[schema(ignore)]
    pub file: PathBuf,
}

/// What an image is: still, or one of the kinds that have frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A still image.
    Image,
    /// A GIF or WebP that shows more than one image.
    Animation,
    /// A video.
    Video,
}

impl Kind {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Animation => "animation",
            Self::Video => "video",
        }
    }

    /// What an image of this format is, by its place in a video.
    pub fn of(format: Format, moment: Option<Moment>) -> Self {
        match moment {
            _ if format.is_video() => Self::Video,
            Some(_) => Self::Animation,
            None => Self::Image,
        }
    }
}

/// The frame of a video or an animation that answers best.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FrameView {
    /// Number of the frame, for its thumbnail, its heatmap and the like; that of the image for the
    /// first. None of a still image.
    #[schema(value_type = Option<u64>)]
    pub frame: Option<ImageId>,
    /// Its content: the `v` of its thumbnail.
    pub frame_content: Option<String>,
    /// Frames of the video at or above the cut; 1 of a still image.
    pub matching_frames: usize,
}

impl FrameView {
    /// The frame of a hit.
    pub fn of(frame: Option<&FrameHit>) -> Self {
        Self {
            frame: frame.map(|frame| frame.id),
            frame_content: frame.map(|frame| frame.content.to_string()),
            matching_frames: frame.map_or(1, |frame| frame.matching),
        }
    }
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
            kind: Kind::of(record.format, record.moment),
            duration: record.moment.map(|moment| seconds(moment.duration)),
            start: record.moment.map(|moment| seconds(moment.start)),
            end: record.moment.map(|moment| seconds(moment.end)),
            video: record.moment.and_then(|moment| moment.video),
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
            own_tags: engine.own_tags(&record.content),
            model_caption: record.model_caption,
            favourite: engine.is_favourite_image(id),
            hidden: engine.is_hidden(&record.content),
            truncated: record.truncated,
            file,
        })
    }

    /// The same at the moment of a frame.
    #[must_use]
    pub fn at(self, frame: Option<&FrameHit>) -> Self {
        match frame {
            Some(FrameHit { start, end, .. }) => Self { start: Some(*start), end: Some(*end), ..self },
            None => self,
        }
    }
}

/// An image that answers a query.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HitView {
    /// The image.
    #[serde(flatten)]
    pub image: ImageView,
    /// Of a video, what answers in it.
    #[serde(flatten)]
    pub frame: FrameView,
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
        let image = ImageView::read(engine, hit.id)?.at(hit.frame.as_ref());
        let frame = FrameView::of(hit.frame.as_ref());
        Ok(Self { image, frame, score: hit.score, strength: hit.strength, why: hit.why.clone() })
    }
}
