//! Where the work of a run comes from: files that are found, and images of the index that lack
//! something.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::Builder;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use glimpse_encoder::Encode;

use super::walk::{Candidate, Found, Walked, Walker};
use crate::ingest::drives::calls::Drives;
use crate::ingest::options::IngestOptions;
use crate::ingest::pipeline::item::{Incomplete, Message, Outcome, Wants, Work};
use crate::ingest::pipeline::shared::Shared;
use crate::{FileRecord, IdSet, ImageId, Index, IndexError, Reason, ReasonCode};

/// Takes what a source finds. Each call is `false` when the run is over.
pub(crate) struct Outlet<'a> {
    pub shared: &'a Shared<'a>,
    pub drives: &'a Drives<'a>,
    pub work: Sender<Work>,
    pub write: Sender<Message>,
}

impl Outlet<'_> {
    /// Gives work to the threads that read files.
    pub fn send(&self, work: Work) -> bool {
        self.work.send(work).is_ok() && !self.shared.is_over()
    }

    /// Tells the writer of something that needs no work.
    pub fn tell(&self, message: Message) -> bool {
        self.write.send(message).is_ok() && !self.shared.is_over()
    }
}

/// All files under the roots. Beside the walk a thread counts them, so that it is soon known how
/// many there are, however long they take.
///
/// # Errors
/// If the system gives no thread.
pub(crate) fn files(options: &IngestOptions, outlet: &Outlet<'_>) -> Result<Walked, IndexError> {
    std::thread::scope(|scope| {
        scope.spawn(|| count(options, outlet.shared));
        find(options, outlet)
    })
}

fn find(options: &IngestOptions, outlet: &Outlet<'_>) -> Result<Walked, IndexError> {
    let shared = outlet.shared;
    let lost = |path, outcome| outlet.tell(Message::rejected(path, outcome));
    let sink = |found| {
        let files = match &found {
            Found::Candidate(candidate) => 1 + candidate.companions.len(),
            Found::LinkOut(_) => 1,
            Found::Folder(_) | Found::Counted | Found::Failed(..) => 0,
        };
        shared.found.fetch_add(files, Relaxed);
        match found {
            Found::Folder(_) | Found::Counted => !shared.is_over(),
            Found::Candidate(candidate) => outlet.send(Work::File(candidate)),
            Found::LinkOut(path) => {
                let text = "a link out of the folder, which is followed with --follow-links";
                lost(path, Outcome::LeftOut(Reason::new(ReasonCode::LinkOut, text)))
            }
            Found::Failed(path, reason) => lost(path, Outcome::Failed(reason)),
        }
    };
    let walked = walk(options, false, || shared.is_over(), sink)?;
    shared.walk_done.store(walked.complete, Relaxed);
    Ok(walked)
}

/// Files whose primaries came to nothing.
pub(crate) fn on_their_own(files: Vec<Candidate>, outlet: &Outlet<'_>) {
    files.into_iter().all(|file| outlet.send(Work::File(file)));
}

/// Counts the files of all folders, unless the walk comes to its end before.
fn count(options: &IngestOptions, shared: &Shared<'_>) {
    let is_over = || shared.walk_done.load(Relaxed) || shared.is_over();
    let sink = |found| {
        if matches!(found, Found::Counted | Found::LinkOut(_)) {
            shared.counted.fetch_add(1, Relaxed);
        }
        !is_over()
    };
    // Without it, the number of files is known when they are found.
    if let Ok(counted) = walk(options, true, is_over, sink) {
        shared.count_done.store(counted.complete, Relaxed);
    }
}

/// What a walk tells.
enum Step {
    Found(Found),
    Ended(Walked),
}

/// How long a walk may say nothing: a drive that takes longer for one folder is taken for dead.
const SILENCE: Duration = Duration::from_secs(120);
/// How soon it is noticed that the run is over.
const TICK: Duration = Duration::from_millis(50);
/// What waits between the walk and who takes what it finds.
const STEPS: usize = 256;

/// Walks over the roots on a thread of its own, and gives what it finds to `sink`, which ends the
/// walk by `false`. A walk that says nothing any more, or nothing while the run `is_over`, is left
/// behind and counts as not complete: a drive that hangs keeps its thread for ever.
///
/// # Errors
/// If the system gives no thread, or the walk panics.
pub(crate) fn walk(
    options: &IngestOptions,
    only_counts: bool,
    is_over: impl Fn() -> bool,
    mut sink: impl FnMut(Found) -> bool,
) -> Result<Walked, IndexError> {
    let (tell, steps) = bounded(STEPS);
    let options = options.clone();
    let mut last = options.roots.first().cloned().unwrap_or_default();
    let walk = move || {
        let sink = |found| tell.send(Step::Found(found)).is_ok();
        let walker = Walker::new(&options.roots, options.hidden, &options.devices, sink);
        let walker = if only_counts { walker.counting() } else { walker };
        let walker = walker.following_links(options.follow_links).pairing(options.pairs());
        let walked = walker.within(options.scope.as_ref()).run();
        // Nobody waits for it if it was left behind.
        let _ = tell.send(Step::Ended(walked));
    };
    let failed = |path: &Path, source| IndexError::Io { path: path.to_path_buf(), source };
    Builder::new().name("glimpse-walk".to_owned()).spawn(walk).map_err(|error| failed(&last, error))?;
    let mut heard = Instant::now();
    loop {
        match steps.recv_timeout(TICK) {
            Ok(Step::Ended(walked)) => return Ok(walked),
            Ok(Step::Found(found)) => {
                if let Found::Folder(path) = &found {
                    last.clone_from(path);
                }
                if !sink(found) {
                    return Ok(Walked::default());
                }
                heard = Instant::now(); // after the sink, which may wait for others
            }
            Err(RecvTimeoutError::Timeout) if is_over() => return Ok(Walked::default()),
            Err(RecvTimeoutError::Timeout) if heard.elapsed() > SILENCE => {
                let text = format!("the drive has not answered for {} s; the run ends here", SILENCE.as_secs());
                sink(Found::Failed(last, Reason::new(ReasonCode::Unreachable, text)));
                return Ok(Walked::default());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(failed(&last, io::Error::other("looking for images ended by a fault of the program")));
            }
        }
    }
}

/// Videos of which not all frames came into the index, or what may be one, by files that are there.
pub(crate) fn videos(index: &Index, ids: &[ImageId], outlet: &Outlet<'_>) -> Result<(), IndexError> {
    for &id in ids {
        let files = index.files_of(id)?;
        let is_there =
            |file: &&FileRecord| !file.missing && outlet.drives.ask(&file.path, Path::exists).unwrap_or(false);
        if let Some(file) = files.iter().find(is_there)
            && !outlet.send(Work::Video(id, file.clone()))
        {
            break;
        }
    }
    Ok(())
}

/// All images under the roots that lack regions or a caption, as far as these are wanted.
pub(crate) fn incomplete(
    index: &Index,
    encoder: &dyn Encode,
    options: &IngestOptions,
    outlet: &Outlet<'_>,
) -> Result<(), IndexError> {
    let captioned = options.captions.is_some() && encoder.decoder()?.is_some();
    let mut seen = IdSet::default();
    let mut send = |file: FileRecord| {
        if file.missing || file.role.is_companion() || !seen.insert(file.image) {
            return Ok(!outlet.shared.is_over());
        }
        for id in index.frames_of(file.image) {
            let regions = options.regions.refill && !index.has_regions(id)?;
            // Nobody asks for the words of a further frame.
            let is_told = captioned && id == file.image;
            let caption = is_told && index.image(id)?.is_some_and(|record| record.model_caption.is_none());
            let wants = Wants { regions, caption };
            let incomplete = Incomplete { id, file: file.clone(), wants };
            if (regions || caption) && !outlet.send(Work::Image(incomplete)) {
                return Ok(false);
            }
        }
        Ok(!outlet.shared.is_over())
    };
    for root in &options.roots {
        if !index.each_file_under(root, &mut send)? {
            break;
        }
    }
    Ok(())
}
