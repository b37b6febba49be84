//! What is left of a video or an animation behind its first frame.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use glimpse_encoder::image_file::animation::each_frame;
use glimpse_encoder::image_file::{DecodedImage, Format, Limits};
use glimpse_encoder::video::shots::{MOST_FRAMES, Shot, ShotFinder, luma_of};

use crate::{ContentHash, Moment};

/// The first frame's place in its video, and what is left.
pub(crate) struct FirstFrame {
    pub moment: Moment,
    pub more: Option<MoreFrames>,
}

/// Frames that are still to be decoded.
#[derive(Debug)]
pub(crate) struct MoreFrames {
    pub source: Source,
    /// That of the file.
    pub content: ContentHash,
    pub size: (u32, u32),
    pub format: Format,
    /// As [`crate::ImageRecord::orientation`].
    pub orientation: Option<u8>,
    pub shots: Vec<Shot>,
    pub duration: Duration,
}

/// Where frames come from.
#[derive(Debug)]
pub(crate) enum Source {
    Video(PathBuf),
    Animation(Vec<u8>),
}

impl FirstFrame {
    /// Of a file in memory; `None` if it shows one image only.
    pub fn of_animation(
        bytes: &[u8],
        image: &DecodedImage,
        (content, orientation): (ContentHash, Option<u8>),
        limits: &Limits,
    ) -> Option<Self> {
        let (size, format) = (image.size, image.format);
        if !format.may_be_animated() {
            return None;
        }
        let (mut finder, mut frames, mut end) = (ShotFinder::default(), 0, Duration::ZERO);
        // A damaged rest costs what follows it, not what was read.
        let _ = each_frame(bytes, limits, |frame| {
            finder.look(frame.start, &luma_of(&frame.pixels));
            (frames, end) = (frames + 1, frame.end);
            ControlFlow::Continue(())
        });
        if frames < 2 {
            return None;
        }
        let source = || Source::Animation(bytes.to_vec());
        Some(Self::of(finder.finish(end, MOST_FRAMES), end, |shots, duration| MoreFrames {
            source: source(),
            content,
            size,
            format,
            orientation,
            shots,
            duration,
        }))
    }

    /// Of the shots of a video of that length; `more` makes what is left, if there is anything.
    pub fn of(mut shots: Vec<Shot>, duration: Duration, more: impl FnOnce(Vec<Shot>, Duration) -> MoreFrames) -> Self {
        let rest = if shots.is_empty() { Vec::new() } else { shots.split_off(1) };
        let (start, end) = shots.first().map_or((Duration::ZERO, duration), |shot| (shot.start, shot.end));
        let moment = Moment {
            video: None,
            start: micros(start),
            end: micros(end),
            duration: micros(duration),
            complete: rest.is_empty(),
        };
        Self { moment, more: (!rest.is_empty()).then(|| more(rest, duration)) }
    }
}

impl MoreFrames {
    /// The place of the frame of a shot; the writer knows of which image.
    pub fn moment(&self, shot: &Shot) -> Moment {
        let (start, end, duration) = (micros(shot.start), micros(shot.end), micros(self.duration));
        Moment { video: None, start, end, duration, complete: false }
    }
}

/// A time as records keep it.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
