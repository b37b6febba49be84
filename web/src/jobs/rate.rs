//! How fast a run gets on, over its last seconds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The span that counts.
const SPAN: Duration = Duration::from_secs(15);

/// Remembers how much was done when.
#[derive(Debug)]
pub struct Rate {
    marks: VecDeque<(Instant, usize)>,
}

impl Rate {
    pub fn new(now: Instant) -> Self {
        Self { marks: VecDeque::from([(now, 0)]) }
    }

    /// Notes that `done` are done by now; gives how many a second.
    pub fn note(&mut self, now: Instant, done: usize) -> f64 {
        self.marks.push_back((now, done));
        while self.marks.len() > 2 && now.duration_since(self.marks[1].0) >= SPAN {
            self.marks.pop_front();
        }
        let (start, before) = self.marks[0];
        let seconds = now.duration_since(start).as_secs_f64();
        if seconds > 0.0 { done.saturating_sub(before) as f64 / seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_seconds_count() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut rate = Rate::new(start);
        assert_eq!(rate.note(start, 0), 0.0);
        assert_eq!(rate.note(at(10), 1000), 100.0);
        (11..60).for_each(|second| _ = rate.note(at(second), 1000 + (second as usize - 10) * 5));
        assert_eq!(rate.note(at(60), 1250), 5.0);
        assert!(rate.marks.len() < 20);
    }
}
