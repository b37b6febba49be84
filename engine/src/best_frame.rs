//! Rankings of frames as rankings of videos.

use std::collections::HashMap;

use glimpse_indexer::{ImageId, Index, Moment};

use crate::FrameHit;

/// The best frame of a video, and how many of its frames are above the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Best {
    pub frame: ImageId,
    pub matching: u32,
}

/// A ranking of frames as one of videos: each by its best frame, in whose place it is. `accepted`
/// counts the first ones, those above the cut, and is given back for the videos.
pub(crate) fn by_video<T>(
    index: &Index,
    ranked: Vec<T>,
    accepted: usize,
    id: impl Fn(&mut T) -> &mut ImageId,
) -> (Vec<T>, usize, HashMap<ImageId, Best>) {
    let mut best: HashMap<ImageId, Best> = HashMap::new();
    let (mut videos, mut found) = (Vec::with_capacity(ranked.len()), 0);
    for (place, mut one) in ranked.into_iter().enumerate() {
        let of = id(&mut one);
        let (frame, above) = (*of, place < accepted);
        *of = index.video_of(frame);
        let new = !best.contains_key(of);
        best.entry(*of).or_insert(Best { frame, matching: 0 }).matching += u32::from(above);
        if new {
            found += usize::from(above);
            videos.push(one);
        }
    }
    (videos, found, best)
}

/// What is told of the frame of a hit; `None` for an image that is no part of a video.
pub(crate) fn frame_hit(index: &Index, Best { frame, matching }: Best) -> Option<FrameHit> {
    let tile = index.tiles([frame]).pop()?;
    let Moment { start, end, duration, .. } = tile.moment?;
    Some(FrameHit {
        id: frame,
        content: tile.content,
        start: seconds(start),
        end: seconds(end),
        duration: seconds(duration),
        matching: matching as usize,
    })
}

/// Microseconds as seconds.
pub fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
