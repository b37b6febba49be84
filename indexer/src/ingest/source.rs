//! Where the work of a run comes from: files that are found, and images of the index that lack
//! something.

use std::sync::atomic::Ordering::Relaxed;

use crossbeam_channel::Sender;
use glimpse_encoder::Encode;

use super::IngestOptions;
use super::item::{Incomplete, Message, Outcome, Wants, Work};
use super::shared::Shared;
use super::walk::{Found, Walked, Walker};
use crate::{FileRecord, IdSet, Index, IndexError};

/// Takes what a source finds. Each call is `false` when the run is over.
pub(super) struct Outlet<'a> {
    pub shared: &'a Shared<'a>,
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
pub(super) fn files(options: &IngestOptions, outlet: &Outlet<'_>) -> Walked {
    std::thread::scope(|scope| {
        scope.spawn(|| count(options, outlet.shared));
        walk(options, outlet)
    })
}

fn walk(options: &IngestOptions, outlet: &Outlet<'_>) -> Walked {
    let shared = outlet.shared;
    let lost = |path, outcome| outlet.tell(Message::Rejected { path, outcome });
    let sink = |found| {
        if matches!(found, Found::Candidate(_) | Found::Unread(..) | Found::LinkOut(_)) {
            shared.found.fetch_add(1, Relaxed);
        }
        match found {
            Found::Folder | Found::Counted => !shared.is_over(),
            Found::Candidate(candidate) => outlet.send(Work::File(candidate)),
            Found::Unread(path, kind) => {
                lost(path, Outcome::Skipped(format!("{kind}, which is not a supported format")))
            }
            Found::LinkOut(path) => {
                let reason = "a link out of the folder, which is followed with --follow-links";
                lost(path, Outcome::LeftOut(reason.to_owned()))
            }
            Found::Failed(path, reason) => lost(path, Outcome::Failed(reason)),
        }
    };
    let walker = Walker::new(&options.roots, options.hidden, &options.devices, sink);
    let walked = walker.following_links(options.follow_links).within(options.scope.as_ref()).run();
    shared.walk_done.store(walked.complete, Relaxed);
    walked
}

/// Counts the files of all folders, unless the walk comes to its end before.
fn count(options: &IngestOptions, shared: &Shared<'_>) {
    let sink = |found| {
        if matches!(found, Found::Counted | Found::LinkOut(_)) {
            shared.counted.fetch_add(1, Relaxed);
        }
        !shared.walk_done.load(Relaxed) && !shared.is_over()
    };
    let walker = Walker::new(&options.roots, options.hidden, &options.devices, sink).counting();
    let walked = walker.following_links(options.follow_links).within(options.scope.as_ref()).run();
    shared.count_done.store(walked.complete, Relaxed);
}

/// All images under the roots that lack regions or a caption, as far as these are wanted.
pub(super) fn incomplete(
    index: &Index,
    encoder: &dyn Encode,
    options: &IngestOptions,
    outlet: &Outlet<'_>,
) -> Result<(), IndexError> {
    let captioned = options.captions.is_some() && encoder.decoder()?.is_some();
    let mut seen = IdSet::default();
    let mut send = |file: FileRecord| {
        let id = file.image;
        if file.missing || !seen.insert(id) {
            return Ok(!outlet.shared.is_over());
        }
        let regions = options.regions.refill && !index.has_regions(id)?;
        let caption = captioned && index.image(id)?.is_some_and(|record| record.model_caption.is_none());
        let lacks = regions || caption;
        let wants = Wants { regions, caption };
        Ok(if lacks { outlet.send(Work::Image(Incomplete { id, file, wants })) } else { !outlet.shared.is_over() })
    };
    for root in &options.roots {
        if !index.each_file_under(root, &mut send)? {
            break;
        }
    }
    Ok(())
}
