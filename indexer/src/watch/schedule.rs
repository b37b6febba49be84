//! What is due when: marked folders, folders that tell nothing, everything.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use super::marks::Marks;
use super::{Task, WatchOptions};
use crate::ingest::Reach;

/// Decides; the time is told to it.
#[derive(Debug)]
pub(super) struct Schedule {
    options: WatchOptions,
    marks: Marks,
    next_scan: Instant,
    /// Folders that tell nothing, and when each is looked through next.
    silent: BTreeMap<PathBuf, Instant>,
    /// Nothing is done before.
    rests_until: Instant,
}

impl Schedule {
    /// The first task is to look through everything.
    pub fn new(options: &WatchOptions, now: Instant) -> Self {
        let marks = Marks::new(options.settle);
        Self { options: options.clone(), marks, next_scan: now, silent: BTreeMap::new(), rests_until: now }
    }

    /// Something happened in a folder.
    pub fn mark(&mut self, folder: PathBuf, reach: Reach, now: Instant) {
        if !self.marks.mark(folder, reach, now) {
            self.lost(now);
        }
    }

    /// Nobody knows any more what happened where.
    pub fn lost(&mut self, now: Instant) {
        self.next_scan = now;
        self.marks.clear();
    }

    /// Folders that tell nothing, besides those that are known to.
    pub fn poll(&mut self, folder: PathBuf, now: Instant) {
        let first = now + self.options.poll_every;
        self.silent.entry(folder).or_insert(first);
    }

    /// Folders that tell nothing and are no longer asked for.
    pub fn keep_polling(&mut self, is_wanted: impl Fn(&PathBuf) -> bool) {
        self.silent.retain(|folder, _| is_wanted(folder));
    }

    /// What is due.
    pub fn next(&mut self, now: Instant) -> Option<Task> {
        if now < self.rests_until {
            return None;
        }
        if now >= self.next_scan {
            self.next_scan = now + self.options.rescan_every;
            self.silent.values_mut().for_each(|next| *next = now + self.options.poll_every);
            self.marks.clear();
            return Some(Task::Scan);
        }
        let mut scope = self.marks.take_due(now);
        for (folder, next) in self.silent.iter_mut().filter(|(_, next)| now >= **next) {
            *next = now + self.options.poll_every;
            scope.add(folder.clone(), Reach::All);
        }
        (!scope.is_empty()).then_some(Task::Update(scope))
    }

    /// A task was not done, or not to its end.
    pub fn put_back(&mut self, task: Task, now: Instant) {
        match task {
            Task::Scan => self.next_scan = now,
            Task::Update(scope) => {
                scope.folders().for_each(|(folder, reach)| self.mark(folder.to_path_buf(), reach, now));
            }
        }
    }

    /// Nothing is done until then.
    pub fn rest_until(&mut self, moment: Instant) {
        self.rests_until = moment;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ingest::Scope;

    fn update(folders: &[(&str, Reach)]) -> Option<Task> {
        let mut scope = Scope::default();
        folders.iter().for_each(|(folder, reach)| scope.add(folder.into(), *reach));
        Some(Task::Update(scope))
    }

    /// Quiet is 3 seconds, a scan every 1,000, silent folders every 100.
    fn schedule(start: Instant) -> Schedule {
        let seconds = Duration::from_secs;
        let options = WatchOptions { rescan_every: seconds(1000), poll_every: seconds(100), ..WatchOptions::default() };
        Schedule::new(&options, start)
    }

    #[test]
    fn everything_is_looked_through_at_first_now_and_then_and_when_events_are_lost() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut schedule = schedule(start);
        schedule.mark("/r/a".into(), Reach::Files, at(0));
        assert_eq!(schedule.next(at(0)), Some(Task::Scan));
        assert_eq!(schedule.next(at(10)), None, "the scan saw what was marked before it");
        schedule.mark("/r/a".into(), Reach::Files, at(11));
        assert_eq!(schedule.next(at(13)), None);
        assert_eq!(schedule.next(at(14)), update(&[("/r/a", Reach::Files)]));
        schedule.mark("/r/a".into(), Reach::Files, at(20));
        schedule.lost(at(20));
        assert_eq!(schedule.next(at(20)), Some(Task::Scan));
        assert_eq!(schedule.next(at(1019)), None);
        assert_eq!(schedule.next(at(1020)), Some(Task::Scan));
    }

    #[test]
    fn folders_that_tell_nothing_are_looked_through_in_turn() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut schedule = schedule(start);
        schedule.poll("/net".into(), at(0));
        assert_eq!(schedule.next(at(0)), Some(Task::Scan));
        schedule.poll("/net".into(), at(50)); // is known
        assert_eq!(schedule.next(at(99)), None);
        assert_eq!(schedule.next(at(100)), update(&[("/net", Reach::All)]));
        assert_eq!(schedule.next(at(199)), None);
        schedule.keep_polling(|_| false);
        assert_eq!(schedule.next(at(300)), None);
    }

    #[test]
    fn what_was_not_done_comes_again_and_rests_are_kept() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut schedule = schedule(start);
        let scan = schedule.next(at(0)).into_iter();
        scan.for_each(|task| schedule.put_back(task, at(1)));
        assert_eq!(schedule.next(at(1)), Some(Task::Scan));
        schedule.mark("/r/a".into(), Reach::All, at(2));
        let update = schedule.next(at(5)).into_iter();
        update.for_each(|task| schedule.put_back(task, at(6)));
        schedule.rest_until(at(60));
        assert_eq!(schedule.next(at(59)), None);
        assert_eq!(schedule.next(at(60)), super::tests::update(&[("/r/a", Reach::All)]));
    }
}
