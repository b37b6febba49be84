//! Checking the stores against each other, and mending what differs.
//!
//! sled's tables are compared first, since everything else is derived from them: [`survey`] reads
//! them, [`findings`] says what does not fit and how to mend it. The rule of mending is that an
//! image which lost something that cannot be derived (its record, its vector) is forgotten together
//! with its files, so that the next index run sees new files.
//!
//! Others write meanwhile: what is read without the writer's turn is brought up to date by the
//! changes since, and the graphs are compared part by part. Only mending keeps the turn, from the
//! first cure to the last.

mod findings;
mod graphs;
mod owned;
mod survey;

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use self::findings::Finding;
use self::survey::Survey;
use super::Index;
use super::turn::WriterTurn;
use crate::{IdSet, IndexError};

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
    /// Checks records, vectors, graph and words against each other; `repair` mends what can be
    /// mended. Others search and write meanwhile, save that writers wait while something is mended.
    ///
    /// # Errors
    /// If a store cannot be read at all, or not written for a repair.
    pub fn verify(&self, repair: bool) -> Result<VerifyReport, IndexError> {
        if repair {
            self.require_writable()?;
        }
        let _finishing = self.writer.lock_finishing();
        let _regions = self.writer.lock_regions();
        let mut report = self.check_tables(repair)?;
        self.check_words(repair, &mut report)?;
        self.check_graphs(repair, &mut report)?;
        self.check_outside(repair, &mut report)?;
        if !report.repaired.is_empty() {
            let mut to_the_end = |_, _| ControlFlow::Continue(());
            self.finish_graph(&mut to_the_end)?;
            self.finish_read_regions(&mut to_the_end)?;
        }
        Ok(report)
    }

    /// The tables of the store fit together.
    fn check_tables(&self, repair: bool) -> Result<VerifyReport, IndexError> {
        let mut survey = Survey::read(&self.store, self.scan.dim(), self.revision())?;
        drop(self.catch_up(&mut survey)?);
        let mut findings = findings::all(&survey, &self.store);
        let mut report = VerifyReport { images: survey.images.len(), ..VerifyReport::default() };
        if repair && !findings.is_empty() {
            // Cures fit what they were found in, so nobody writes from here on.
            let mut writer = self.catch_up(&mut survey)?;
            findings = findings::all(&survey, &self.store);
            self.mend(&findings, &mut writer)?;
            report.repaired = findings.iter().map(|finding| finding.mended.clone()).collect();
            report.forgotten = findings.iter().filter(|finding| finding.forgets).count();
        }
        report.problems = findings.into_iter().map(|finding| finding.problem).collect();
        Ok(report)
    }

    /// Reads again what changed since a survey was read, until there is little left, and that in
    /// the writer's turn, which is given: as long as it lasts, the survey is what the store holds.
    fn catch_up(&self, survey: &mut Survey) -> Result<WriterTurn<'_>, IndexError> {
        while !survey.catch_up(&self.store, self.revision())? {}
        let writer = self.writer.lock();
        while !survey.catch_up(&self.store, self.revision())? {}
        Ok(writer)
    }

    /// Applies the cures, and reads into memory what is left.
    fn mend(&self, findings: &[Finding], writer: &mut WriterTurn<'_>) -> Result<(), IndexError> {
        // The graph would have to follow every removal; it is built anew later. It goes first, and
        // with it the snapshot, which knows nothing of what is mended.
        self.drop_graph()?;
        findings.iter().try_for_each(|finding| self.store.apply(&finding.cure))?;
        self.regions.clear();
        self.region_tags.clear();
        let loaded = self.load_again()?;
        *self.memory.write() = loaded.memory;
        writer.next_id = writer.next_id.max(loaded.next_id);
        self.revision.fetch_max(loaded.revision, Ordering::AcqRel);
        self.damaged.store(loaded.damaged, Ordering::Release);
        self.store.sync()
    }

    /// Every image with a present file has words, and nothing else has.
    fn check_words(&self, repair: bool, report: &mut VerifyReport) -> Result<(), IndexError> {
        let _words = self.writer.lock_words();
        let mut problems = Vec::new();
        match self.sync_words().and_then(|()| self.words.check()).and_then(|()| self.words.ids()) {
            Err(error) => problems.push(error.to_string()),
            Ok(held) => {
                let wanted = self.with_words();
                // Words of what others changed meanwhile are brought up to date later.
                let later = self.store.changes_after(self.words.committed_revision(), usize::MAX)?;
                let later: IdSet = later.into_iter().map(|(_, id)| id).collect();
                let missing = wanted.difference(&held).difference(&later).len();
                let surplus = held.difference(&wanted).difference(&later).len();
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
