//! Moving the vectors of a library to a server, or back: nothing is encoded again, since the store
//! has all of them, and files those of regions that the store gave up, which stay.

use std::ops::ControlFlow;

use super::Outside;
use super::feed::Sending;
use crate::backend::VectorsAt;
use crate::{Index, IndexError, Manifest};

impl Outside {
    /// A place with a name for a new generation.
    pub fn named(at: &VectorsAt) -> VectorsAt {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&now.as_nanos().to_le_bytes()).update(&std::process::id().to_le_bytes());
        hasher.update(at.url.as_bytes());
        VectorsAt { name: hasher.finalize().to_hex()[..12].to_owned(), ..at.clone() }
    }
}

impl Index {
    /// Has a server search the vectors from the next opening on: sends all of them, and then
    /// records where they are. `progress` is told how many images of how many are sent, and ends it
    /// when it breaks; then nothing was moved. False if it was ended.
    ///
    /// # Errors
    /// [`IndexError::Vectors`]; otherwise if the store fails.
    pub fn move_vectors_to(
        &self,
        at: &VectorsAt,
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<bool, IndexError> {
        self.require_writable()?;
        let _finishing = self.writer.lock_finishing();
        // Files of regions stay as they are, and what they lack stays in the store.
        let _regions = self.writer.lock_regions();
        let before = self.manifest();
        let at = Outside::named(at);
        let outside = Outside::open(&self.store, &at, self.scan.dim())?;
        let mut is_ended = false;
        let sent = {
            let mut watched = |done, all| {
                let goes_on = progress(done, all);
                is_ended |= goes_on.is_break();
                goes_on
            };
            let mut sending: Box<Sending<'_>> = Box::new(&mut watched);
            self.feed(&outside, true, &mut *sending)
        };
        if sent.is_err() || is_ended {
            // What is left there would belong to nobody.
            _ = outside.backend.drop_all();
            self.forget_feeding(&at.name)?;
            return sent.map(|()| false);
        }
        outside.backend.flush()?;
        {
            let _writer = self.writer.lock();
            self.put_manifest(Manifest { vectors_at: Some(at), ..self.manifest() })?;
            // They would take up room, and know nothing of what changes from here on.
            self.drop_graph()?;
        }
        if let Some(before) = &before.vectors_at {
            self.forget_feeding(&before.name)?;
        }
        self.store.sync()?;
        Self::leave(&before);
        Ok(true)
    }

    /// Searches the vectors in this process from the next opening on; they are removed from the
    /// server. What the server says to that, if it does not do so: its collections are left over.
    ///
    /// # Errors
    /// If the store fails.
    pub fn move_vectors_here(&self) -> Result<Option<String>, IndexError> {
        self.require_writable()?;
        let _finishing = self.writer.lock_finishing();
        let before = self.manifest();
        {
            let _writer = self.writer.lock();
            self.put_manifest(Manifest { vectors_at: None, ..self.manifest() })?;
        }
        if let Some(at) = &before.vectors_at {
            self.forget_feeding(&at.name)?;
        }
        self.store.sync()?;
        Ok(Self::leave(&before))
    }

    /// Removes what a server holds of a generation, if one does; else why that cannot be done.
    pub(crate) fn leave(generation: &Manifest) -> Option<String> {
        let at = generation.vectors_at.as_ref()?;
        let left = super::backend_at(at, generation.model.dim).and_then(|backend| backend.drop_all());
        left.err().map(|error| error.to_string())
    }
}
