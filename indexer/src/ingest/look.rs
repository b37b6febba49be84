//! Looks at candidates: what is known by a stat ends here, the rest is read, and new pictures are decoded for the encoder.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use crossbeam_channel::Sender;
use glimpse_encoder::Encode;
use glimpse_encoder::dense::{DenseProfile, Views};
use glimpse_encoder::picture::{self, Format};
use image::ImageReader;

use super::budget::Budget;
use super::contents::{Claim, Contents};
use super::metadata::{self, Metadata, Words};
use super::pipeline::{Message, Outcome, guarded};
use super::read::{Stat, Unread, read};
use super::walk::Candidate;
use super::{FileEvent, IngestOptions};
use crate::{ContentHash, FileRecord, ImageId, ImageRecord, Index, IndexError};

/// A file whose bytes were read.
#[derive(Debug)]
pub(super) struct Known {
    pub path: PathBuf,
    pub stat: Stat,
    pub sidecar_modified: i64,
    pub content: ContentHash,
    /// Words from the file's own bytes.
    pub words: Words,
}

impl Known {
    /// The record of this file as one that holds `image`.
    pub fn record(&self, image: ImageId) -> FileRecord {
        FileRecord {
            path: self.path.clone(),
            image,
            bytes: self.stat.bytes,
            modified: self.stat.modified,
            sidecar_modified: self.sidecar_modified,
            missing: false,
        }
    }
}

/// A picture that the index does not know.
#[derive(Debug)]
pub(super) struct NewPicture {
    pub file: Known,
    /// Without number, caption and keywords.
    pub record: ImageRecord,
}

/// A new picture, ready for the encoder.
#[derive(Debug)]
pub(super) struct Fresh {
    pub picture: NewPicture,
    pub views: Views,
}

/// Bytes that a decoder holds per pixel: the deepest common format beside the result.
const BYTES_PER_PIXEL: u64 = 8;
/// Counted for a picture whose size only its decoder can tell.
const UNKNOWN_PIXELS: u64 = 64_000_000;

/// What the looking threads share.
pub(super) struct Looker<'a> {
    index: &'a Index,
    encoder: &'a dyn Encode,
    options: &'a IngestOptions,
    profile: &'a DenseProfile,
    contents: &'a Contents,
    /// Bytes of files in memory.
    files: Budget,
    /// Bytes of decoded pictures.
    pixels: Budget,
    /// Nanoseconds that all threads together spent on decoding and resizing.
    pub decoding: AtomicU64,
}

impl<'a> Looker<'a> {
    pub fn new(
        index: &'a Index,
        encoder: &'a dyn Encode,
        options: &'a IngestOptions,
        profile: &'a DenseProfile,
        contents: &'a Contents,
    ) -> Self {
        let budget = (256 << 20) + options.threads as u64 * (128 << 20);
        let (files, pixels) = (Budget::new(budget / 2), Budget::new(budget));
        Self { index, encoder, options, profile, contents, files, pixels, decoding: AtomicU64::new(0) }
    }

    /// Sends what becomes of a candidate to one of the next stages. `false` if they are gone.
    pub fn look(&self, candidate: Candidate, encode: &Sender<Fresh>, write: &Sender<Message>) -> bool {
        let path = candidate.path.clone();
        let mut claimed = None;
        let fate = guarded(|| self.fate(candidate, &mut claimed));
        let outcome = match fate.unwrap_or_else(|panic| Ok(Fate::Skipped(format!("reading it went wrong: {panic}")))) {
            Ok(Fate::Fresh(fresh)) => return encode.send(*fresh).is_ok(),
            Ok(Fate::Waits) => return true,
            Ok(Fate::Unchanged(file)) => return write.send(Message::Unchanged { path, back: file }).is_ok(),
            Ok(Fate::Known(file)) => return write.send(Message::Known(file)).is_ok(),
            Ok(Fate::Skipped(reason)) => Outcome::Skipped(reason),
            Ok(Fate::Failed(reason)) => Outcome::Failed(reason),
            Err(error) => return write.send(Message::Fatal(error)).is_ok(),
        };
        // Other files with the same bytes fare no better.
        let waited = claimed.map(|content| self.contents.settle(&content)).unwrap_or_default();
        let paths = std::iter::once(path).chain(waited.into_iter().map(|file| file.path));
        paths.into_iter().all(|path| write.send(Message::Lost { path, outcome: outcome.clone() }).is_ok())
    }

    /// `claimed` is the content that the caller must settle if the file comes to nothing.
    fn fate(&self, candidate: Candidate, claimed: &mut Option<ContentHash>) -> Result<Fate, IndexError> {
        if let Some(record) = self.index.file(&candidate.path)?
            && record.sidecar_modified == candidate.sidecar_modified
            && Stat::from(&record) == candidate.stat
        {
            let back = record.missing.then_some(FileRecord { missing: false, ..record });
            return Ok(Fate::Unchanged(back));
        }
        self.read(&candidate, claimed)
    }

    fn read(&self, candidate: &Candidate, claimed: &mut Option<ContentHash>) -> Result<Fate, IndexError> {
        let limits = &self.options.limits;
        let memory = self.files.take(candidate.stat.bytes.min(limits.max_bytes));
        let (bytes, stat) = match read(&candidate.path, limits) {
            Ok(read) => read,
            Err(Unread::Skipped(reason)) => return Ok(Fate::Skipped(reason)),
            Err(Unread::Failed(reason)) => return Ok(Fate::Failed(reason)),
        };
        let format = match Format::sniff(&bytes) {
            Ok(format) => format,
            Err(error) => return Ok(Fate::Skipped(error.to_string())),
        };
        let content = ContentHash::of(&bytes);
        let (path, sidecar_modified) = (candidate.path.clone(), candidate.sidecar_modified);
        let known = move |words| Known { path: path.clone(), stat, sidecar_modified, content, words };
        // The metadata reader wants to own the bytes of a TIFF, so decoding comes first.
        match self.contents.claim(self.index, known(Words::default()))? {
            Claim::Waits => return Ok(Fate::Waits),
            Claim::Known => return Ok(Fate::Known(known(metadata::read(format, bytes).words))),
            Claim::Encode => *claimed = Some(content),
        }
        let (views, size) = match self.decode(&content, &bytes) {
            Ok(decoded) => decoded,
            Err(reason) => return Ok(Fate::Skipped(reason)),
        };
        let metadata = metadata::read(format, bytes);
        drop(memory);
        let file = known(metadata.words.clone());
        let record = new_record(&file, format, size, metadata);
        Ok(Fate::Fresh(Box::new(Fresh { picture: NewPicture { file, record }, views })))
    }

    /// Model input, and the picture's width and height.
    fn decode(&self, content: &ContentHash, bytes: &[u8]) -> Result<(Views, (u32, u32)), String> {
        let _memory = self.pixels.take(pixels(bytes).saturating_mul(BYTES_PER_PIXEL));
        let start = Instant::now();
        let makes_regions = self.options.regions.make;
        let detail = if makes_regions { self.profile.config.detail } else { 1.0 };
        let picture = picture::decode_reduced(bytes, &self.options.limits, least_side(self.encoder, detail));
        let picture = picture.map_err(|error| error.to_string())?;
        let views = match makes_regions {
            true => self.profile.views(self.encoder, &picture.pixels),
            false => self.encoder.prepare(&picture.pixels).map(Views::whole),
        };
        let views = views.map_err(|error| error.to_string())?;
        self.options.on_picture.call(content, &picture);
        self.decoding.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
        Ok((views, picture.size))
    }
}

/// Pixels that the shorter side of a picture must have, so that the model sees no difference to the whole picture, whose
/// views are cut out of it `detail` times as large as the model reads.
pub(super) fn least_side(encoder: &dyn Encode, detail: f32) -> u32 {
    (encoder.info().input_side() as f32 * detail.max(1.0) * 2.5) as u32
}

enum Fate {
    /// With a record to store if the file was missing before.
    Unchanged(Option<FileRecord>),
    Known(Known),
    /// For another file with the same bytes.
    Waits,
    Fresh(Box<Fresh>),
    Skipped(String),
    Failed(String),
}

/// All but what only the writer knows: number, caption and keywords.
fn new_record(file: &Known, format: Format, (width, height): (u32, u32), metadata: Metadata) -> ImageRecord {
    ImageRecord {
        id: ImageId(0),
        content: file.content,
        width,
        height,
        format,
        bytes: file.stat.bytes,
        taken: metadata.taken,
        camera: metadata.camera,
        place: metadata.place,
        caption: None,
        keywords: Vec::new(),
        described: None,
    }
}

/// What a picture's header says of its size.
fn pixels(bytes: &[u8]) -> u64 {
    let reader = ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format();
    let size = reader.ok().and_then(|reader| reader.into_dimensions().ok());
    size.map_or(UNKNOWN_PIXELS, |(width, height)| u64::from(width) * u64::from(height))
}

impl From<&FileRecord> for Stat {
    fn from(record: &FileRecord) -> Self {
        Self { bytes: record.bytes, modified: record.modified }
    }
}

impl Outcome {
    pub fn event(self, path: PathBuf) -> FileEvent {
        match self {
            Self::Skipped(reason) | Self::LeftOut(reason) => FileEvent::Skipped { path, reason },
            Self::Failed(reason) => FileEvent::Failed { path, reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use glimpse_encoder::testing::FakeEncoder;

    use super::*;

    /// A square picture of 4096 patches of 16 pixels has 1024 a side.
    #[test]
    fn a_larger_patch_budget_is_decoded_larger() {
        let [few, many] = [256, 4096].map(|budget| FakeEncoder::new(8).with_budget(budget));
        assert_eq!((least_side(&few, 1.0), least_side(&many, 1.0)), (640, 2560));
        assert_eq!(least_side(&FakeEncoder::new(8), 2.0), 320, "64 pixels at detail 2");
    }
}
