//! How much of the machine a run takes.

use std::time::{Duration, Instant};

/// The longest rest.
const MOST: Duration = Duration::from_secs(5);
/// How soon a resting thread notices that the run is over.
const TICK: Duration = Duration::from_millis(20);

/// How much of the machine a run takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// All of it.
    #[default]
    Normal,
    /// One thread reads and decodes, and both it and the model rest after each piece of work as
    /// long as it took: about half of the machine stays free.
    Gentle,
}

impl Pace {
    /// Threads that read and decode, where `asked` are allowed.
    pub(super) fn threads(self, asked: usize) -> usize {
        match self {
            Self::Normal => asked.max(1),
            Self::Gentle => 1,
        }
    }

    /// Rests after work that took so long, until the run `is_over`.
    pub(super) fn rest(self, worked: Duration, is_over: impl Fn() -> bool) {
        let (start, long) = (Instant::now(), self.rest_after(worked));
        while start.elapsed() < long && !is_over() {
            std::thread::sleep(TICK.min(long.saturating_sub(start.elapsed())));
        }
    }

    fn rest_after(self, worked: Duration) -> Duration {
        match self {
            Self::Normal => Duration::ZERO,
            Self::Gentle => worked.min(MOST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gentle_run_rests_as_long_as_it_works() {
        let worked = Duration::from_millis(30);
        assert_eq!([Pace::Normal, Pace::Gentle].map(|pace| pace.rest_after(worked)), [Duration::ZERO, worked]);
        assert_eq!(Pace::Gentle.rest_after(Duration::from_secs(60)), MOST);
        assert_eq!([Pace::Normal.threads(8), Pace::Normal.threads(0), Pace::Gentle.threads(8)], [8, 1, 1]);
        let start = Instant::now();
        Pace::Gentle.rest(worked, || false);
        assert!(start.elapsed() >= worked);
        Pace::Gentle.rest(Duration::from_secs(3600), || true); // returns
    }
}
