//! Watched folders: what the system says of them becomes tasks.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::heard::Heard;
use super::schedule::Schedule;
use super::system::System;
use super::{Task, WatchOptions};
use crate::ingest::{Reach, Settling, is_left_alone};
use crate::mounts::MountTable;

/// Roots that are watched, and what is to be done about them.
pub struct WatchedFolders {
    options: WatchOptions,
    shared: Arc<Mutex<Shared>>,
    system: System,
    settling: Settling,
}

/// What is known on all threads: events come on one of the system's.
#[derive(Debug)]
struct Shared {
    options: WatchOptions,
    roots: Vec<PathBuf>,
    /// Roots that the system does not watch, or only in part.
    unwatched: Vec<PathBuf>,
    schedule: Schedule,
    /// What people should know, until it is taken.
    problems: Vec<String>,
}

impl WatchedFolders {
    /// Nothing is watched yet. The first task is to look through everything.
    pub fn new(options: WatchOptions) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            options: options.clone(),
            roots: Vec::new(),
            unwatched: Vec::new(),
            schedule: Schedule::new(&options, Instant::now()),
            problems: Vec::new(),
        }));
        let hearing = Arc::clone(&shared);
        let (system, problem) = System::new(move |event: notify::Result<notify::Event>| {
            let heard = Heard::of(&event, Path::is_dir); // before the lock: a drive may take its time
            hearing.lock().hear(heard, Instant::now());
        });
        shared.lock().problems.extend(problem);
        Self { settling: Settling::new(options.settle), options, shared, system }
    }

    /// From now on these are watched, and no others: canonical paths of folders that are there.
    /// Gives what people should know: folders that cannot be watched, and what to do about it.
    pub fn follow(&mut self, roots: &[PathBuf]) -> Vec<String> {
        let known = std::mem::replace(&mut self.shared.lock().roots, roots.to_vec());
        self.system.keep(|root| roots.iter().any(|wanted| wanted == root));
        for root in roots.iter().filter(|root| !known.contains(root) || self.needs_watch(root)).collect::<Vec<_>>() {
            self.watch(root);
            // Nobody watched it until now.
            self.shared.lock().schedule.mark(root.clone(), Reach::All, Instant::now());
        }
        let mut shared = self.shared.lock();
        shared.unwatched.retain(|root| roots.contains(root));
        shared.schedule.keep_polling(|folder| roots.iter().any(|root| folder.starts_with(root)));
        std::mem::take(&mut shared.problems)
    }

    /// What is to be done now, if anything is.
    pub fn next_task(&mut self) -> Option<Task> {
        let task = self.shared.lock().schedule.next(Instant::now())?;
        if task == Task::Scan {
            // Drives may have come since, whose folders nobody watches.
            let roots = self.shared.lock().roots.clone();
            roots.iter().for_each(|root| self.watch(root));
        }
        Some(task)
    }

    /// A task that was begun has come to its end. Folders with files that were being written are
    /// marked again.
    pub fn done(&mut self) {
        let (held, now) = (self.settling.take_held(), Instant::now());
        let mut shared = self.shared.lock();
        held.into_iter().for_each(|folder| shared.schedule.mark(folder, Reach::Files, now));
    }

    /// A task was not done, or not to its end: it comes again.
    pub fn put_back(&mut self, task: Task) {
        self.done();
        self.shared.lock().schedule.put_back(task, Instant::now());
    }

    /// No task comes for a while.
    pub fn rest(&mut self, long: Duration) {
        self.shared.lock().schedule.rest_until(Instant::now() + long);
    }

    /// What runs of these tasks know of files that are being written.
    pub fn settling(&self) -> Settling {
        self.settling.clone()
    }

    /// True for a root that is another folder than the one which is watched.
    fn needs_watch(&self, root: &Path) -> bool {
        let is_silent = self.shared.lock().unwatched.iter().any(|unwatched| unwatched == root);
        !is_silent && !self.system.watches(root)
    }

    fn watch(&mut self, root: &Path) {
        let silent = MountTable::now().silent(root);
        let is_network = silent.iter().any(|folder| folder == root);
        {
            let (mut shared, now) = (self.shared.lock(), Instant::now());
            silent.into_iter().for_each(|folder| shared.schedule.poll(folder, now));
            if is_network {
                if !shared.unwatched.iter().any(|unwatched| unwatched == root) {
                    shared.unwatched.push(root.to_path_buf());
                }
                return;
            }
        }
        // Not under the lock: events come meanwhile.
        let watched = self.system.watch(root);
        let mut shared = self.shared.lock();
        let reason = match watched {
            Ok(()) => return shared.unwatched.retain(|unwatched| unwatched != root),
            Err(Heard::TooMany(_)) => too_many(),
            Err(Heard::Failed(reason)) => reason,
            Err(Heard::Changed(_) | Heard::Lost) => return, // it is gone, and is no root in a moment
        };
        shared.leave_unwatched(root.to_path_buf(), &reason, Instant::now());
    }
}

impl Shared {
    fn hear(&mut self, heard: Heard, now: Instant) {
        match heard {
            Heard::Changed(folders) => {
                for (folder, reach) in
                    folders.into_iter().filter(|(folder, _)| self.concerns(folder)).collect::<Vec<_>>()
                {
                    self.schedule.mark(folder, reach, now);
                }
            }
            Heard::Lost => self.schedule.lost(now),
            Heard::TooMany(folder) => {
                self.schedule.lost(now);
                let is_meant = |root: &&PathBuf| folder.as_ref().is_none_or(|folder| folder.starts_with(root));
                let roots: Vec<PathBuf> = self.roots.iter().filter(is_meant).cloned().collect();
                roots.into_iter().for_each(|root| self.leave_unwatched(root, &too_many(), now));
            }
            Heard::Failed(reason) => {
                self.schedule.lost(now);
                self.problems.push(format!("watching folders failed ({reason}): all are looked through"));
            }
        }
    }

    /// True if a run would enter the folder.
    fn concerns(&self, folder: &Path) -> bool {
        let is_ignored = self.options.ignored.iter().any(|ignored| folder.starts_with(ignored));
        let below_root =
            |root: &PathBuf| folder.strip_prefix(root).is_ok_and(|below| !is_left_alone(below, self.options.hidden));
        !is_ignored && self.roots.iter().any(below_root)
    }

    /// A root of which not all changes are told: it is looked through now and then.
    fn leave_unwatched(&mut self, root: PathBuf, reason: &str, now: Instant) {
        if self.unwatched.contains(&root) {
            return;
        }
        let minutes = self.options.poll_every.as_secs().div_ceil(60);
        self.problems.push(format!("{} is looked through every {minutes} minutes, since {reason}", root.display()));
        self.schedule.poll(root.clone(), now);
        self.unwatched.push(root);
    }
}

/// Why a root is watched in part only, and what to do.
fn too_many() -> String {
    let raise = if cfg!(target_os = "linux") {
        "; raise the limit with `sudo sysctl fs.inotify.max_user_watches=1048576`"
    } else {
        ""
    };
    format!("it has more folders than this system watches{raise}")
}

impl fmt::Debug for WatchedFolders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedFolders").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared {
        let options = WatchOptions { ignored: vec!["/r/glimpse".into()], ..WatchOptions::default() };
        let mut schedule = Schedule::new(&options, Instant::now());
        assert_eq!(schedule.next(Instant::now()), Some(Task::Scan));
        Shared {
            roots: vec!["/r".into(), "/.s".into()],
            unwatched: Vec::new(),
            schedule,
            problems: Vec::new(),
            options,
        }
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn only_folders_that_a_run_enters_are_marked() {
        let mut shared = shared();
        let changed = |folder: &str| Heard::Changed(vec![(folder.into(), Reach::Files)]);
        for folder in ["/q", "/r/.hidden", "/r/a/.hidden/b", "/r/@eaDir", "/r/glimpse/library/7", "/"] {
            shared.hear(changed(folder), Instant::now());
            assert_eq!(shared.schedule.next(later()), None, "{folder}");
        }
        for folder in ["/r", "/r/a", "/.s", "/r/glimpses"] {
            shared.hear(changed(folder), Instant::now());
            assert!(matches!(shared.schedule.next(later()), Some(Task::Update(_))), "{folder}");
        }
    }

    #[test]
    fn lost_events_cost_a_scan_and_limits_are_told_once() {
        let mut shared = shared();
        shared.hear(Heard::Lost, Instant::now());
        assert_eq!(shared.schedule.next(later()), Some(Task::Scan));
        for _ in 0..3 {
            shared.hear(Heard::TooMany(Some("/r/new".into())), Instant::now());
        }
        assert_eq!(shared.schedule.next(later()), Some(Task::Scan));
        assert_eq!(shared.unwatched, [Path::new("/r")]);
        let [told] = &shared.problems[..] else { panic!("{:?}", shared.problems) };
        assert!(told.starts_with("/r is looked through every 10 minutes, since it has more folders"), "{told}");
        assert!(told.contains("max_user_watches") || !cfg!(target_os = "linux"), "{told}");
    }
}
