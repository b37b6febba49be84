//! Which frames of a video are kept: one of each shot, and one in eight seconds of a long shot.
//!
//! Shots are told by sync frames, which decode by themselves: a sync frame two seconds or more
//! after the last frame that was kept begins a new shot if an 8 x 8 grid of its brightness differs
//! from that frame's by 12 of 255 on average. Where there is none for eight seconds, a frame
//! between sync frames is taken.

use std::time::Duration;

use image::{RgbImage, imageops};

/// Brightness of an image on a grid of 8 x 8 cells, row by row.
pub type Luma = [u8; 64];

/// Side of [`Luma`].
pub(super) const SIDE: u32 = 8;
/// A shot is at least so long.
const SHORTEST: Duration = Duration::from_secs(2);
/// A frame stands for so much of a video at most.
const LONGEST: Duration = Duration::from_secs(8);
/// Mean difference of brightness from which on two frames are of different shots.
const DIFFERENT: u32 = 12;
/// Most frames of a file; of more, some are left out evenly.
pub const MOST_FRAMES: usize = 256;

/// A part of a video that one frame stands for: the one at `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shot {
    /// When its frame is shown, from the beginning of the video.
    pub start: Duration,
    /// Where the next shot begins, or the video ends.
    pub end: Duration,
}

/// Takes the sync frames of a video in their order, and tells its shots.
#[derive(Debug, Default)]
pub struct ShotFinder {
    kept: Vec<Duration>,
    /// The frame that was kept last.
    last: Option<Luma>,
    /// The latest sync frame that could have been kept.
    passed: Option<(Duration, Luma)>,
}

impl ShotFinder {
    /// Looks at a sync frame. One that is not later than those before it is left out.
    pub fn look(&mut self, at: Duration, luma: &Luma) {
        let Some(mut start) = self.kept.last().copied() else { return self.keep(at, Some(*luma)) };
        // None may stand for more than eight seconds: the one that was passed over comes first,
        // then some between sync frames.
        if at > start + LONGEST
            && let Some((passed, luma)) = self.passed.take()
        {
            self.keep(passed, Some(luma));
            start = passed;
        }
        self.fill(start, at);
        let start = self.kept.last().copied().unwrap_or_default();
        if at < start + SHORTEST {
            return;
        }
        let is_new = self.last.as_ref().is_none_or(|last| difference(last, luma) >= DIFFERENT);
        match is_new || at >= start + LONGEST {
            true => self.keep(at, Some(*luma)),
            false => self.passed = Some((at, *luma)),
        }
    }

    /// The shots of a video that ends at `end`, at most `most` of them; the first begins with the
    /// video.
    pub fn finish(mut self, end: Duration, most: usize) -> Vec<Shot> {
        if let Some(start) = self.kept.last().copied() {
            match self.passed.take().filter(|_| end > start + LONGEST) {
                Some((passed, luma)) => {
                    self.keep(passed, Some(luma));
                    self.fill(passed, end);
                }
                None => self.fill(start, end),
            }
        }
        let kept = thinned(&self.kept, most);
        let ends = kept.iter().skip(1).copied().chain([end.max(kept.last().copied().unwrap_or_default())]);
        kept.iter().zip(ends).map(|(&start, end)| Shot { start, end }).collect()
    }

    fn keep(&mut self, at: Duration, luma: Option<Luma>) {
        self.kept.push(at);
        (self.last, self.passed) = (luma, None);
    }

    /// Frames between sync frames that are far from each other.
    fn fill(&mut self, start: Duration, until: Duration) {
        let mut at = start + LONGEST;
        while at + SHORTEST <= until && self.kept.len() < 100 * MOST_FRAMES {
            self.keep(at, None);
            at += LONGEST;
        }
    }
}

/// `most` of some values, evenly, the first among them.
fn thinned(values: &[Duration], most: usize) -> Vec<Duration> {
    let count = values.len().min(most);
    (0..count).map(|i| values[i * values.len() / count]).collect()
}

fn difference(a: &Luma, b: &Luma) -> u32 {
    let sum: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    sum / (SIDE * SIDE)
}

/// The brightness of an image.
pub fn luma_of(pixels: &RgbImage) -> Luma {
    let small = imageops::grayscale(&imageops::thumbnail(pixels, SIDE, SIDE));
    small.into_raw().try_into().unwrap_or([0; 64])
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::{each, if_any};
    use proptest::prelude::*;

    use super::*;

    /// Starts of shots in seconds, of sync frames at seconds with a brightness each.
    fn starts(frames: &[(u64, u8)], end: u64, most: usize) -> Vec<u64> {
        let mut finder = ShotFinder::default();
        for &(at, value) in frames {
            finder.look(Duration::from_secs(at), &[value; 64]);
        }
        finder.finish(Duration::from_secs(end), most).iter().map(|shot| shot.start.as_secs()).collect()
    }

    #[test]
    fn a_frame_that_differs_begins_a_shot() {
        assert_eq!(starts(&[(0, 50), (2, 61), (5, 62), (7, 62)], 9, 256), [0, 5]);
        // Differences add up until they are a shot; a cut within two seconds is seen at the next.
        assert_eq!(starts(&[(0, 0), (1, 200), (2, 200), (3, 0)], 4, 256), [0, 2]);
    }

    #[test]
    fn no_frame_stands_for_more_than_eight_seconds() {
        assert_eq!(starts(&[(0, 9), (3, 9), (6, 9), (9, 9), (12, 9)], 15, 256), [0, 6, 12], "the sync frame before");
        assert_eq!(starts(&[(0, 9), (20, 9)], 21, 256), [0, 8, 16, 20], "between sync frames");
        assert_eq!(starts(&[(0, 9)], 30, 256), [0, 8, 16, 24], "behind the last one");
        assert_eq!(starts(&[(0, 9), (5, 9)], 12, 256), [0, 5], "the one before comes first");
        assert_eq!(starts(&[(0, 9)], 9, 256), [0], "not for less than two seconds");
        assert_eq!(starts(&[], 9, 256), [0; 0]);
    }

    #[test]
    fn too_many_are_thinned_evenly() {
        let frames: Vec<_> = (0..100).map(|i| (2 * i, if i % 2 == 0 { 0 } else { 255 })).collect();
        assert_eq!(starts(&frames, 200, 256).len(), 100);
        assert_eq!(starts(&frames, 200, 4), [0, 50, 100, 150]);
        assert_eq!(starts(&frames, 200, 1), [0]);
    }

    proptest! {
        #[test]
        fn shots_follow_each_other_without_a_gap(
            frames in proptest::collection::vec((0u64..300_000, any::<u8>()), 1..60),
            rest in 0u64..60_000,
            most in 1usize..50,
        ) {
            let mut frames = frames;
            frames.sort_unstable();
            let mut finder = ShotFinder::default();
            for &(at, value) in each(&frames) {
                finder.look(Duration::from_millis(at), &[value; 64]);
            }
            let end = Duration::from_millis(frames[frames.len() - 1].0 + rest);
            let all = ShotFinder { kept: finder.kept.clone(), last: finder.last, passed: finder.passed };
            let shots = all.finish(end, usize::MAX);
            prop_assert_eq!(shots[0].start, Duration::from_millis(frames[0].0));
            prop_assert_eq!(shots[shots.len() - 1].end, end);
            for pair in if_any(shots.windows(2)) {
                prop_assert_eq!(pair[0].end, pair[1].start);
                prop_assert!(pair[1].start >= pair[0].start + SHORTEST);
            }
            for shot in each(&shots) {
                prop_assert!(shot.end < shot.start + LONGEST + SHORTEST, "{:?}", shot);
            }
            let few = finder.finish(end, most);
            prop_assert_eq!(few.len(), shots.len().min(most));
            prop_assert_eq!(few[0].start, shots[0].start);
        }
    }
}
