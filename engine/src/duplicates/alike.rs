//! How close two images are, of which either may be a video.

use glimpse_encoder::dot;
use glimpse_indexer::{ImageId, Index};

/// Microseconds by which the lengths of two copies of a video may differ, and the share of the
/// longer one: programs that write a video anew cut its ends.
const CUT: u64 = 1_000_000;
const CUT_SHARE: u64 = 50;

/// The cosine of two still images. Of two videos that take about as long, the smallest cosine of a
/// frame of either to what comes closest in the other: another cut has frames that the first one
/// lacks. `None` where there is nothing to compare.
pub(super) fn cosine(index: &Index, a: ImageId, b: ImageId) -> Option<f32> {
    match (index.moment(a), index.moment(b)) {
        (None, None) => Some(dot(&index.vector(a)?, &index.vector(b)?)),
        (Some(one), Some(other)) => {
            let longer = one.duration.max(other.duration);
            let differ = one.duration.abs_diff(other.duration);
            (differ <= CUT.max(longer / CUT_SHARE)).then(|| of_frames(&vectors(index, a), &vectors(index, b)))?
        }
        _ => None,
    }
}

fn vectors(index: &Index, video: ImageId) -> Vec<Vec<f32>> {
    index.frames_of(video).into_iter().filter_map(|frame| index.vector(frame)).collect()
}

fn of_frames(one: &[Vec<f32>], other: &[Vec<f32>]) -> Option<f32> {
    let closest = |frame: &Vec<f32>, others: &[Vec<f32>]| others.iter().map(|other| dot(frame, other)).reduce(f32::max);
    let each = one.iter().map(|frame| closest(frame, other)).chain(other.iter().map(|frame| closest(frame, one)));
    each.reduce(|a, b| Some(a?.min(b?)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_of_either_counts() {
        let [x, y] = [vec![1.0, 0.0], vec![0.0, 1.0]];
        let both = [x.clone(), y.clone()];
        assert_eq!(of_frames(&both, &[y.clone(), x.clone(), y]), Some(1.0));
        assert_eq!(of_frames(&both, std::slice::from_ref(&x)), Some(0.0));
        assert_eq!(of_frames(std::slice::from_ref(&x), &both), Some(0.0));
        assert_eq!(of_frames(&[], &both), None);
        assert_eq!(of_frames(&[], &[]), None);
    }
}
