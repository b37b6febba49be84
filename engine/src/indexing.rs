//! Bringing the library up to date, and changing its model without a gap in service.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use glimpse_encoder::{Encode, ModelInfo};
use glimpse_indexer::ingest::{FileEvent, IngestOptions, Losses, Observer, Summary, ingest, losses};
use glimpse_indexer::{IndexError, Reason, ReasonCode};
use jiff::Timestamp;

use crate::caption::decoder_of;
use crate::control::YieldingEncoder;
use crate::runs::RunBy;
use crate::served::Served;
use crate::{Engine, EngineError, RunControl};

impl Engine {
    /// Brings the library up to date with folders. With a model that gives images the same vectors,
    /// such as one that was trained further for texts alone, nothing is encoded again, and the
    /// library is that model's from then on. With another model than the library's, a second
    /// generation is built beside the first from these folders and all that were indexed before and
    /// are still there; the first serves until the second is complete. A run that was stopped goes
    /// on where it was when it is started again. A second generation that lacks what a drive which
    /// is away, or files that could not be read, gave the first does not take its place
    /// ([`Summary::kept_old`]), unless `force` is set.
    ///
    /// # Errors
    /// If the model or the store fails, a folder is neither there nor known, or another run is
    /// under way; bad images are events.
    pub fn index(
        &self,
        options: &IngestOptions,
        cancel: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<Summary, EngineError> {
        self.run(options, cancel, None, observer)
    }

    /// As [`Engine::index`], in the background of a server: the run can be paused, and gives way to
    /// queries.
    ///
    /// # Errors
    /// As [`Engine::index`].
    pub fn index_in_background(
        &self,
        options: &IngestOptions,
        control: &RunControl,
        observer: &mut dyn Observer,
    ) -> Result<Summary, EngineError> {
        self.run(options, control.cancel_flag(), Some(control), observer)
    }

    fn run(
        &self,
        options: &IngestOptions,
        cancel: &AtomicBool,
        background: Option<&RunControl>,
        observer: &mut dyn Observer,
    ) -> Result<Summary, EngineError> {
        let _running = self.turns.claim()?;
        let began = Timestamp::now();
        let ended = self.run_alone(options, cancel, background, observer);
        if !options.dry_run {
            let by = if background.is_some() { RunBy::Server } else { RunBy::CommandLine };
            self.note_run(began, by, &options.roots, &ended);
        }
        ended
    }

    /// The caller has the turn.
    pub(crate) fn run_alone(
        &self,
        options: &IngestOptions,
        cancel: &AtomicBool,
        background: Option<&RunControl>,
        observer: &mut dyn Observer,
    ) -> Result<Summary, EngineError> {
        let encoder = self.chosen()?;
        if let Some(language) = &options.captions {
            check_language(encoder.as_ref(), language)?;
        }
        if options.prune && !options.dry_run {
            // Before the library is opened: on a full drive, opening it needs room too.
            self.library.release_reserve()?;
        }
        let serving = match self.wait_until_open() {
            Ok(served) => Some(served),
            Err(EngineError::Index(IndexError::NoIndex { .. })) => None,
            Err(error) => return Err(error),
        };
        if let Some(served) = serving.as_ref().filter(|_| !options.dry_run) {
            self.note_image_fingerprint(served, encoder.info())?;
        }
        let same = serving.as_ref().filter(|index| encoder.info().has_images_of(&index.manifest().model));
        if options.dry_run && same.is_none() {
            let reason = "a rehearsal needs a library that was made with this model; there is none yet";
            return Err(EngineError::BadRequest(reason.to_owned()));
        }
        // Before an index is made for nothing.
        options.check_roots(same.map(|served| served.index().as_ref()))?;
        let mut options = options.clone();
        options.regions.choice.check().map_err(EngineError::BadRequest)?;
        if options.regions.make || options.captions.is_some() {
            options.regions.registers = Some(self.registers(encoder.as_ref())?);
        }
        let mut left_out = Vec::new();
        if same.is_none() {
            let known = serving.iter().flat_map(|index| index.manifest().roots);
            let (there, gone): (Vec<_>, Vec<_>) = known.partition(|root| self.real_path(root).is_ok());
            options.roots.extend(there);
            left_out = gone;
        }
        let target = self.library.open_for(encoder.info(), true)?;
        if !options.dry_run && self.library.take_model(&target, encoder.info())? && same.is_some() {
            // What was remembered of answers, and of what scores mean, is of the texts of before.
            self.serve_anew(Arc::clone(&target));
        }
        if let (None, Some(old)) = (same, &serving) {
            target.take_over_mounts(old)?;
        }
        // Another model's regions are made as those of the library were.
        let known = target.manifest().regions.or_else(|| serving.as_ref()?.manifest().regions);
        if let Some(known) = known {
            options.regions.choice = options.regions.choice.or(&known.config);
        }
        // What was said of the library holds for the generation that takes its place.
        options.pairs = options.pairs.or_else(|| Some(serving.as_ref()?.manifest().pairs));
        left_out.iter().cloned().map(left_out_of_new).for_each(|event| observer.event(&event));
        let summary = match background {
            None => ingest(&target, encoder.as_ref(), &options, cancel, observer),
            Some(control) => {
                let yielding =
                    YieldingEncoder { encoder: encoder.as_ref(), control, active_queries: &self.active_queries };
                ingest(&target, &yielding, &options, cancel, observer)
            }
        };
        let mut summary = summary?;
        summary.skipped += left_out.len();
        if summary.cancelled || options.dry_run {
            if serving.is_none() {
                self.serve(target);
            }
            return Ok(summary);
        }
        self.banks.of(encoder.as_ref())?; // so that the first query need not wait for it
        if let (None, Some(old), false) = (same, &serving, options.force) {
            let losses = losses(old, &target, &options.devices)?;
            summary.kept_old = losses.are_suspicious();
            let events = if summary.kept_old { against_promotion(losses) } else { left_out_folders(losses) };
            *if summary.kept_old { &mut summary.failed } else { &mut summary.skipped } += events.len();
            events.iter().for_each(|event| observer.event(event));
        }
        // A generation that is new gets them before it serves.
        let (known, before) = match same {
            // Anew, if the model's texts are others now.
            Some(served) => (self.if_open().unwrap_or_else(|| Arc::clone(served)), None),
            None => (Arc::new(Served::new(Arc::clone(&target), Arc::clone(&self.banks))), serving.as_deref()),
        };
        let mut tell = |done, all| observer.tagged(done, all);
        let is_tagged = self.tag_what_came(&known, before, encoder.as_ref(), cancel, &mut tell)?;
        if !summary.kept_old {
            self.library.promote(&target)?;
            self.serve(target);
        }
        summary.cancelled = !is_tagged;
        Ok(summary)
    }
}

impl Engine {
    /// A library of a program that knew no fingerprint of the images' side is told that of its
    /// model, if this is to be had and `chosen`, which has to be compared with it, is another.
    fn note_image_fingerprint(&self, served: &Served, chosen: &ModelInfo) -> Result<(), EngineError> {
        let model = served.manifest().model;
        let is_unknown = model.image_fingerprint.is_none() && chosen.image_fingerprint.is_some();
        if is_unknown
            && model.fingerprint != chosen.fingerprint
            && let Ok(own) = self.encoder_for(served)
        {
            self.library.take_model(served.index(), own.info())?;
        }
        Ok(())
    }
}

/// Why a new generation that lacks so much should not take the old one's place.
fn against_promotion(Losses { unread, away, folders, .. }: Losses) -> Vec<FileEvent> {
    /// Unread files that are named.
    const NAMED: usize = 20;
    let kept = "the library as it was goes on serving, and the new index is kept beside it. Mount the drive, if one is \
                away, and index again; or add --force";
    let of_mount = |(path, files)| {
        let reason = format!(
            "a drive was mounted here when {files} files were indexed from it, and is not now; they are not in the new \
             index: {kept}"
        );
        FileEvent::Failed { path, reason: Reason::new(ReasonCode::DriveAway, reason) }
    };
    let of_folder = |(path, files)| {
        let reason = format!("{files} files that were indexed from here are not in the new index: {kept}");
        FileEvent::Failed { path, reason: Reason::new(ReasonCode::OldIndexServes, reason) }
    };
    let of_file = |path| FileEvent::Failed {
        path,
        reason: Reason::new(
            ReasonCode::OldIndexServes,
            format!("it was indexed before, and is not in the new index: {kept}"),
        ),
    };
    let files = unread.into_iter().take(NAMED).map(of_file);
    files.chain(away.into_iter().map(of_mount)).chain(folders.into_iter().map(of_folder)).collect()
}

/// Folders of which nothing is left, few enough for the new generation to do without them.
fn left_out_folders(losses: Losses) -> Vec<FileEvent> {
    let of_folder = |(path, files)| {
        let reason = format!(
            "{files} files were indexed from here before and are gone, so they are left out of the new index; if they \
             come back, index again"
        );
        FileEvent::Skipped { path, reason: Reason::new(ReasonCode::LeftOutOfNewIndex, reason) }
    };
    losses.folders.into_iter().map(of_folder).collect()
}

/// A folder that was indexed for the old model, and that the new one cannot look at.
fn left_out_of_new(root: PathBuf) -> FileEvent {
    let reason = "it was indexed before and is not there now, so its images are left out of the new index; if it comes \
                  back, index it again";
    FileEvent::Skipped { path: root, reason: Reason::new(ReasonCode::LeftOutOfNewIndex, reason) }
}

/// Descriptions are asked for in a language: before a run begins is the time to say that the model
/// cannot write them.
fn check_language(encoder: &dyn Encode, language: &str) -> Result<(), EngineError> {
    let languages = decoder_of(encoder)?.languages();
    if languages.iter().any(|known| known == language) {
        return Ok(());
    }
    let known = languages.join(", ");
    Err(EngineError::BadRequest(format!("the model writes no captions in `{language}`; it writes them in {known}")))
}
