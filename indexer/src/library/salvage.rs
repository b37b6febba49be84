//! A new generation from what can be had of one that cannot be opened, or not read to its end. The
//! damaged one is renamed and kept until an index run has succeeded.

use std::path::Path;

use super::catalogue::{Catalogue, Generation};
use super::{Library, folders, io};
use crate::index::VerifyReport;
use crate::store::{LogState, Store};
use crate::words::WordIndex;
use crate::{Index, IndexError};

/// What is wrong with the log of a store.
#[derive(Clone, Copy)]
enum Fault {
    /// There is none.
    Absent,
    /// So many places of it are not as they were written; none, if what they say does not make a
    /// store.
    Damaged(usize),
}

impl Library {
    /// Brings back what can be had of a generation that cannot be opened or read to its end; what
    /// was done, in words.
    pub(super) fn rescue(&self) -> Result<(VerifyReport, String), IndexError> {
        let generation = {
            let _lock = self.lock()?;
            self.damaged_generation()?
        };
        let store = folders::dir_of(&self.home, generation.0).join("sled");
        if Store::is_open_somewhere(&store).map_err(|source| io(&store, source))? {
            let holder = Store::holder(&store);
            return Err(IndexError::InUse { dir: store, holder });
        }
        if !Store::exists(&store)? {
            return self.salvage(generation, Fault::Absent);
        }
        let fault = match Store::check_log(&store)? {
            LogState::Damaged(places) => Fault::Damaged(places),
            LogState::Sound => {
                Store::remove_derived(&store)?;
                match self.mend().and_then(|_| self.open()).and_then(|index| index.verify(true)) {
                    Err(IndexError::Lost { .. }) => Fault::Damaged(0),
                    report => {
                        let mended = "made anew what the store derives from its log, which is sound; nothing is lost";
                        return Ok((report?, mended.to_owned()));
                    }
                }
            }
        };
        self.salvage(generation, fault)
    }

    /// The number of the generation that serves, and what `library.json` says of it, which is
    /// written anew by the logs of the generations if it is damaged or not there. The caller holds
    /// the lock.
    fn damaged_generation(&self) -> Result<(u32, Option<Generation>), IndexError> {
        let catalogue = match Catalogue::read(&self.home) {
            Ok(Some(catalogue)) => catalogue,
            Ok(None) | Err(IndexError::Corrupt { .. }) => {
                let catalogue = self.catalogue_of_logs()?;
                if catalogue.serving.is_some() {
                    catalogue.write(&self.home)?;
                }
                catalogue
            }
            Err(error) => return Err(error),
        };
        let named = catalogue.serving;
        let number = match &named {
            Some(generation) => Some(generation.number),
            None => folders::numbers(&self.home)?.first().copied(),
        };
        let number = number.ok_or_else(|| IndexError::NoIndex { dir: self.home.clone() })?;
        Ok((number, named))
    }

    /// Makes a generation of what can be read of a damaged one, and lets it take its place.
    fn salvage(
        &self,
        (damaged, named): (u32, Option<Generation>),
        fault: Fault,
    ) -> Result<(VerifyReport, String), IndexError> {
        let _lock = self.lock()?;
        let mut catalogue = Catalogue::read(&self.home).ok().flatten().unwrap_or_default();
        let number = self.free_number(&catalogue)?;
        let (old, new) = (folders::dir_of(&self.home, damaged), folders::dir_of(&self.home, number));
        let model = named.map(|generation| generation.model);
        let index = Index::salvage(&old, &new, model.as_ref(), &self.options).inspect_err(|_| remove_begun(&new))?;
        let mut report = index.verify(true)?;
        index.note_promotion()?;
        index.finish()?;
        let kept = report.images.saturating_sub(report.forgotten);
        let mended = match fault {
            Fault::Damaged(places) => format!(
                "saved {kept} images from a log with {places} damaged places; index your folders again to encode what was \
                 lost. The damaged generation is kept as {}.retired until that has succeeded",
                old.display()
            ),
            Fault::Absent => {
                let known = WordIndex::count_in(&old.join("words"));
                report.forgotten = known.unwrap_or(0);
                let images = known.map_or("all images".to_owned(), |count| format!("all {count} images"));
                format!(
                    "began an empty generation for the model `{}`. Lost: records, vectors and regions of {images}, and \
                     which folders they came from; index your folders again. What is left of the old generation is kept \
                     as {}.retired until that has succeeded",
                    index.manifest().model.name,
                    old.display()
                )
            }
        };
        catalogue.serving = Some(Generation { number, model: index.manifest().model });
        catalogue.write(&self.home)?;
        drop(index);
        self.retire_now(damaged, &old);
        Ok((report, mended))
    }

    /// Retires a generation that the catalogue does not name any more. If somebody reads it, the
    /// next index run does.
    pub(super) fn retire_now(&self, number: u32, dir: &Path) {
        if folders::retire(dir) {
            self.retired.lock().insert(number);
        }
    }
}

/// Nothing but copies is in a generation that could not be completed.
fn remove_begun(dir: &Path) {
    let _ = std::fs::remove_dir_all(dir);
}
