//! Checking a library, and mending it as a whole: what one generation cannot mend by itself.

use super::{Library, folders};
use crate::IndexError;
use crate::index::VerifyReport;

impl Library {
    /// Checks the generation that serves, and whether one that is being built can be opened.
    /// `repair` mends what can be mended: `library.json`, what the store derived from its log,
    /// values and what is made anew from them. Of a store that is damaged itself, all that can be
    /// read goes into a new generation, and the damaged one is retired; the next index run encodes
    /// only what was lost. If its log is not there, the new generation is empty.
    ///
    /// # Errors
    /// [`IndexError::NoIndex`], [`IndexError::InUse`], or if a store cannot be read or written;
    /// without `repair` also [`IndexError::Lost`] for a damaged store and [`IndexError::Absent`]
    /// for one without a log.
    pub fn verify(&self, repair: bool) -> Result<VerifyReport, IndexError> {
        if repair {
            self.release_reserve()?;
        }
        let mut report = self.verify_serving(repair)?;
        self.check_building(repair, &mut report)?;
        if repair {
            self.keep_reserve();
        }
        Ok(report)
    }

    fn verify_serving(&self, repair: bool) -> Result<VerifyReport, IndexError> {
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
            Err(damage @ (IndexError::Lost { .. } | IndexError::Absent { .. })) if repair => {
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

    /// A generation that is being built and cannot be opened stands in the way of the next index
    /// run. Nothing but what an unfinished run did is in it, so mending sets it aside.
    fn check_building(&self, repair: bool, report: &mut VerifyReport) -> Result<(), IndexError> {
        let _lock = self.lock()?;
        let mut catalogue = self.written_catalogue()?;
        let Some(building) = self.if_there(catalogue.building.clone())? else { return Ok(()) };
        let damage = match self.open_generation(building.number) {
            Err(damage @ (IndexError::Lost { .. } | IndexError::Absent { .. })) => damage,
            opened => return opened.map(drop),
        };
        report.problems.push(damage.to_string());
        if repair {
            catalogue.building = None;
            catalogue.write(&self.home)?;
            let dir = folders::dir_of(&self.home, building.number);
            self.retire_now(building.number, &dir);
            let model = building.model.name;
            report.repaired.push(format!(
                "set aside what was being built for the model `{model}`, as {}.retired; `glimpse index --model {model}` \
                 begins it anew",
                dir.display()
            ));
        }
        Ok(())
    }
}
