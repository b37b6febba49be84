//! Looks at files: what is known by a stat ends here, the rest is read, and images that are new,
//! or lack something, are decoded for the encoder.

use std::path::Path;

use crossbeam_channel::Sender;
use glimpse_encoder::dense::Views;
use glimpse_encoder::image_file::Format;

use super::decoder::{Decoded, Decoder, Turned, went_wrong};
use super::more_frames::MoreFrames;
use super::read::{Stat, Unread};
use crate::ingest::event::FileEvent;
use crate::ingest::find::walk::{Candidate, Companion};
use crate::ingest::metadata::Metadata;
use crate::ingest::pipeline::claims::{Claim, ContentClaims};
use crate::ingest::pipeline::guard::guarded;
use crate::ingest::pipeline::item::{
    EncodeInput, Incomplete, Known, Message, NewFrame, NewImage, NotMade, Outcome, Subject, Wants, Work,
};
use crate::{ContentHash, FileRecord, ImageId, ImageRecord, Index, IndexError, Reason, ReasonCode};

/// What the decoding threads share.
pub(crate) struct DecodeStage<'a> {
    pub index: &'a Index,
    pub decoder: &'a Decoder<'a>,
    pub claims: &'a ContentClaims,
}

impl DecodeStage<'_> {
    /// Sends what becomes of a piece of work to one of the next stages. `false` if there is no
    /// going on.
    pub fn process(&self, work: Work, encode: &Sender<EncodeInput>, write: &Sender<Message>) -> bool {
        match work {
            Work::File(candidate) => self.file(candidate, encode, write),
            Work::Image(incomplete) => self.image(incomplete, encode, write),
            Work::Video(id, file) => self.video(id, &file, encode, write),
        }
    }

    fn file(&self, candidate: Candidate, encode: &Sender<EncodeInput>, write: &Sender<Message>) -> bool {
        let (path, companions) = (candidate.path.clone(), candidate.companions.clone());
        let mut claimed = None;
        let decision = guarded(|| self.decide(candidate, &mut claimed));
        let outcome = match decision.unwrap_or_else(|panic| Ok(Decision::Skipped(went_wrong("reading", &panic)))) {
            Ok(Decision::New(image, more)) => {
                return encode.send(*image).is_ok() && more.is_none_or(|more| self.frames(&path, &more, encode, write));
            }
            Ok(Decision::InFlight | Decision::HeldBack) => return true,
            Ok(Decision::Cancelled) => return false,
            Ok(Decision::Unchanged(image, back)) => {
                return write.send(Message::Unchanged { path, back, image, companions }).is_ok();
            }
            Ok(Decision::Known(file)) => return write.send(Message::Known(file)).is_ok(),
            Ok(Decision::Skipped(reason)) => Outcome::Skipped(reason),
            Ok(Decision::Failed(reason)) => Outcome::Failed(reason),
            Err(error) => return write.send(Message::Fatal(error)).is_ok(),
        };
        // Other files with the same bytes fare no better.
        let waited = claimed.map(|content| self.claims.end_claim(&content)).unwrap_or_default();
        let waited = waited.into_iter().map(|file| (file.path, file.companions));
        std::iter::once((path, companions)).chain(waited).all(|(path, companions)| {
            write.send(Message::Rejected { path, outcome: outcome.clone(), companions }).is_ok()
        })
    }

    /// `claimed` is the content whose claim the caller must end if the file comes to nothing.
    fn decide(&self, candidate: Candidate, claimed: &mut Option<ContentHash>) -> Result<Decision, IndexError> {
        if let Some(record) = self.index.file(&candidate.path)?
            && !self.decoder.options.rehash
            && self.is_what_it_was(&record, &candidate)
            && record.sidecar_modified == candidate.sidecar_modified
            && candidate.stat.is(&Stat::from(&record))
            && !self.companions_tell_more(&candidate)?
        {
            // Files of older libraries have no time of change yet.
            let (image, changed) = (record.image, candidate.stat.changed);
            let is_new = record.missing || record.changed != changed;
            let back = is_new.then_some(FileRecord { missing: false, changed, ..record });
            return Ok(Decision::Unchanged(image, back));
        }
        if self.holds_back(&candidate.path, candidate.stat) {
            return Ok(Decision::HeldBack);
        }
        self.read(&candidate, claimed)
    }

    /// A companion that has lost its image is one of its own.
    fn is_what_it_was(&self, record: &FileRecord, candidate: &Candidate) -> bool {
        !record.role.is_companion() || candidate.single && self.index.has_present_file(record.image)
    }

    /// True if sidecars of companions came, changed or went, which say something of the image.
    fn companions_tell_more(&self, candidate: &Candidate) -> Result<bool, IndexError> {
        for Companion { file, .. } in &candidate.companions {
            let known = self.index.file(&file.path)?.map_or(0, |record| record.sidecar_modified);
            if known != file.sidecar_modified {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn holds_back(&self, path: &Path, stat: Stat) -> bool {
        self.decoder.options.settling.as_ref().is_some_and(|settling| settling.holds_back(path, stat))
    }

    fn read(&self, candidate: &Candidate, claimed: &mut Option<ContentHash>) -> Result<Decision, IndexError> {
        let path = &candidate.path;
        let file = match self.decoder.read(path, candidate.stat.bytes, Turned::By(candidate.xmp.clone())) {
            Ok(file) => file,
            Err(unread) => return self.unread(unread),
        };
        let (content, format, stat, orientation) = (file.content, file.format, file.stat, file.orientation);
        if stat != candidate.stat && self.holds_back(path, stat) {
            return Ok(Decision::HeldBack); // somebody went on writing
        }
        let sidecar_modified = candidate.sidecar_modified;
        let companions = || candidate.companions.clone();
        let known = |metadata| Known {
            path: path.clone(),
            stat,
            sidecar_modified,
            content,
            metadata,
            companions: companions(),
        };
        match self.claims.claim(self.index, known(Metadata::default()))? {
            Claim::InFlight => return Ok(Decision::InFlight),
            Claim::Known => {
                return match self.decoder.metadata(path, file) {
                    Ok(metadata) => Ok(Decision::Known(known(metadata))),
                    Err(unread) => self.unread(unread),
                };
            }
            Claim::Encode => *claimed = Some(content),
        }
        let options = self.decoder.options;
        let wants = Wants { regions: options.regions.make, caption: options.captions.is_some() };
        match self.decoder.decode(path, file, wants.regions) {
            Ok(Decoded { views, size, truncated, metadata, moment, more }) => {
                let file = known(metadata);
                let record = ImageRecord { orientation, moment, ..new_record(&file, format, size, truncated) };
                let image = Subject::New(Box::new(NewImage { file, record }));
                Ok(Decision::New(Box::new(EncodeInput::new(image, wants, views)), more.map(Box::new)))
            }
            Err(unread) => self.unread(unread),
        }
    }

    /// Sends the further frames of a video to the encoder, as far as the index lacks them.
    fn frames(&self, path: &Path, more: &MoreFrames, encode: &Sender<EncodeInput>, write: &Sender<Message>) -> bool {
        let (video, mut frames) = (more.content, 0);
        let wants = Wants { regions: self.decoder.options.regions.make, caption: false };
        let is_new = |content: &ContentHash| !matches!(self.index.by_content(content), Ok(Some(_)));
        let done = guarded(|| {
            self.decoder.each_more(more, wants.regions, is_new, |frame| {
                frames += 1;
                let record = ImageRecord {
                    moment: Some(frame.moment),
                    orientation: more.orientation,
                    ..ImageRecord::bare(frame.content, more.size, more.format, 0)
                };
                let image = Subject::Frame(Box::new(NewFrame { video, path: path.to_path_buf(), record }));
                encode.send(EncodeInput::new(image, wants, frame.views)).is_ok()
            })
        });
        // A decoder that panicked costs the frames behind.
        done.unwrap_or(true) && write.send(Message::FramesSent { video, frames }).is_ok()
    }

    /// Goes on with a video whose frames did not all come into the index, or begins with an image
    /// that was taken for a still one. One whose file is another now, or is away, is left to a
    /// later run.
    fn video(&self, id: ImageId, file: &FileRecord, encode: &Sender<EncodeInput>, write: &Sender<Message>) -> bool {
        let Ok(Some(record)) = self.index.image(id) else { return true };
        let makes_regions = self.decoder.options.regions.make;
        let decoded = guarded(|| {
            let read = self.decoder.read(&file.path, file.bytes, Turned::As(record.orientation));
            let read = read.ok().filter(|read| read.content == record.content);
            read.and_then(|read| self.decoder.decode(&file.path, read, makes_regions).ok())
        });
        let decoded = decoded.ok().flatten();
        if record.moment.is_none() && !(self.decoder.is_over)() {
            let moment = decoded.as_ref().and_then(|decoded| decoded.moment);
            let seen = Message::LookedThrough { id, path: file.path.clone(), moment };
            if write.send(seen).is_err() {
                return false;
            }
        }
        match decoded {
            Some(Decoded { more: Some(more), .. }) => self.frames(&file.path, &more, encode, write),
            Some(_) => write.send(Message::FramesSent { video: record.content, frames: 0 }).is_ok(),
            None => !(self.decoder.is_over)(),
        }
    }

    /// Sends a known image to the encoder again, or tells why it cannot be read.
    fn image(&self, incomplete: Incomplete, encode: &Sender<EncodeInput>, write: &Sender<Message>) -> bool {
        let path = &incomplete.file.path;
        let outcome = match guarded(|| self.views(&incomplete))
            .unwrap_or_else(|panic| Ok(Err(Unread::Skipped(went_wrong("reading", &panic)))))
        {
            Ok(Ok(views)) => {
                let wants = incomplete.wants;
                return encode.send(EncodeInput::new(Subject::Known(incomplete), wants, views)).is_ok();
            }
            Ok(Err(unread)) => self.unread(unread),
            Err(error) => Err(error),
        };
        let event = match outcome {
            Ok(Decision::Skipped(reason)) => FileEvent::Skipped { path: path.clone(), reason },
            Ok(Decision::Failed(reason)) => FileEvent::Failed { path: path.clone(), reason },
            Ok(_) => return false, // the run is over
            Err(error) => return write.send(Message::Fatal(error)).is_ok(),
        };
        write.send(Message::NotMade(NotMade { id: incomplete.id, event: Some(event), model_failed: false })).is_ok()
    }

    /// A file that is no longer what it was is left to the next run, which sees another image.
    fn views(&self, incomplete: &Incomplete) -> Result<Result<Views, Unread>, IndexError> {
        let path = &incomplete.file.path;
        let record = self.index.image(incomplete.id)?;
        let turned = Turned::As(record.as_ref().and_then(|record| record.orientation));
        let frame =
            record.as_ref().filter(|record| record.format.is_video() || self.index.video_of(record.id) != record.id);
        let frame = frame.and_then(|record| Some(((record.width, record.height), record.moment?.start)));
        if let Some((frame, format)) = frame.zip(record.as_ref().map(|record| record.format))
            && let Some(views) =
                self.decoder.frame_of_unchanged(&incomplete.file, format, frame, incomplete.wants.regions)
        {
            return Ok(views);
        }
        // The file is that of the video that a frame belongs to.
        let whole = self.index.image(self.index.video_of(incomplete.id))?;
        let known = whole.map(|record| record.content);
        let file = self.decoder.read(path, incomplete.file.bytes, turned);
        let views = file.and_then(|file| match Some(file.content) == known {
            true => match frame {
                Some(frame) => self.decoder.frame(path, &file, frame, incomplete.wants.regions),
                None => Ok(self.decoder.decode(path, file, incomplete.wants.regions)?.views),
            },
            false => {
                let text = "it has changed since it was indexed; index its folder again";
                Err(Unread::Skipped(Reason::new(ReasonCode::Changed, text)))
            }
        });
        Ok(views)
    }

    fn unread(&self, unread: Unread) -> Result<Decision, IndexError> {
        match unread {
            Unread::Skipped(reason) => Ok(Decision::Skipped(reason)),
            Unread::Failed(reason) => Ok(Decision::Failed(reason)),
            Unread::Cancelled => Ok(Decision::Cancelled),
            Unread::Stuck(files) => Err(IndexError::Stuck { files, limit: self.decoder.options.image_timeout }),
        }
    }
}

/// What becomes of a file.
enum Decision {
    /// The file holds this image, with a record to store if it was missing before.
    Unchanged(ImageId, Option<FileRecord>),
    Known(Known),
    /// For another file with the same bytes.
    InFlight,
    /// It is being written; another run looks again.
    HeldBack,
    /// An image, and the frames that follow it.
    New(Box<EncodeInput>, Option<Box<MoreFrames>>),
    Skipped(Reason),
    Failed(Reason),
    /// The run is over.
    Cancelled,
}

/// All but what only the writer knows: number, caption and keywords.
fn new_record(file: &Known, format: Format, size: (u32, u32), truncated: bool) -> ImageRecord {
    let Metadata { taken, camera, place, .. } = file.metadata.clone();
    ImageRecord { taken, camera, place, truncated, ..ImageRecord::bare(file.content, size, format, file.stat.bytes) }
}
