//! Files to what the encoder reads, within a time for each image and until the run is over.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use glimpse_encoder::Encode;
use glimpse_encoder::dense::{DenseProfile, Views};
use glimpse_encoder::image_file::{DecodedImage, Format};

use super::more_frames::{FirstFrame, MoreFrames};
use super::read::{FileContent, Stat, Unread, read};
use crate::ingest::drives::detached::{Detached, Left};
use crate::ingest::metadata::{self, Metadata};
use crate::ingest::options::IngestOptions;
use crate::ingest::pipeline::budget::{Budget, Share};
use crate::{ContentHash, Moment, Reason, ReasonCode};

/// Bytes that a decoder holds per pixel: the deepest common format beside the result.
const BYTES_PER_PIXEL: u64 = 8;
/// Counted for an image whose size only its decoder can tell.
const UNKNOWN_PIXELS: u64 = 64_000_000;

/// What all threads that decode share.
pub(crate) struct Decoder<'a> {
    pub encoder: &'a dyn Encode,
    pub options: &'a IngestOptions,
    pub profile: &'a DenseProfile,
    pub is_over: &'a (dyn Fn() -> bool + Sync),
    calls: Detached,
    /// Bytes of files in memory.
    files: Budget,
    /// Bytes of decoded images.
    pub pixels: Budget,
    /// Nanoseconds that all threads together spent on decoding and resizing.
    pub decoding: AtomicU64,
}

/// An image file in memory.
pub(crate) struct ImageFile<'a> {
    pub stat: Stat,
    pub format: Format,
    pub content: ContentHash,
    /// As [`crate::ImageRecord::orientation`].
    pub orientation: Option<u8>,
    /// Nothing of a video.
    pub bytes: Vec<u8>,
    /// What its header says of its size.
    pixels: u64,
    _memory: Share<'a>,
}

/// Where to learn whether a file's own orientation counts.
pub(crate) enum Turned {
    /// From its XMP sidecars.
    By(Vec<PathBuf>),
    /// It is known, as [`crate::ImageRecord::orientation`].
    As(Option<u8>),
}

impl Turned {
    /// The orientation that counts in place of the file's own; none if that is the same.
    fn orientation(&self, format: Format, bytes: &[u8]) -> Option<u8> {
        match self {
            Self::As(known) => *known,
            Self::By(sidecars) => {
                let named = metadata::sidecar_orientation(sidecars)?;
                format.orientation(bytes).is_some_and(|own| own != named).then_some(named)
            }
        }
    }
}

/// An image as the encoder reads it, and what its file says of it.
pub(crate) struct Decoded {
    pub views: Views,
    /// Width and height of the upright image.
    pub size: (u32, u32),
    pub truncated: bool,
    pub metadata: Metadata,
    /// As [`crate::ImageRecord::moment`], and what is left to be decoded behind it.
    pub moment: Option<Moment>,
    pub more: Option<MoreFrames>,
}

impl<'a> Decoder<'a> {
    /// A decoder that gives up when `is_over`.
    pub fn new(
        encoder: &'a dyn Encode,
        options: &'a IngestOptions,
        profile: &'a DenseProfile,
        is_over: &'a (dyn Fn() -> bool + Sync),
    ) -> Self {
        let budget = (256 << 20) + options.threads as u64 * (128 << 20);
        Self {
            encoder,
            options,
            profile,
            is_over,
            calls: Detached::new(options.image_timeout),
            files: Budget::new(budget / 2),
            pixels: Budget::new(budget),
            decoding: AtomicU64::new(0),
        }
    }

    /// Reads a file of about `expected` bytes.
    pub fn read(&self, path: &Path, expected: u64, turned: Turned) -> Result<ImageFile<'_>, Unread> {
        if let Some(files) = self.calls.exhausted_by() {
            return Err(Unread::Stuck(files));
        }
        let limits = self.options.limits;
        let memory = self.files.take(if is_named_like_a_video(path) { 0 } else { expected.min(limits.max_bytes) });
        let own_path = path.to_path_buf();
        let (bytes, stat, format, orientation, content, pixels) = self.call(path, "reading", move || {
            let (bytes, stat) = match read(&own_path, &limits)? {
                (FileContent::Bytes(bytes), stat) => (bytes, stat),
                (FileContent::Video(format, content), stat) => return Ok((Vec::new(), stat, format, None, content, 0)),
            };
            let format = Format::sniff(&bytes).map_err(|error| Unread::Skipped(error.into()))?;
            check_name(&own_path, format)?;
            let orientation = turned.orientation(format, &bytes);
            let (content, pixels) = (ContentHash::of(&bytes).with_orientation(orientation), pixels(format, &bytes));
            Ok((bytes, stat, format, orientation, content, pixels))
        })?;
        Ok(ImageFile { stat, format, content, orientation, bytes, pixels, _memory: memory })
    }

    /// Decodes an image and cuts it into what the model reads: also its regions' windows if
    /// `makes_regions`.
    pub fn decode(&self, path: &Path, file: ImageFile<'_>, makes_regions: bool) -> Result<Decoded, Unread> {
        if file.format.is_video() {
            return self.decode_video(path, &file, makes_regions);
        }
        let _memory = self.pixels.take(file.pixels.saturating_mul(BYTES_PER_PIXEL));
        let start = Instant::now();
        let (least, limits) = (self.least(makes_regions), self.options.limits);
        let decoder = self.options.decoder.clone();
        let ImageFile { bytes, format, content, orientation, .. } = file;
        let (image, metadata, first) = self.call(path, "decoding", move || {
            let image = decoder.decode(&bytes, &limits, least);
            let image = image.map_err(|error| Unread::Skipped(error.into()))?;
            let image = orientation.into_iter().fold(image, DecodedImage::reoriented);
            let first = FirstFrame::of_animation(&bytes, &image, (content, orientation), &limits);
            // Last: the metadata reader wants to own the bytes of a TIFF.
            Ok((image, metadata::read(format, bytes), first))
        })?;
        let views = self.views(&image, makes_regions)?;
        let (moment, more) = first.map_or((None, None), |first| (Some(first.moment), first.more));
        self.options.on_image.call(&content, &image);
        self.decoding.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
        Ok(Decoded { views, size: image.size, truncated: image.truncated, metadata, moment, more })
    }

    /// What the model reads of an image.
    pub fn views(&self, image: &DecodedImage, makes_regions: bool) -> Result<Views, Unread> {
        let views = match makes_regions {
            true => self.profile.views(self.encoder, &image.pixels),
            false => self.encoder.prepare(&image.pixels).map(Views::whole),
        };
        views.map_err(|error| Unread::Skipped(error.into()))
    }

    /// Pixels that the shorter side of an image must have.
    pub fn least(&self, makes_regions: bool) -> u32 {
        let detail = if makes_regions { self.profile.config.detail } else { 1.0 };
        least_side(self.encoder, detail)
    }

    /// What a file says of its image beside the pixels.
    pub fn metadata(&self, path: &Path, file: ImageFile<'_>) -> Result<Metadata, Unread> {
        if file.format.is_video() {
            return self.metadata_of_video(path, file.format);
        }
        let ImageFile { format, bytes, .. } = file;
        self.call(path, "reading", move || Ok(metadata::read(format, bytes)))
    }

    pub fn call<T: Send + 'static>(
        &self,
        path: &Path,
        what: &str,
        call: impl FnOnce() -> Result<T, Unread> + Send + 'static,
    ) -> Result<T, Unread> {
        match self.calls.call(path, self.is_over, call) {
            Ok(ended) => ended,
            Err(Left::Cancelled) => Err(Unread::Cancelled),
            Err(Left::Broken(panic)) => Err(Unread::Skipped(went_wrong(what, &panic))),
            Err(Left::TooLong) => {
                let seconds = self.options.image_timeout.as_secs_f32();
                let text = format!(
                    "{what} it took longer than {seconds} seconds, so it was given up; --image-timeout allows more"
                );
                Err(Unread::Failed(Reason::new(ReasonCode::TooSlow, text)))
            }
        }
    }
}

/// A decoder panicked: it does so on damaged files.
pub(super) fn went_wrong(what: &str, panic: &str) -> Reason {
    Reason::new(ReasonCode::Damaged, format!("{what} it went wrong: {panic}"))
}

/// Pixels that the shorter side of an image must have, so that the model sees no difference to the
/// whole image, whose views are cut out of it `detail` times as large as the model reads.
fn least_side(encoder: &dyn Encode, detail: f32) -> u32 {
    (encoder.info().input_side() as f32 * detail.max(1.0) * 2.5) as u32
}

/// Refuses what is named like a camera raw file and passes for an ordinary TIFF: its first image is
/// a thumbnail.
fn check_name(path: &Path, format: Format) -> Result<(), Unread> {
    let named = path.extension().and_then(|extension| Format::named(extension.to_str()?));
    if format == Format::Tiff && named == Some(Format::Raw) {
        let text = "a camera raw file of a kind that this program does not know";
        return Err(Unread::Skipped(Reason::new(ReasonCode::UnknownFormat, text)));
    }
    Ok(())
}

/// Videos are not kept in memory; what is only named like one is held by the limits alone.
fn is_named_like_a_video(path: &Path) -> bool {
    let named = path.extension().and_then(|extension| Format::named(extension.to_str()?));
    named.is_some_and(Format::is_video)
}

/// What an image's header says of its size.
fn pixels(format: Format, bytes: &[u8]) -> u64 {
    format.size(bytes).map_or(UNKNOWN_PIXELS, |(width, height)| u64::from(width) * u64::from(height))
}

#[cfg(test)]
mod tests {
    use glimpse_encoder::testing::FakeEncoder;

    use super::*;

    /// A square image of 4096 patches of 16 pixels has 1024 a side.
    #[test]
    fn a_larger_patch_budget_is_decoded_larger() {
        let [few, many] = [256, 4096].map(|budget| FakeEncoder::new(8).with_budget(budget));
        assert_eq!((least_side(&few, 1.0), least_side(&many, 1.0)), (640, 2560));
        assert_eq!(least_side(&FakeEncoder::new(8), 2.0), 320, "64 pixels at detail 2");
    }
}
