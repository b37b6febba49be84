//! Where the vectors of a library's generations are searched.

use std::sync::Weak;

use super::catalogue::{Catalogue, Generation};
use super::{Library, folders};
use crate::{Index, IndexError, IndexOptions, Manifest};

impl Library {
    /// Vectors are searched where the options ask for.
    ///
    /// # Errors
    /// [`IndexError::OtherPlace`].
    pub(super) fn require_place(&self, index: &Index) -> Result<(), IndexError> {
        let kept = index.vectors_at();
        match &self.options.vectors_at {
            Some(asked) if kept.is_none_or(|kept| kept.url != asked.url) => Err(IndexError::OtherPlace {
                dir: self.home.clone(),
                kept: kept.map_or_else(|| "in this process".to_owned(), |kept| format!("at {}", kept.url)),
                asked: asked.url.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// The options of a new generation, whose vectors are searched where those of the serving one
    /// are, unless something else is asked for.
    pub(super) fn options_of_new(&self, catalogue: &Catalogue) -> IndexOptions {
        // A program that cannot ask a server could not have opened a library that is on one.
        let serving = match (&self.options.vectors_at, &catalogue.serving) {
            (None, Some(serving)) if cfg!(feature = "milvus") => self.manifest_of(serving).ok().flatten(),
            _ => None,
        };
        let inherited = serving.and_then(|manifest| manifest.vectors_at);
        IndexOptions { vectors_at: self.options.vectors_at.clone().or(inherited), ..self.options.clone() }
    }

    /// Removes from its server what was searched of a generation whose place `new` took. What
    /// cannot be removed is left there, and nobody asks for it.
    pub(super) fn leave_server_of(&self, old: &Generation, new: &Index) {
        // Only a library that is searched by a server has left one.
        if new.vectors_at().is_some()
            && let Ok(Some(manifest)) = self.manifest_of(old)
        {
            Index::leave(&manifest);
        }
    }

    /// What a generation says of itself, also one that this process has open.
    fn manifest_of(&self, generation: &Generation) -> Result<Option<Manifest>, IndexError> {
        if let Some(index) = self.open.lock().get(&generation.number).and_then(Weak::upgrade) {
            return Ok(Some(index.manifest()));
        }
        Ok(Index::account_of(&folders::dir_of(&self.home, generation.number))?.map(|(manifest, _)| manifest))
    }
}
