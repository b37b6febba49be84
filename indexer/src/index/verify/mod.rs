//! Checking the stores against each other, and mending what differs.
//!
//! sled's tables are compared first, since everything else is derived from them: [`survey`] reads them, [`findings`]
//! says what does not fit and how to mend it. The rule of mending is that an image which lost something that cannot be
//! derived (its record, its vector) is forgotten together with its files, so that the next index run sees new files.

mod findings;
mod survey;

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use self::findings::Finding;
use self::survey::Survey;
use super::Index;
use super::loaded::Loaded;
use crate::IndexError;

/// What [`Index::verify`] found.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct VerifyReport {
    /// Images looked at.
    pub images: usize,
    /// What is wrong, one sentence each; empty if all is well.
    pub problems: Vec<String>,
    /// What was mended, one sentence for each problem.
    pub repaired: Vec<String>,
    /// Images that were forgotten by mending, since what cannot be derived was lost.
    pub forgotten: usize,
}

impl Index {
    /// Checks records, vectors, graph and words against each other; `repair` mends what can be mended. Writers wait
    /// meanwhile.
    ///
    /// # Errors
    /// If a store cannot be read at all, or not written for a repair.
    pub fn verify(&self, repair: bool) -> Result<VerifyReport, IndexError> {
        if repair {
            self.require_writable()?;
        }
        let _finishing = self.writer.lock_finishing();
        let _regions = self.writer.lock_regions();
        let mut writer = self.writer.lock();
        let survey = Survey::read(&self.store, self.scan.dim())?;
        let mut report = VerifyReport { images: survey.images.len(), ..VerifyReport::default() };
        let findings = findings::all(&survey, &self.store);
        self.graph.join_loader();
        if repair && !findings.is_empty() {
            // The graph would have to follow every removal; it is built anew below. It goes first, and snapshots with it,
            // which know nothing of what is mended.
            self.drop_graph()?;
            self.invalidate_region_snapshot()?;
        }
        for Finding { problem, cure, mended, forgets } in findings {
            report.problems.push(problem);
            if repair {
                report.forgotten += usize::from(forgets);
                self.store.apply(&cure)?;
                report.repaired.push(mended);
            }
        }
        if !report.repaired.is_empty() {
            self.regions.clear();
            let loaded = Loaded::read(&self.store, &self.scan, &[])?;
            *self.memory.write() = loaded.memory;
            writer.next_id = writer.next_id.max(loaded.next_id);
            self.revision.fetch_max(loaded.revision, Ordering::AcqRel);
            self.damaged.store(loaded.damaged, Ordering::Release);
            self.store.sync()?;
        }
        self.check_words(repair, &mut report)?;
        self.check_graphs(repair, &mut report)?;
        drop(writer);
        if !report.repaired.is_empty() {
            let mut to_the_end = |_, _| ControlFlow::Continue(());
            self.finish_graph(&mut to_the_end)?;
            self.finish_read_regions(&mut to_the_end)?;
        }
        Ok(report)
    }

    /// Every image's vector is a node of the graph, every node of the graph of regions is one of theirs, and the store
    /// holds both graphs as they are.
    fn check_graphs(&self, repair: bool, report: &mut VerifyReport) -> Result<(), IndexError> {
        if let Some(problem) = self.graph_fault()? {
            report.problems.push(problem);
            if repair {
                self.drop_graph()?;
                report.repaired.push("made the graph anew".to_owned());
            }
        }
        if let Some(problem) = self.region_graph_fault()? {
            report.problems.push(problem);
            if repair {
                self.drop_region_graph()?;
                report.repaired.push("made the graph of regions anew".to_owned());
            }
        }
        Ok(())
    }

    /// Every image with a present file has words, and nothing else has.
    fn check_words(&self, repair: bool, report: &mut VerifyReport) -> Result<(), IndexError> {
        let wanted = self.with_words()?;
        let mut problems = Vec::new();
        match self.sync_words().and_then(|()| self.words.check()).and_then(|()| self.words.ids()) {
            Err(error) => problems.push(error.to_string()),
            Ok(held) => {
                let (missing, surplus) = (wanted.difference(&held).len(), held.difference(&wanted).len());
                if missing > 0 {
                    problems.push(format!("the word index lacks {missing} images"));
                }
                if surplus > 0 {
                    problems.push(format!("the word index has {surplus} images that are not there"));
                }
            }
        }
        if repair && !problems.is_empty() {
            self.rebuild_words()?;
            report.repaired.push("made the word index anew".to_owned());
        }
        if !problems.is_empty() {
            report.problems.push(problems.join("; "));
        }
        Ok(())
    }
}
