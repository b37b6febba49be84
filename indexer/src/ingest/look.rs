//! Looks at files: what is known by a stat ends here, the rest is read, and pictures that are new, or lack something, are
//! decoded for the encoder.

use crossbeam_channel::Sender;
use glimpse_encoder::dense::Views;
use glimpse_encoder::picture::Format;

use super::FileEvent;
use super::contents::{Claim, Contents};
use super::decode::{Decoded, Decoder};
use super::guard::guarded;
use super::item::{Known, Lacking, Message, NewPicture, NotMade, Outcome, Picture, Prepared, Wants, Work};
use super::metadata::{Metadata, Words};
use super::read::{Stat, Unread};
use super::walk::Candidate;
use crate::{ContentHash, FileRecord, ImageId, ImageRecord, Index, IndexError};

/// What the looking threads share.
pub(super) struct Looker<'a> {
    pub index: &'a Index,
    pub decoder: &'a Decoder<'a>,
    pub contents: &'a Contents,
}

impl Looker<'_> {
    /// Sends what becomes of a piece of work to one of the next stages. `false` if there is no going on.
    pub fn look(&self, work: Work, encode: &Sender<Prepared>, write: &Sender<Message>) -> bool {
        match work {
            Work::File(candidate) => self.file(candidate, encode, write),
            Work::Picture(lacking) => self.picture(lacking, encode, write),
        }
    }

    fn file(&self, candidate: Candidate, encode: &Sender<Prepared>, write: &Sender<Message>) -> bool {
        let path = candidate.path.clone();
        let mut claimed = None;
        let fate = guarded(|| self.fate(candidate, &mut claimed));
        let outcome = match fate.unwrap_or_else(|panic| Ok(Fate::Skipped(went_wrong(&panic)))) {
            Ok(Fate::New(picture)) => return encode.send(*picture).is_ok(),
            Ok(Fate::Waits) => return true,
            Ok(Fate::Cancelled) => return false,
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
            && !self.decoder.options.rehash
            && record.sidecar_modified == candidate.sidecar_modified
            && candidate.stat.is(&Stat::from(&record))
        {
            // Files of older libraries have no time of change yet.
            let changed = candidate.stat.changed;
            let is_new = record.missing || record.changed != changed;
            return Ok(Fate::Unchanged(is_new.then_some(FileRecord { missing: false, changed, ..record })));
        }
        self.read(&candidate, claimed)
    }

    fn read(&self, candidate: &Candidate, claimed: &mut Option<ContentHash>) -> Result<Fate, IndexError> {
        let path = &candidate.path;
        let file = match self.decoder.read(path, candidate.stat.bytes) {
            Ok(file) => file,
            Err(unread) => return self.unread(unread),
        };
        let (content, format, stat) = (file.content, file.format, file.stat);
        let sidecar_modified = candidate.sidecar_modified;
        let known = |words| Known { path: path.clone(), stat, sidecar_modified, content, words };
        match self.contents.claim(self.index, known(Words::default()))? {
            Claim::Waits => return Ok(Fate::Waits),
            Claim::Known => {
                return match self.decoder.metadata(path, file) {
                    Ok(metadata) => Ok(Fate::Known(known(metadata.words))),
                    Err(unread) => self.unread(unread),
                };
            }
            Claim::Encode => *claimed = Some(content),
        }
        let options = self.decoder.options;
        let wants = Wants { regions: options.regions.make, description: options.captions.is_some() };
        match self.decoder.decode(path, file, wants.regions) {
            Ok(Decoded { views, size, metadata }) => {
                let file = known(metadata.words.clone());
                let record = new_record(&file, format, size, metadata);
                let picture = Picture::New(NewPicture { file, record });
                Ok(Fate::New(Box::new(Prepared { picture, wants, views })))
            }
            Err(unread) => self.unread(unread),
        }
    }

    /// Sends a known picture to the encoder again, or tells why it cannot be read.
    fn picture(&self, lacking: Lacking, encode: &Sender<Prepared>, write: &Sender<Message>) -> bool {
        let path = &lacking.file.path;
        let outcome = match guarded(|| self.views(&lacking))
            .unwrap_or_else(|panic| Ok(Err(Unread::Skipped(went_wrong(&panic)))))
        {
            Ok(Ok(views)) => {
                let wants = lacking.wants;
                return encode.send(Prepared { picture: Picture::Known(lacking), wants, views }).is_ok();
            }
            Ok(Err(unread)) => self.unread(unread),
            Err(error) => Err(error),
        };
        let event = match outcome {
            Ok(Fate::Skipped(reason)) => FileEvent::Skipped { path: path.clone(), reason },
            Ok(Fate::Failed(reason)) => FileEvent::Failed { path: path.clone(), reason },
            Ok(_) => return false, // the run is over
            Err(error) => return write.send(Message::Fatal(error)).is_ok(),
        };
        write.send(Message::NotMade(NotMade { id: lacking.id, event: Some(event), model_failed: false })).is_ok()
    }

    /// A file that is no longer what it was is left to the next run, which sees another picture.
    fn views(&self, lacking: &Lacking) -> Result<Result<Views, Unread>, IndexError> {
        let path = &lacking.file.path;
        let known = self.index.image(lacking.id)?.map(|record| record.content);
        let views = self.decoder.read(path, lacking.file.bytes).and_then(|file| match Some(file.content) == known {
            true => Ok(self.decoder.decode(path, file, lacking.wants.regions)?.views),
            false => Err(Unread::Skipped("it has changed since it was indexed; index its folder again".to_owned())),
        });
        Ok(views)
    }

    fn unread(&self, unread: Unread) -> Result<Fate, IndexError> {
        match unread {
            Unread::Skipped(reason) => Ok(Fate::Skipped(reason)),
            Unread::Failed(reason) => Ok(Fate::Failed(reason)),
            Unread::Cancelled => Ok(Fate::Cancelled),
            Unread::Stuck(files) => Err(IndexError::Stuck { files, limit: self.decoder.options.picture_timeout }),
        }
    }
}

fn went_wrong(panic: &str) -> String {
    format!("reading it went wrong: {panic}")
}

/// What becomes of a file.
enum Fate {
    /// With a record to store if the file was missing before.
    Unchanged(Option<FileRecord>),
    Known(Known),
    /// For another file with the same bytes.
    Waits,
    New(Box<Prepared>),
    Skipped(String),
    Failed(String),
    /// The run is over.
    Cancelled,
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

impl From<&FileRecord> for Stat {
    fn from(record: &FileRecord) -> Self {
        Self { bytes: record.bytes, modified: record.modified, changed: record.changed }
    }
}
