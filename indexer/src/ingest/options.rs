//! What a run is asked to do.

use std::path::PathBuf;
use std::time::Duration;

use glimpse_encoder::image_file::Limits;

use super::decode::hook::ImageHook;
use super::decode::image_decoder::ImageDecoder;
use super::drives::devices::Devices;
use super::encode::regions::RegionOptions;
use super::encode::workers::Workers;
use super::find::scope::Scope;
use super::find::settling::Settling;
use super::pace::Pace;

/// What to index and how.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// Folders and single files. One that is gone, but known to the index, has vanished with all
    /// that was below it.
    pub roots: Vec<PathBuf>,
    /// The part of the roots to look at; all of them if absent. What lies outside stays as it is.
    pub scope: Option<Scope>,
    /// Leaves files that are being written for a later run.
    pub settling: Option<Settling>,
    /// Forget files that are no longer there, instead of marking them as missing.
    pub prune: bool,
    /// Forget, and give up an older generation, also where it looks as if a drive were away.
    pub force: bool,
    /// Only tell what of the index is no longer there; change and encode nothing. A file that was
    /// moved counts as gone, since nothing is read.
    pub dry_run: bool,
    /// Read every file, also those that look unchanged.
    pub rehash: bool,
    /// Also walk hidden files and folders.
    pub hidden: bool,
    /// Follow links that lead out of the roots. What others may write into would choose what is
    /// read.
    pub follow_links: bool,
    /// Whether files of one shot are one image (raw and JPEG, a live photo and its video, an edited
    /// image and its original); as the library did so far if absent, and it does unless told
    /// otherwise. Recorded with the library.
    pub pairs: Option<bool>,
    /// Images per encoder call.
    pub batch: usize,
    /// Threads that read and decode.
    pub threads: usize,
    /// How much of the machine the run takes.
    pub pace: Pace,
    /// Bounds on a single image.
    pub limits: Limits,
    /// What becomes of regions.
    pub regions: RegionOptions,
    /// The language in which the model's decoder writes captions of images that have none of it
    /// yet, known ones too; it writes none if absent.
    pub captions: Option<String>,
    /// Sees every image that is decoded, before it is encoded.
    pub on_image: ImageHook,
    /// Tells folders of one drive from those of another.
    pub devices: Devices,
    /// How long reading or decoding one image may take. One that takes longer has failed, and is
    /// left to itself: a run that has left many behind ends with [`crate::IndexError::Stuck`].
    pub image_timeout: Duration,
    /// Decodes images.
    pub decoder: ImageDecoder,
    /// Who encodes them.
    pub workers: Workers,
}

/// A hundred megapixels take a few seconds, ten times as long where all cores are busy.
const IMAGE_TIMEOUT: Duration = Duration::from_secs(120);

impl Default for IngestOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            roots: Vec::new(),
            scope: None,
            settling: None,
            prune: false,
            force: false,
            dry_run: false,
            rehash: false,
            hidden: false,
            follow_links: false,
            pairs: None,
            batch: 8,
            threads,
            pace: Pace::default(),
            limits: Limits::default(),
            regions: RegionOptions::default(),
            captions: None,
            on_image: ImageHook::default(),
            devices: Devices::default(),
            image_timeout: IMAGE_TIMEOUT,
            decoder: ImageDecoder::default(),
            workers: Workers::default(),
        }
    }
}

impl IngestOptions {
    /// [`IngestOptions::pairs`], which is known by the time of the walk.
    pub(crate) fn pairs(&self) -> bool {
        self.pairs.unwrap_or(true)
    }
}
