//! Checking a library, and mending it as a whole: what one generation cannot mend by itself.

use std::path::Path;

use super::catalogue::{Catalogue, Generation};
use super::{Library, folders, io};
use crate::index::VerifyReport;
use crate::store::{LogState, Store};
use crate::{Index, IndexError};

impl Library {
    /// Checks the generation that serves. `repair` mends what can be mended: `library.json`, what the store derived from
    /// its log, values and what is made anew from them. Of a store that is damaged itself, all that can be read goes into a
    /// new generation, and the damaged one is retired; the next index run encodes only what was lost.
    ///
    /// # Errors
    /// [`IndexError::NoIndex`], [`IndexError::InUse`], or if a store cannot be read or written; without `repair` also
    /// [`IndexError::Lost`] for a damaged store.
    pub fn verify(&self, repair: bool) -> Result<VerifyReport, IndexError> {
        let checked = || -> Result<VerifyReport, IndexError> {
            let mended = if repair { self.mend()? } else { None };
            let mut report = self.open()?.verify(repair)?;
            if let Some(problem) = mended {
                report.problems.insert(0, problem);
                report.repaired.insert(0, "made library.json anew from the generations beside it".to_owned());
            }
            Ok(report)
        };
        let mut report = match checked() {
            Err(damage @ IndexError::Lost { .. }) if repair => {
                let (mut report, mended) = self.rescue()?;
                report.problems.insert(0, damage.to_string());
                report.repaired.insert(0, mended);
                report
            }
            checked => checked?,
        };
        self.verify_collections(repair, &mut report);
        Ok(report)
    }

    /// Adds what is wrong with favourites and albums.
    fn verify_collections(&self, repair: bool, report: &mut VerifyReport) {
        let collections = self.collections();
        let Some(problem) = collections.problem() else { return };
        report.problems.push(problem);
        if repair && collections.mend().is_ok() {
            let mended = "wrote favourites and albums anew; the damaged file is kept as collections.damaged";
            report.repaired.push(mended.to_owned());
        }
    }

    /// Brings back what can be had of a generation that cannot be opened or read to its end; what was done, in words.
    fn rescue(&self) -> Result<(VerifyReport, String), IndexError> {
        let generation = {
            let _lock = self.lock()?;
            self.damaged_generation()?
        };
        let store = folders::dir_of(&self.home, generation.0).join("sled");
        if Store::is_open_somewhere(&store).map_err(|source| io(&store, source))? {
            let holder = Store::holder(&store);
            return Err(IndexError::InUse { dir: store, holder });
        }
        let places = match Store::check_log(&store)? {
            LogState::Damaged(places) => places,
            LogState::Sound => {
                Store::remove_derived(&store)?;
                match self.mend().and_then(|_| self.open()).and_then(|index| index.verify(true)) {
                    Err(IndexError::Lost { .. }) => 0,
                    report => {
                        let mended = "made anew what the store derives from its log, which is sound; nothing is lost";
                        return Ok((report?, mended.to_owned()));
                    }
                }
            }
        };
        self.salvage(generation, places)
    }

    /// The number of the generation that serves, and what `library.json` says of it.
    fn damaged_generation(&self) -> Result<(u32, Option<Generation>), IndexError> {
        let named = match Catalogue::read(&self.home) {
            Ok(catalogue) => catalogue.and_then(|catalogue| catalogue.serving),
            Err(IndexError::Corrupt { .. }) => None,
            Err(error) => return Err(error),
        };
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
        places: usize,
    ) -> Result<(VerifyReport, String), IndexError> {
        let _lock = self.lock()?;
        let mut catalogue = Catalogue::read(&self.home).ok().flatten().unwrap_or_default();
        let number = self.free_number(&catalogue)?;
        let (old, new) = (folders::dir_of(&self.home, damaged), folders::dir_of(&self.home, number));
        let model = named.map(|generation| generation.model);
        let index = Index::salvage(&old, &new, model.as_ref(), &self.options).inspect_err(|_| remove_begun(&new))?;
        let report = index.verify(true)?;
        index.finish()?;
        let kept = report.images.saturating_sub(report.forgotten);
        catalogue.serving = Some(Generation { number, model: index.manifest().model });
        catalogue.write(&self.home)?;
        drop(index);
        if folders::retire(&old) {
            self.retired.lock().insert(damaged);
        }
        let mended = format!(
            "saved {kept} images from a log with {places} damaged places; index your folders again to encode what was \
             lost. The damaged generation is kept as {}.retired until that has succeeded",
            old.display()
        );
        Ok((report, mended))
    }
}

/// Nothing but copies is in a generation that could not be completed.
fn remove_begun(dir: &Path) {
    let _ = std::fs::remove_dir_all(dir);
}
