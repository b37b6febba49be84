//! New regions for all images of an index, in order of their numbers, so that a run that is stopped
//! can be gone on with.

use std::collections::BTreeSet;
use std::path::Path;

use parking_lot::Mutex;

use super::source::Outlet;
use crate::ingest::event::FileEvent;
use crate::ingest::pipeline::item::{Incomplete, Message, NotMade, Wants, Work};
use crate::{ImageId, Index, IndexError, Reason, ReasonCode, RegionRebuild};

/// How far a rebuild has come. The source says which images are on their way, the writer what
/// became of them.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Images from here on came after it began: they have new regions, or none.
    end: ImageId,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The image that comes next.
    next: ImageId,
    /// Images on their way.
    open: BTreeSet<ImageId>,
    /// Images that the model failed on since it last made regions: whether it is them or the model
    /// is not known yet.
    in_doubt: BTreeSet<ImageId>,
    /// What the index was told last.
    noted: ImageId,
}

impl Progress {
    /// Where the rebuild of an index stands; `None` if there is none.
    pub fn of(index: &Index) -> Option<Self> {
        let RegionRebuild { next, end } = index.rebuild_left()?;
        let state = State { next, open: BTreeSet::new(), in_doubt: BTreeSet::new(), noted: next };
        Some(Self { end, state: Mutex::new(state) })
    }

    /// The image has new regions. Given are the images whose regions must go: the model works, so
    /// it failed because of them.
    pub fn made(&self, id: ImageId) -> BTreeSet<ImageId> {
        let mut state = self.state.lock();
        state.open.remove(&id);
        std::mem::take(&mut state.in_doubt)
    }

    /// No regions could be made of the image. True if its regions must go: those that could not be
    /// made anew must not be compared with those that were.
    pub fn not_made(&self, id: ImageId, model_failed: bool) -> bool {
        let mut state = self.state.lock();
        if model_failed {
            state.in_doubt.insert(id);
        }
        state.open.remove(&id) && !model_failed
    }

    /// Tells the index from which image on another run has to go on.
    pub fn note(&self, index: &Index) -> Result<(), IndexError> {
        let mut state = self.state.lock();
        let first = state.open.iter().chain(&state.in_doubt).copied().min();
        let next = first.map_or(state.next, |first| first.min(state.next));
        if next > state.noted {
            index.note_rebuild(Some(RegionRebuild { next, end: self.end }))?;
            state.noted = next;
        }
        Ok(())
    }

    /// Ends the rebuild if it is known of all images what became of them.
    pub fn finish(&self, index: &Index) -> Result<(), IndexError> {
        let state = self.state.lock();
        if !state.open.is_empty() || state.next < index.end() {
            return Ok(());
        }
        state.in_doubt.iter().try_for_each(|&id| index.remove_regions(id))?;
        index.note_rebuild(None)
    }

    /// Whether an image needs new regions; if so, it is on its way from now on.
    fn take(&self, index: &Index, id: ImageId) -> Result<bool, IndexError> {
        let known = index.image(id).is_ok_and(|record| record.is_some());
        let stale = known && (id < self.end || !index.has_regions(id)?);
        let mut state = self.state.lock();
        if stale {
            state.open.insert(id);
        }
        state.next = ImageId(id.0 + 1);
        Ok(stale)
    }
}

/// All images that a rebuild has not come to.
pub(crate) fn images(index: &Index, progress: &Progress, outlet: &Outlet<'_>) -> Result<(), IndexError> {
    let mut next = progress.state.lock().next;
    loop {
        let end = index.end();
        if next >= end {
            return Ok(());
        }
        for id in (next.0..end.0).map(ImageId) {
            if outlet.shared.is_over() || progress.take(index, id)? && !send(index, id, outlet)? {
                return Ok(());
            }
        }
        next = end;
    }
}

/// Sends an image by a file that is there, as far as there is one. `false` if the run is over.
fn send(index: &Index, id: ImageId, outlet: &Outlet<'_>) -> Result<bool, IndexError> {
    let files = index.files_of(id)?;
    let is_there = |path: &Path| outlet.drives.ask(path, Path::exists).unwrap_or(false);
    let file = files.iter().find(|file| !file.missing && is_there(&file.path)).or(files.first()).cloned();
    let event = match file {
        Some(file) if !file.missing => {
            let wants = Wants { regions: true, caption: false };
            return Ok(outlet.send(Work::Image(Incomplete { id, file, wants })));
        }
        Some(file) => {
            let text = "it is missing, so its regions cannot be made anew and are dropped";
            let reason = Reason::new(ReasonCode::NotFound, text);
            Some(FileEvent::Skipped { path: file.path, reason })
        }
        None => None,
    };
    Ok(outlet.tell(Message::NotMade(NotMade { id, event, model_failed: false })))
}
