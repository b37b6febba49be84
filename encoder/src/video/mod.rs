//! Videos: what they are, their shots, and single frames, by `ffmpeg` and `ffprobe` as programs
//! beside this one, if they are on `PATH`.
//!
//! A library of decoders for all that cameras write is large, written in C, and meets files of
//! strangers; as a process of its own it may crash, hang or take too much memory at the cost of one
//! video ([`process`]). It is told which container to expect, by our own look at the first bytes,
//! and may open nothing but the one file: no playlist, no address.

mod arguments;
mod probe;
mod process;
pub mod shots;

use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use image::RgbImage;

pub use probe::VideoFacts;
pub use process::Patience;
use shots::{Luma, SIDE, Shot, ShotFinder};

use crate::image_file::{DecodedImage, Format, ImageError, Limits};

/// How long it counts where they are, or that they are not there: who installs them while a server
/// runs need not start it anew.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What to do where they are missing.
pub const REMEDY: &str = "a video; install ffmpeg (with ffprobe) to have its frames found, then index again";

/// Why a video gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// The programs are not on `PATH`.
    #[error("{REMEDY}")]
    NoTools,
    /// A program could not be run.
    #[error("{program}: {source}")]
    Program {
        /// The program.
        program: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It did not end in time.
    #[error("reading the video took longer than {} seconds, so it was given up; --image-timeout allows more", .0.as_secs())]
    TookTooLong(Duration),
    /// Nobody wants it any more.
    #[error("given up")]
    Cancelled,
    /// Nothing in it can be shown.
    #[error("{0}")]
    Unreadable(String),
    /// Beyond the limits.
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// The programs that read videos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
}

/// The shots of a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shots {
    /// In their order; at least one.
    pub shots: Vec<Shot>,
    /// Length of the video, as far as it can be read.
    pub duration: Duration,
    /// The file is cut off, and only a part of the video could be read.
    pub truncated: bool,
}

/// A video file, and what it begins like.
#[derive(Debug, Clone, Copy)]
pub struct VideoFile<'a> {
    /// Where it is; absolute.
    pub path: &'a Path,
    /// Its container.
    pub format: Format,
}

impl Tools {
    /// The programs on `PATH`. What was found is remembered for a while, so that a frame costs no
    /// look into each folder of it.
    ///
    /// # Errors
    /// [`VideoError::NoTools`], which says what to do.
    pub fn find() -> Result<Self, VideoError> {
        static FOUND: Mutex<Option<(Instant, Option<Tools>)>> = Mutex::new(None);
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        let tools = match found.take().filter(|(looked, _)| looked.elapsed() < LOOK_AGAIN) {
            Some((looked, tools)) => found.insert((looked, tools)),
            None => found.insert((Instant::now(), Self::on(&std::env::var_os("PATH").unwrap_or_default()))),
        };
        tools.1.clone().ok_or(VideoError::NoTools)
    }

    /// The programs in the folders of a `PATH`.
    fn on(path: &OsStr) -> Option<Self> {
        let named = |name: &str| {
            let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
            let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
            folders.map(|folder| folder.join(&name)).find(|program| program.is_file())
        };
        Some(Self { ffmpeg: named("ffmpeg")?, ffprobe: named("ffprobe")? })
    }

    /// What a video is.
    ///
    /// # Errors
    /// [`VideoError`], also for a file that holds no images, and for images beyond the limits.
    pub fn facts(
        &self,
        file: VideoFile<'_>,
        limits: &Limits,
        patience: Patience<'_>,
    ) -> Result<VideoFacts, VideoError> {
        let mut json = Vec::new();
        let take = |bytes: &[u8]| {
            json.extend_from_slice(bytes);
            if json.len() > MOST_JSON { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let ended = process::run(&self.ffprobe, &arguments::facts(file), patience, take)?;
        let facts = probe::parse(&json).ok_or_else(|| unreadable(&ended.said, "no images in it"))?;
        let (width, height) = facts.size;
        limits.check(width, height, BYTES_PER_PIXEL * u64::from(width) * u64::from(height))?;
        Ok(facts)
    }

    /// The shots of a video, `most` of them at most. Sync frames are decoded, no others.
    ///
    /// # Errors
    /// [`VideoError`], also if not even one frame can be read.
    pub fn shots(
        &self,
        file: VideoFile<'_>,
        facts: &VideoFacts,
        most: usize,
        patience: Patience<'_>,
    ) -> Result<Shots, VideoError> {
        let mut pixels = Vec::new();
        let take = |bytes: &[u8]| {
            pixels.extend_from_slice(bytes);
            if pixels.len() > MOST_SYNC_FRAMES * LUMA { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let ended = process::run(&self.ffmpeg, &arguments::sync_frames(file), patience, take)?;
        let times: Vec<Duration> = ended.said.lines().filter_map(time_of).collect();
        let mut finder = ShotFinder::default();
        let (lumas, _) = pixels.as_chunks::<LUMA>();
        let seen = times.iter().zip(lumas).map(|(&at, luma): (_, &Luma)| finder.look(at, luma)).count();
        let Some(&last) = times.get(seen.wrapping_sub(1)) else {
            return Err(unreadable(&ended.said, "no frame of it can be read"));
        };
        let truncated = !ended.is_success || CUT_OFF.iter().any(|words| ended.said.contains(words));
        let told = facts.duration.unwrap_or(last).max(last);
        // Behind the last frame that was read there may be nothing.
        let duration = if truncated { told.min(last + Duration::from_secs(2)) } else { told };
        Ok(Shots { shots: finder.finish(duration, most), duration, truncated })
    }

    /// The frame that is shown at a time: upright, its shorter side not below `least` pixels if the
    /// video's is not.
    ///
    /// # Errors
    /// [`VideoError`], also if there is no such frame.
    pub fn frame(
        &self,
        file: VideoFile<'_>,
        (size, at): ((u32, u32), Duration),
        least: Option<u32>,
        patience: Patience<'_>,
    ) -> Result<DecodedImage, VideoError> {
        let (width, height) = reduced(size, least);
        let expected = 3 * width as usize * height as usize;
        let mut pixels = Vec::new();
        let take = |bytes: &[u8]| {
            pixels.extend_from_slice(bytes);
            if pixels.len() >= expected { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let ended = process::run(&self.ffmpeg, &arguments::frame(file, at, (width, height)), patience, take)?;
        pixels.truncate(expected);
        let image = RgbImage::from_raw(width, height, pixels);
        let pixels = image.ok_or_else(|| unreadable(&ended.said, "this frame of it cannot be read"))?;
        Ok(DecodedImage { pixels, size, format: file.format, orientation: 1, truncated: false })
    }
}

const LUMA: usize = (SIDE * SIDE) as usize;
/// Most sync frames that are looked at: a day of them, two in a second.
const MOST_SYNC_FRAMES: usize = 2 * 86_400;
const MOST_JSON: usize = 4 << 20;
/// What a decoder may hold of one frame.
const BYTES_PER_PIXEL: u64 = 4;
/// What ffmpeg says of files that end too early.
const CUT_OFF: [&str; 4] = ["partial file", "File ended prematurely", "Truncating packet", "end of file reached"];

/// When the frame is shown that a line of the filter `showinfo` is about; its clock counts
/// microseconds.
fn time_of(line: &str) -> Option<Duration> {
    let (_, rest) = line.strip_prefix("[Parsed_showinfo")?.split_once("] n:")?;
    let (_, rest) = rest.split_once(" pts:")?;
    let micros = rest.split_whitespace().next()?.parse::<i64>().ok()?;
    Some(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
}

/// The size at which a frame is asked for.
fn reduced((width, height): (u32, u32), least: Option<u32>) -> (u32, u32) {
    let shorter = width.min(height).max(1);
    let Some(least) = least.filter(|least| *least < shorter) else { return (width, height) };
    let side = |length: u32| ((u64::from(length) * u64::from(least.max(1))).div_ceil(u64::from(shorter)) as u32).max(1);
    (side(width), side(height))
}

/// The last thing that a program said, without where it comes from; else `otherwise`.
fn unreadable(said: &str, otherwise: &str) -> VideoError {
    let about_it = |line: &&str| !line.is_empty() && !line.starts_with("[Parsed_") && line.len() < 300;
    let last = said.lines().map(str::trim).filter(about_it).filter_map(|line| line.strip_prefix("file:")).next_back();
    let reason = last.and_then(|line| line.rsplit_once(": ")).map(|(_, reason)| reason);
    VideoError::Unreadable(match reason {
        Some(reason) => format!("damaged video: {otherwise} ({reason})"),
        None => format!("damaged video: {otherwise}"),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_folders_of_the_path_if_both_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        let path = std::env::join_paths([Path::new("."), &first, &second]).unwrap();
        let put = |folder: &Path, name: &str| {
            std::fs::create_dir_all(folder).unwrap();
            let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            std::fs::write(&program, "").unwrap();
            program
        };
        let ffmpeg = put(&second, "ffmpeg");
        assert_eq!(Tools::on(&path), None);
        let ffprobe = put(&first, "ffprobe");
        assert_eq!(Tools::on(&path), Some(Tools { ffmpeg, ffprobe }));
        assert_eq!(Tools::on(OsStr::new("")), None);
    }

    #[test]
    fn times_are_read_from_what_the_filter_says() {
        let line = "[Parsed_showinfo_3 @ 0x5607] n:   2 pts:4000000 pts_time:4       pos:     1504 fmt:gray";
        assert_eq!(time_of(line), Some(Duration::from_secs(4)));
        assert_eq!(time_of("[Parsed_showinfo_3 @ 0x5607] config in time_base: 1/1000000"), None);
        assert_eq!(time_of("    title: [Parsed_showinfo_3 @ 0x] n: 1 pts: 5"), None, "what a file says of itself");
        assert_eq!(time_of("[Parsed_showinfo_3 @ 0x] n: 1 pts: -40000 "), Some(Duration::ZERO));
    }

    #[test]
    fn frames_keep_what_the_shorter_side_needs() {
        assert_eq!(reduced((1920, 1080), Some(540)), (960, 540));
        assert_eq!(reduced((1080, 1920), Some(100)), (100, 178));
        assert_eq!([reduced((64, 48), Some(48)), reduced((64, 48), None)], [(64, 48); 2]);
    }

    #[test]
    fn reasons_are_those_of_the_program_without_names() {
        let said = "[mov @ 0x1] moov atom not found\nfile:/a/b: c.mp4: Invalid data found when processing input\n";
        let reason = unreadable(said, "no images in it").to_string();
        assert_eq!(reason, "damaged video: no images in it (Invalid data found when processing input)");
        assert_eq!(unreadable("", "no frame").to_string(), "damaged video: no frame");
    }
}
