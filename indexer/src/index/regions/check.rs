//! Files of regions that are damaged, or cannot be read: whose regions that costs, and giving these
//! up, so that they are made anew from the images.

use rayon::prelude::*;

use super::filed;
use crate::fault;
use crate::index::Index;
use crate::index::step::Step;
use crate::index::verify::VerifyReport;
use crate::regions::cells::Cells;
use crate::regions::format::{self, Held};
use crate::{ImageId, IndexError};

/// Images that a sentence names.
const NAMED: usize = 20;

impl Index {
    /// Images, by number, whose regions the store says are in files, and of which these files have
    /// none.
    pub(super) fn images_without_file(&self, files: Option<&Cells>) -> Result<Vec<ImageId>, IndexError> {
        self.filed_images(|id, _, fingerprint| !files.is_some_and(|files| files.has(id, fingerprint)))
    }

    /// Images, by number, whose regions the store says are in files, and of which something holds.
    fn filed_images(
        &self,
        holds: impl Fn(ImageId, glimpse_encoder::dense::RegionMap, u32) -> bool + Sync,
    ) -> Result<Vec<ImageId>, IndexError> {
        if !self.has_moved_vectors() {
            return Ok(Vec::new());
        }
        let of = |id: ImageId| {
            // Most of a small library's have none, and vectors are long.
            if !self.store.has_region_mark(id)? {
                return Ok(None);
            }
            let parts = self.store.region_parts(id)?;
            let Ok(Held::Filed(map, fingerprint)) = format::held(id, self.scan.dim(), &parts) else { return Ok(None) };
            Ok(holds(id, map, fingerprint).then_some(id))
        };
        self.image_ids().into_par_iter().filter_map(|id| of(id).transpose()).collect()
    }

    /// Removes the regions of images of which the files that count have none.
    pub(super) fn forget_lost(&self, lost: &[ImageId]) -> Result<(), IndexError> {
        if lost.is_empty() {
            return Ok(());
        }
        self.regions.set_fault(Some(format!(
            "a damaged file cost {} images their regions, which `glimpse index --regions` makes anew",
            lost.len()
        )));
        let files = self.open_region_files()?;
        for &id in lost {
            let _writer = self.writer.lock();
            let parts = self.store.region_parts(id)?;
            // Others may have come meanwhile.
            if let Ok(Held::Filed(map, fingerprint)) = format::held(id, self.scan.dim(), &parts)
                && files.as_ref().is_none_or(|(files, _)| filed(files, id, map, fingerprint).is_none())
            {
                let mut step = Step::new(self);
                step.remove_regions(id)?;
                step.commit()?;
            }
        }
        self.store.sync()
    }

    /// Checks the files of regions. Mending gives up the regions of images whose vectors cannot be
    /// read, and lets the next [`Index::finish`] write all that are left anew. The caller has the
    /// turn to read the regions.
    pub(in crate::index) fn check_region_files(
        &self,
        repair: bool,
        report: &mut VerifyReport,
    ) -> Result<(), IndexError> {
        let mut problems: Vec<String> = Vec::new();
        if let Err(error @ IndexError::Corrupt { .. }) = self.store.region_cells() {
            problems.push(error.to_string());
        }
        let files = self.open_region_files()?.map(|(files, _)| files);
        fault::nobody_waits();
        if let Some(files) = &files {
            let cannot = |fault: &String| format!("a file of regions cannot be read ({fault})");
            problems.extend(files.faults().iter().map(cannot));
            let blocks = files.damaged_blocks();
            if blocks > 0 {
                problems.push(format!("the files of regions are damaged (blocks: {blocks})"));
            }
        }
        let lost = match &files {
            Some(files) if !problems.is_empty() => {
                self.filed_images(|id, map, fingerprint| filed(files, id, map, fingerprint).is_none())?
            }
            files => self.images_without_file(files.as_ref())?,
        };
        if !lost.is_empty() {
            problems.push(format!("the regions of {} cannot be read from their files", named(&lost)));
        }
        if problems.is_empty() {
            return Ok(());
        }
        if self.outside.is_some() {
            problems.push("they stay as they are until `glimpse vectors move --to local`".to_owned());
        }
        report.problems.push(problems.join("; "));
        if repair {
            self.forget_lost(&lost)?;
            self.regions.is_stale.store(true, std::sync::atomic::Ordering::Relaxed);
            self.regions.clear();
            let given_up = format!("those of {}, which `glimpse index --regions` makes anew", named(&lost));
            match (self.outside.is_some(), lost.is_empty()) {
                (false, true) => report.repaired.push("made the files of regions anew".to_owned()),
                (false, false) => report.repaired.push(format!("made the files of regions anew, without {given_up}")),
                (true, false) => report.repaired.push(format!("gave up the regions that are lost, {given_up}")),
                (true, true) => {}
            }
        }
        Ok(())
    }
}

/// Images in words.
fn named(images: &[ImageId]) -> String {
    let numbers: Vec<String> = images.iter().take(NAMED).map(ImageId::to_string).collect();
    let more = if images.len() > NAMED { ", ..." } else { "" };
    match images.len() {
        1 => format!("image {}", numbers.join(", ")),
        count => format!("{count} images ({}{more})", numbers.join(", ")),
    }
}
