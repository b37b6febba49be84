//! The only stage that changes the index; it runs on the caller's thread.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::holders::{Holders, Origin};
use super::report::Report;
use crate::ingest::drives::calls::Drives;
use crate::ingest::event::FileEvent;
use crate::ingest::find::rebuild::Progress;
use crate::ingest::find::walk::{Candidate, Companion};
use crate::ingest::metadata::{Metadata, Sidecars};
use crate::ingest::pipeline::claims::{ContentClaims, Displaced};
use crate::ingest::pipeline::item::{
    Encoded, Incomplete, Known, Message, NewFrame, NewImage, NotMade, Outcome, Subject,
};
use crate::ingest::pipeline::shared::Shared;
use crate::{ContentHash, Facts, FileRecord, ImageId, ImageRecord, Index, IndexError, Moment, Reason, ReasonCode};

/// How long to wait for a message before looking at commits and counts.
const TICK: Duration = Duration::from_millis(100);

/// Of an image with very many files, so many are asked for their sidecars.
const MOST_SIDECARS: usize = 64;

pub(crate) struct Writer<'a, 'o> {
    index: &'a Index,
    claims: &'a ContentClaims,
    pub drives: &'a Drives<'a>,
    pub report: Report<'o>,
    /// Files that held images which this run came across elsewhere, and that are no longer there.
    gone: BTreeSet<PathBuf>,
    holders: Holders,
    sidecars: Sidecars,
    /// Videos whose frames are on their way, by content.
    videos: HashMap<ContentHash, Frames>,
    /// Files whose primaries gave no image.
    left_alone: Vec<Candidate>,
    /// Images that were looked through for what moves in them.
    pub looked_through: BTreeSet<ImageId>,
    /// What is rebuilt now.
    pub rebuild: Option<Arc<Progress>>,
}

/// What is known of the frames of a video in this run.
#[derive(Default)]
struct Frames {
    written: usize,
    lost: bool,
    /// How many are to come, once all were decoded.
    sent: Option<usize>,
}

impl<'a, 'o> Writer<'a, 'o> {
    pub fn new(index: &'a Index, claims: &'a ContentClaims, drives: &'a Drives<'a>, report: Report<'o>) -> Self {
        Self {
            index,
            claims,
            drives,
            report,
            gone: BTreeSet::new(),
            holders: Holders::default(),
            sidecars: Sidecars::default(),
            videos: HashMap::new(),
            left_alone: Vec::new(),
            looked_through: BTreeSet::new(),
            rebuild: None,
        }
    }

    /// Takes messages until all other stages have ended. Returning early ends them.
    pub fn run(&mut self, messages: Receiver<Message>, shared: &Shared<'_>) -> Result<(), IndexError> {
        loop {
            match messages.recv_timeout(TICK) {
                Ok(message) => self.message(message)?,
                // Who stops a run may not wait until a decoder or the model comes to an end.
                Err(RecvTimeoutError::Timeout) if shared.is_over() => self.commit()?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.report.is_commit_due() {
                self.commit()?;
            }
            self.found(shared);
        }
        self.found(shared);
        Ok(())
    }

    pub fn commit(&mut self) -> Result<(), IndexError> {
        if let Some(rebuild) = &self.rebuild {
            rebuild.note(self.index)?;
        }
        self.report.commit(self.index)
    }

    fn found(&mut self, shared: &Shared<'_>) {
        let (files, complete) = shared.files();
        self.report.found(files, complete);
    }

    fn message(&mut self, message: Message) -> Result<(), IndexError> {
        match message {
            Message::Unchanged { path, back, image, companions } => {
                let with = path.clone();
                match back {
                    None => self.report.event(FileEvent::Unchanged(path)),
                    Some(file) => {
                        self.index.put_file(file)?;
                        self.report.change(FileEvent::Unchanged(path));
                    }
                }
                self.put_companions(image, &with, companions)?;
            }
            Message::Known(file) => self.known(&file)?,
            Message::Encoded(both) => {
                let (image, encoded) = *both;
                match image {
                    Subject::New(image) => self.encoded(*image, encoded)?,
                    Subject::Frame(frame) => self.frame(*frame, &encoded)?,
                    Subject::Known(incomplete) => self.made(incomplete, encoded)?,
                }
            }
            Message::FramesSent { video, frames } => {
                self.videos.entry(video).or_default().sent = Some(frames);
                self.complete(video)?;
            }
            Message::LookedThrough { id, path, moment } => {
                self.looked_through.insert(id);
                let begun = moment.map(|moment| self.index.begin_animation(id, moment));
                match begun {
                    Some(Ok(())) => self.report.change(FileEvent::Indexed(path)),
                    None | Some(Err(IndexError::NoSuchImage(_))) => {}
                    Some(Err(error)) => return Err(error),
                }
            }
            Message::FrameLost { video } => {
                let frames = self.videos.entry(video).or_default();
                (frames.written, frames.lost) = (frames.written + 1, true);
                self.complete(video)?;
            }
            Message::NotMade(not_made) => self.not_made(not_made)?,
            Message::Rejected { path, outcome, companions } => self.rejected(path, outcome, companions)?,
            Message::Note(text) => self.report.note(&text),
            Message::Fatal(error) => return Err(error),
        }
        Ok(())
    }

    fn encoded(&mut self, image: NewImage, encoded: Encoded) -> Result<(), IndexError> {
        let NewImage { file, mut record } = image;
        let mut metadata = file.metadata.clone();
        let others = file.companions.iter().map(|companion| &companion.file);
        let others: Vec<_> = others.map(|other| (&other.path, other.sidecar_modified)).collect();
        metadata.add_sidecars(self.read_sidecars(&file, others));
        (record.taken, record.place) = (metadata.taken, metadata.place);
        (record.exposure, record.rating) = (metadata.exposure, metadata.rating);
        (record.caption, record.keywords) = metadata.words.into_fields();
        record.model_caption = encoded.model_caption;
        self.make_room(&file, None)?;
        let of_file = file.record(ImageId(0));
        let vector = encoded.embedding.as_slice();
        let id = match &encoded.regions {
            Some(regions) => self.index.add_with_regions(record, vector, regions, of_file)?,
            None => self.index.add(record, vector, of_file)?,
        };
        self.report.change(FileEvent::Indexed(file.path.clone()));
        self.put_companions(id, &file.path, file.companions)?;
        for waited in self.claims.end_claim(&file.content) {
            self.add_holder(&Known { metadata: file.metadata.clone(), ..waited }, id)?;
        }
        Ok(())
    }

    /// A further frame of a video, which is in the index unless it came to nothing.
    fn frame(&mut self, frame: NewFrame, encoded: &Encoded) -> Result<(), IndexError> {
        let NewFrame { video: content, record, .. } = frame;
        if let Some(video) = self.index.by_content(&content)? {
            let moment = record.moment.map(|moment| Moment { video: Some(video), ..moment });
            let record = ImageRecord { moment, ..record };
            self.index.add_frame(record, encoded.embedding.as_slice(), encoded.regions.as_ref())?;
            self.report.step();
        }
        self.videos.entry(content).or_default().written += 1;
        self.complete(content)
    }

    /// Notes that a video has all its frames, if it is so. One that lacks some is gone on with by
    /// the next run.
    fn complete(&mut self, content: ContentHash) -> Result<(), IndexError> {
        let is_done = |frames: &Frames| frames.sent.is_some_and(|sent| frames.written >= sent);
        if !self.videos.get(&content).is_some_and(is_done) {
            return Ok(());
        }
        let lost = self.videos.remove(&content).is_some_and(|frames| frames.lost);
        match self.index.by_content(&content)? {
            Some(video) if !lost => {
                self.index.complete_video(video)?;
                self.report.step();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// An image of the index has what it lacked, unless it was removed meanwhile.
    fn made(&mut self, incomplete: Incomplete, encoded: Encoded) -> Result<(), IndexError> {
        let regions = encoded.regions.map_or(Ok(()), |regions| self.index.put_regions(incomplete.id, &regions));
        let set = |text| self.index.set_model_caption(incomplete.id, text);
        match regions.and_then(|()| encoded.model_caption.map_or(Ok(()), set)) {
            Ok(()) => self.report.change(FileEvent::Indexed(incomplete.file.path)),
            Err(IndexError::NoSuchImage(_)) => {}
            Err(error) => return Err(error),
        }
        let stale = self.rebuild.as_ref().map(|rebuild| rebuild.made(incomplete.id)).unwrap_or_default();
        stale.into_iter().try_for_each(|id| self.index.remove_regions(id))
    }

    fn not_made(&mut self, NotMade { id, event, model_failed }: NotMade) -> Result<(), IndexError> {
        event.into_iter().for_each(|event| self.report.event(event));
        match &self.rebuild {
            Some(rebuild) if rebuild.not_made(id, model_failed) => self.index.remove_regions(id),
            _ => Ok(()),
        }
    }

    /// A file whose content was in the index, or left it in this run, when it was looked at.
    fn known(&mut self, file: &Known) -> Result<(), IndexError> {
        match self.index.by_content(&file.content)? {
            Some(id) => self.add_holder(file, id),
            None => match self.claims.displaced(&file.content) {
                Some(image) => self.bring_back(file, image),
                None => {
                    let text = "its content was replaced while it was indexed; index again";
                    let reason = Reason::new(ReasonCode::Changed, text);
                    self.report.event(FileEvent::Failed { path: file.path.clone(), reason });
                    Ok(())
                }
            },
        }
    }

    /// Makes `file` one of the files of an image in the index. Of the other files that held it and
    /// are gone, one is taken for the former place of this one; the rest may be that of files to
    /// come.
    fn add_holder(&mut self, file: &Known, id: ImageId) -> Result<(), IndexError> {
        let old = self.index.file(&file.path)?;
        let (record, path) = (file.record(id), file.path.clone());
        let is_new = old.as_ref().is_none_or(|old| old.image != id);
        let event = match self.holders.origin((self.index, self.drives), id, &record, is_new, &mut self.gone)? {
            Origin::Only => FileEvent::Unchanged(path),
            Origin::MovedFrom(from) => FileEvent::Moved { from, to: path },
            Origin::CopyOf(of) => FileEvent::Duplicate { path, of },
        };
        self.make_room(file, Some(id))?;
        self.index.put_file(record)?;
        if let FileEvent::Moved { from, .. } = &event
            && self.drives.is_gone(from)
        {
            self.gone.remove(from);
            self.index.remove_file(from)?;
        }
        self.report.change(event);
        self.put_companions(id, &file.path, file.companions.clone())?;
        self.set_facts(file, id)
    }

    /// Makes files companions of an image that the file `with` holds. One that held an image itself
    /// gives it up.
    fn put_companions(&mut self, id: ImageId, with: &Path, companions: Vec<Companion>) -> Result<(), IndexError> {
        for companion in companions {
            let (record, old) = (companion.record(id), self.index.file(&companion.file.path)?);
            let (path, with) = (companion.file.path, with.to_path_buf());
            if old.as_ref() == Some(&record) {
                self.report.event(FileEvent::Unchanged(path));
                continue;
            }
            let event = match &old {
                Some(old) if (old.image, old.role) == (id, record.role) => FileEvent::Unchanged(path),
                Some(_) => FileEvent::Paired { path, with },
                None => match self.former_place(&record)? {
                    Some(from) => FileEvent::Moved { from, to: path },
                    None => FileEvent::Paired { path, with },
                },
            };
            if let Some(old) = old.filter(|old| old.image != id) {
                self.keep_image_of(old)?;
            }
            self.index.put_file(record)?;
            if let FileEvent::Moved { from, .. } = &event {
                self.index.remove_file(from)?;
            }
            self.report.change(event);
        }
        Ok(())
    }

    /// Where a companion was that looks the same and is gone.
    fn former_place(&self, file: &FileRecord) -> Result<Option<PathBuf>, IndexError> {
        let what_tells = |file: &FileRecord| (file.role, file.bytes, file.modified);
        let others = self.index.companions_of(file.image)?.into_iter().map(|other| (what_tells(&other), other.path));
        let mut same = others.filter(|(of_other, path)| *of_other == what_tells(file) && self.drives.is_gone(path));
        Ok(same.next().map(|(_, path)| path))
    }

    /// Files whose primaries gave no image, to be taken for images themselves; each once.
    pub fn take_left_alone(&mut self) -> Option<Vec<Candidate>> {
        Some(std::mem::take(&mut self.left_alone)).filter(|files| !files.is_empty())
    }

    /// Marks files whose images were found elsewhere and that nothing was moved from. Their folder
    /// need not have been walked.
    pub fn mark_gone(&mut self) -> Result<(), IndexError> {
        for path in std::mem::take(&mut self.gone) {
            if self.index.file(&path)?.is_some_and(|file| !file.missing) && self.drives.is_gone(&path) {
                self.index.mark_missing(&path)?;
                self.report.change(FileEvent::Missing(path));
            }
        }
        self.commit()
    }

    /// The image lost its file to another content and is found again under another name.
    fn bring_back(&mut self, file: &Known, image: Displaced) -> Result<(), IndexError> {
        self.make_room(file, None)?;
        let Displaced { mut record, vector, regions, path: from } = image;
        // Further frames are not kept; they are made again before the run ends.
        record.moment = record.moment.map(|moment| Moment { complete: false, ..moment });
        // Under a new number they would pass for new ones.
        let regions = regions.filter(|_| self.index.rebuild_left().is_none());
        let id = self.index.add_stored(record, &vector, regions, file.record(ImageId(0)))?;
        self.report.change(FileEvent::Moved { from, to: file.path.clone() });
        self.put_companions(id, &file.path, file.companions.clone())?;
        self.set_facts(file, id)
    }

    /// Keeps the image that is about to lose its last file to `file`.
    fn make_room(&self, file: &Known, by: Option<ImageId>) -> Result<(), IndexError> {
        let old = self.index.file(&file.path)?.filter(|old| Some(old.image) != by);
        old.map_or(Ok(()), |old| self.keep_image_of(old))
    }

    /// Keeps the image of a file that is about to hold it no more, if no other does.
    fn keep_image_of(&self, old: FileRecord) -> Result<(), IndexError> {
        if !old.role.is_companion() && !self.index.has_other_primary(old.image, &old.path)? {
            self.claims.displace(self.index, old)?;
        }
        Ok(())
    }

    /// Date, place, words and the like of an image are those in its bytes and in the sidecars of
    /// its files and companions: this one and up to [`MOST_SIDECARS`] others.
    fn set_facts(&mut self, file: &Known, id: ImageId) -> Result<(), IndexError> {
        let mut metadata = file.metadata.clone();
        let others = self.index.some_files_of(id, MOST_SIDECARS)?;
        let others = others.iter().filter(|other| other.path != file.path && !other.missing);
        let others = others.map(|other| (&other.path, other.sidecar_modified)).collect();
        metadata.add_sidecars(self.read_sidecars(file, others));
        let Metadata { taken, place, exposure, rating, .. } = metadata;
        let (caption, keywords) = metadata.words.into_fields();
        self.index.set_facts(id, Facts { taken, place, caption, keywords, exposure, rating })
    }

    /// What the sidecars of a file say, and then those of `others` that have some.
    fn read_sidecars(&mut self, file: &Known, others: Vec<(&PathBuf, i64)>) -> Metadata {
        let mut found = Metadata::default();
        for (path, modified) in std::iter::once((&file.path, file.sidecar_modified)).chain(others) {
            if modified != 0 {
                found.fill(self.read_sidecars_of(path));
            }
        }
        found
    }

    /// Nothing, if the drive does not answer.
    fn read_sidecars_of(&mut self, image: &Path) -> Metadata {
        let mut sidecars = std::mem::take(&mut self.sidecars);
        let read = move |image: &Path| {
            let found = sidecars.read(image);
            (found, sidecars)
        };
        let Some((found, sidecars)) = self.drives.ask(image, read) else { return Metadata::default() };
        self.sidecars = sidecars;
        found
    }

    fn rejected(&mut self, path: PathBuf, outcome: Outcome, companions: Vec<Companion>) -> Result<(), IndexError> {
        let known = self.index.file(&path)?;
        // A file that became unreadable may be the same as ever; one that is no image any more is
        // not.
        let is_lost = matches!(outcome, Outcome::Skipped(_));
        let holds = known.as_ref().filter(|file| !file.missing && !file.role.is_companion() && !is_lost);
        let image = holds.map(|file| file.image);
        match known {
            // It is nobody's companion any more, and nothing by itself.
            Some(file) if is_lost && file.role.is_companion() => {
                self.index.remove_file(&path)?;
                self.report.change(outcome.event(path.clone()));
            }
            Some(file) if is_lost && !file.missing => {
                self.index.mark_missing(&path)?;
                self.report.change(outcome.event(path.clone()));
            }
            _ => self.report.event(outcome.event(path.clone())),
        }
        match image {
            Some(image) => self.put_companions(image, &path, companions),
            None => {
                self.leave_alone(companions);
                Ok(())
            }
        }
    }

    /// Companions of a file that gave no image are images themselves, as far as they can be.
    fn leave_alone(&mut self, companions: Vec<Companion>) {
        self.left_alone.extend(Companion::on_their_own(companions));
    }
}
