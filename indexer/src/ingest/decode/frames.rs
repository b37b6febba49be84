//! Frames of videos and animations: the first is decoded as an image is, the others behind it, one
//! after the other, so that a film takes no more memory than a few images.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use glimpse_encoder::dense::Views;
use glimpse_encoder::image_file::animation::{each_frame, frame_at};
use glimpse_encoder::image_file::{DecodedImage, Format};
use glimpse_encoder::video::shots::{MOST_FRAMES, Shot};
use glimpse_encoder::video::{Patience, Tools, VideoError, VideoFacts, VideoFile};

use super::decoder::{Decoded, Decoder, ImageFile};
use super::more_frames::{FirstFrame, MoreFrames, Source, micros};
use super::read::Unread;
use crate::ingest::metadata::{self, Metadata};
use crate::{ContentHash, FileRecord, Moment, Reason, ReasonCode};

/// Looking for shots goes through the whole file: it may take so often what one image may.
const PASS: u32 = 10;
/// Bytes that are held of each pixel of a frame.
const BYTES_PER_PIXEL: u64 = 4;

/// A frame as the encoder reads it.
pub(crate) struct NextFrame {
    pub content: ContentHash,
    pub moment: Moment,
    pub views: Views,
}

impl Decoder<'_> {
    /// As [`Decoder::decode`] for a video: its first frame, and which others there are.
    pub(crate) fn decode_video(
        &self,
        path: &Path,
        file: &ImageFile<'_>,
        makes_regions: bool,
    ) -> Result<Decoded, Unread> {
        let begun = Instant::now();
        let (tools, of_file) = (Tools::find().map_err(unread)?, VideoFile { path, format: file.format });
        let facts = self.video_facts(&tools, of_file)?;
        let _memory = self.pixels.take(pixels_of(facts.size) * BYTES_PER_PIXEL);
        let pass = Patience { time: self.options.image_timeout * PASS, is_over: self.is_over };
        let found = tools.shots(of_file, &facts, MOST_FRAMES, pass).map_err(unread)?;
        let first = FirstFrame::of(found.shots, found.duration, |shots, duration| MoreFrames {
            source: Source::Video(path.to_path_buf()),
            content: file.content,
            size: facts.size,
            format: file.format,
            orientation: None,
            shots,
            duration,
        });
        let at = Duration::from_micros(first.moment.start);
        let image = self.video_frame(&tools, of_file, (facts.size, at), makes_regions)?;
        let views = self.views(&image, makes_regions)?;
        self.options.on_image.call(&file.content, &image);
        self.decoding.fetch_add(begun.elapsed().as_nanos() as u64, Relaxed);
        Ok(Decoded {
            views,
            size: facts.size,
            truncated: found.truncated,
            metadata: metadata::of_video(&facts),
            moment: Some(first.moment),
            more: first.more,
        })
    }

    /// What a video says of itself.
    pub(crate) fn metadata_of_video(&self, path: &Path, format: Format) -> Result<Metadata, Unread> {
        // What is known of it stays as it is where the programs are away.
        let tools = Tools::find().map_err(|error| Unread::Failed(error.into()))?;
        Ok(metadata::of_video(&self.video_facts(&tools, VideoFile { path, format })?))
    }

    /// One frame of a video or an animation that is known, as the model reads it.
    pub fn frame(
        &self,
        path: &Path,
        file: &ImageFile<'_>,
        (size, start): ((u32, u32), u64),
        makes_regions: bool,
    ) -> Result<Views, Unread> {
        let at = Duration::from_micros(start);
        if file.format.is_video() {
            return self.frame_of_video(path, file.format, (size, at), makes_regions);
        }
        let found = frame_at(&file.bytes, &self.options.limits, at);
        let found = found.map_err(|error| Unread::Skipped(error.into()))?;
        let pixels =
            found.ok_or_else(|| Unread::Skipped(Reason::new(ReasonCode::Damaged, "this frame of it is not there")))?;
        let image = DecodedImage { pixels, size, format: file.format, orientation: 1, truncated: false };
        self.views(&upright(image, file.orientation), makes_regions)
    }

    /// As [`Decoder::frame`] of a video whose file is known to be what was indexed by its times, so
    /// that it need not be read as a whole; `None` for any other.
    pub fn frame_of_unchanged(
        &self,
        file: &FileRecord,
        format: Format,
        (size, start): ((u32, u32), u64),
        makes_regions: bool,
    ) -> Option<Result<Views, Unread>> {
        let known = file.clone();
        let is_known = move || {
            let facts = std::fs::metadata(&known.path);
            Ok(known.changed != 0 && facts.is_ok_and(|facts| known.is_unchanged(&facts)))
        };
        let is_known = format.is_video() && self.call(&file.path, "reading", is_known).unwrap_or(false);
        is_known.then(|| self.frame_of_video(&file.path, format, (size, Duration::from_micros(start)), makes_regions))
    }

    fn frame_of_video(
        &self,
        path: &Path,
        format: Format,
        frame: ((u32, u32), Duration),
        makes_regions: bool,
    ) -> Result<Views, Unread> {
        let tools = Tools::find().map_err(unread)?;
        let image = self.video_frame(&tools, VideoFile { path, format }, frame, makes_regions)?;
        self.views(&image, makes_regions)
    }

    /// Decodes frame after frame of those that are `wanted` by their content, until `take` wants no
    /// more. One that cannot be read is left out. `false` if the run is over.
    pub fn each_more(
        &self,
        more: &MoreFrames,
        makes_regions: bool,
        wanted: impl Fn(&ContentHash) -> bool,
        mut take: impl FnMut(NextFrame) -> bool,
    ) -> bool {
        let shots = more.shots.iter().filter(|shot| wanted(&more.content.of_frame(micros(shot.start))));
        let _memory = self.pixels.take(pixels_of(more.size) * BYTES_PER_PIXEL);
        let mut next = |shot: &Shot, image: DecodedImage| {
            let content = more.content.of_frame(micros(shot.start));
            let Ok(views) = self.views(&image, makes_regions) else { return true };
            self.options.on_image.call(&content, &image);
            take(NextFrame { content, moment: more.moment(shot), views })
        };
        match &more.source {
            Source::Video(path) => {
                let file = VideoFile { path, format: more.format };
                let Ok(tools) = Tools::find() else { return false };
                for shot in shots {
                    let begun = Instant::now();
                    let image = self.video_frame(&tools, file, (more.size, shot.start), makes_regions);
                    self.decoding.fetch_add(begun.elapsed().as_nanos() as u64, Relaxed);
                    let goes_on = match image {
                        Ok(image) => next(shot, image),
                        Err(Unread::Cancelled) => false,
                        Err(_) => !(self.is_over)(),
                    };
                    if !goes_on {
                        return false;
                    }
                }
                true
            }
            Source::Animation(bytes) => {
                let (mut shots, mut goes_on) = (shots.peekable(), true);
                let _ = each_frame(bytes, &self.options.limits, |frame| {
                    if let Some(shot) = shots.next_if(|shot| shot.start == frame.start) {
                        let (size, format) = (more.size, more.format);
                        let image =
                            DecodedImage { pixels: frame.pixels, size, format, orientation: 1, truncated: false };
                        goes_on = next(shot, upright(image, more.orientation));
                    }
                    if goes_on && shots.peek().is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                });
                goes_on
            }
        }
    }

    fn video_facts(&self, tools: &Tools, file: VideoFile<'_>) -> Result<VideoFacts, Unread> {
        tools.facts(file, &self.options.limits, self.patience()).map_err(unread)
    }

    fn video_frame(
        &self,
        tools: &Tools,
        file: VideoFile<'_>,
        frame: ((u32, u32), Duration),
        makes_regions: bool,
    ) -> Result<DecodedImage, Unread> {
        tools.frame(file, frame, Some(self.least(makes_regions)), self.patience()).map_err(unread)
    }

    fn patience(&self) -> Patience<'_> {
        Patience { time: self.options.image_timeout, is_over: self.is_over }
    }
}

/// Turned as a sidecar says.
fn upright(image: DecodedImage, orientation: Option<u8>) -> DecodedImage {
    let size = image.size;
    let turned = orientation.into_iter().fold(image, DecodedImage::reoriented);
    DecodedImage { size, ..turned }
}

fn pixels_of((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

fn unread(error: VideoError) -> Unread {
    match error {
        VideoError::Cancelled => Unread::Cancelled,
        VideoError::Program { .. } | VideoError::TookTooLong(_) => Unread::Failed(error.into()),
        VideoError::NoTools | VideoError::Unreadable(_) | VideoError::Image(_) => Unread::Skipped(error.into()),
    }
}
