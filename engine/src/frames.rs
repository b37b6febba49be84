//! Videos and animations: hits are frames, answers are videos.
//!
//! Vectors and regions are those of frames, so that whatever ranks images ranks frames. An answer
//! names each video once, at its best frame (`best_frame.rs`); whatever is done with an image is
//! done with the video that it stands for.

use std::time::Duration;

use glimpse_encoder::image_file::animation::frame_at;
use glimpse_encoder::image_file::{DecodedImage, Format, Limits};
use glimpse_encoder::video::{Patience, Tools, VideoError, VideoFile};
use glimpse_indexer::{ContentHash, ImageId, ImageRecord, Index, IndexError, Moment};
use image::RgbImage;

use crate::best_frame::seconds;
use crate::{Engine, EngineError, ImageBytes};

/// How long a frame may take that somebody waits for.
const FRAME_TIME: Duration = Duration::from_secs(30);

/// A frame of a video or an animation.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its own number; that of the video for the first frame.
    pub id: ImageId,
    /// Its own content.
    pub content: ContentHash,
    /// When it is shown, in seconds.
    pub start: f64,
    /// Where the next shot begins, or the video ends, in seconds.
    pub end: f64,
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
}

impl Engine {
    /// True if programs are there that read videos.
    pub fn reads_videos(&self) -> bool {
        Tools::find().is_ok()
    }

    /// The image that stands for the video of a frame; of any other image, that image.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn video_of(&self, id: ImageId) -> Result<ImageId, EngineError> {
        Ok(self.serving()?.video_of(id))
    }

    /// All frames of the video that an image stands for or is a frame of, in order of time; of an
    /// image that is none, the image at 0 seconds.
    ///
    /// # Errors
    /// [`IndexError::NoSuchImage`].
    pub fn frames(&self, id: ImageId) -> Result<Vec<Frame>, EngineError> {
        let index = self.serving()?;
        let tiles = index.tiles(index.frames_of(index.video_of(id)));
        if tiles.is_empty() {
            return Err(IndexError::NoSuchImage(id).into());
        }
        let frames = tiles.into_iter().map(|tile| Frame {
            id: tile.id,
            content: tile.content,
            start: tile.moment.map_or(0.0, |moment| seconds(moment.start)),
            end: tile.moment.map_or(0.0, |moment| seconds(moment.end)),
            width: tile.width,
            height: tile.height,
        });
        Ok(frames.collect())
    }

    /// The record of an image with all facts that its video has for it.
    pub(crate) fn record_of(&self, index: &Index, id: ImageId) -> Result<ImageRecord, EngineError> {
        let record = index.image(id)?.ok_or(IndexError::NoSuchImage(id))?;
        let Some(Moment { video: Some(video), .. }) = record.moment else { return Ok(record) };
        let whole = index.image(video)?.ok_or(IndexError::NoSuchImage(video))?;
        let ImageRecord { content, moment, width, height, .. } = record;
        Ok(ImageRecord { id, content, moment, width, height, model_caption: None, ..whole })
    }

    /// A frame of a video, or one further on of an animation, as the bytes of an image of its own:
    /// the file is not that of an image.
    pub(crate) fn frame_bytes(&self, record: &ImageRecord) -> Result<ImageBytes<'static>, EngineError> {
        let moment = record.moment.ok_or(IndexError::NoSuchImage(record.id))?;
        let at = Duration::from_micros(moment.start);
        let video = self.record_of(&*self.serving()?, moment.video.unwrap_or(record.id))?;
        let pixels = if record.format.is_video() {
            self.first_copy(&video, |file| {
                self.open_unchanged(&video, file)?;
                let image = decode_at(record, &file.path, at)?;
                self.open_unchanged(&video, file)?; // what was decoded is what was looked at
                Ok(image.pixels)
            })?
        } else {
            let whole = self.original_bytes(video.id)?;
            let found = frame_at(&whole.bytes, &Limits::default(), at);
            let found = found.map_err(glimpse_encoder::EncodeError::from)?;
            let pixels = found.ok_or_else(|| EngineError::BadRequest(format!("frame {} is not there", record.id)))?;
            let image = DecodedImage {
                size: pixels.dimensions(),
                pixels,
                format: Format::Png,
                orientation: 1,
                truncated: false,
            };
            whole.orientation.into_iter().fold(image, DecodedImage::reoriented).pixels
        };
        Ok(ImageBytes::alone(bitmap(&pixels)?))
    }
}

fn decode_at(record: &ImageRecord, path: &std::path::Path, at: Duration) -> Result<DecodedImage, EngineError> {
    let failed = |error: VideoError| match error {
        VideoError::Image(error) => glimpse_encoder::EncodeError::from(error).into(),
        error => EngineError::BadRequest(format!("{}: {error}", path.display())),
    };
    let (tools, file) = (Tools::find().map_err(failed)?, VideoFile { path, format: record.format });
    let frame = ((record.width, record.height), at);
    tools.frame(file, frame, None, Patience::of(FRAME_TIME)).map_err(failed)
}

/// An image without loss, which costs little to write and to read.
fn bitmap(pixels: &RgbImage) -> Result<Vec<u8>, EngineError> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let written = pixels.write_to(&mut bytes, image::ImageFormat::Bmp);
    written.map_err(|error| EngineError::BadRequest(format!("this frame cannot be kept: {error}")))?;
    Ok(bytes.into_inner())
}
