//! From scores to boxes: out of nested regions, and out of a grid of patches.

use glimpse_encoder::dense::Rect;
use glimpse_indexer::regions::RegionShape;

use super::constants::{GROWTH, LEAST_AREA, PEAK, RISE, STEPS};

/// The regions that show something, none inside another, best first: `z` are z-scores, and only
/// regions that `is_found` compete.
pub(super) fn disjoint(z: &[f32], shapes: &[RegionShape], is_found: impl Fn(usize) -> bool) -> Vec<usize> {
    let worth = |region: usize| z[region] + GROWTH * shapes[region].area.max(1e-6).log2();
    let mut found: Vec<usize> = (0..z.len().min(shapes.len())).filter(|&region| is_found(region)).collect();
    found.sort_by(|&a, &b| worth(b).total_cmp(&worth(a)));
    let mut taken = 0u32;
    found.retain(|&region| {
        let free = shapes[region].leaves & taken == 0;
        if free {
            taken |= shapes[region].leaves;
        }
        free
    });
    found
}

/// A box of a grid and the mean of its best patches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Blob {
    pub rect: Rect,
    pub value: f32,
}

/// Boxes around the parts of a grid `(rows, cols)` that stand out, best first: the grid is read at
/// [`STEPS`] points for each patch, cut half-way between its median and its best value, and each
/// part that hangs together gets a box.
pub(super) fn blobs(values: &[f32], rows: usize, cols: usize) -> Vec<Blob> {
    let (height, width) = (rows * STEPS, cols * STEPS);
    let fine = upsample(values, rows, cols);
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let (Some(&best), median) = (sorted.last(), sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)) else {
        return Vec::new();
    };
    let cut = median + RISE * (best - median);
    let mut open: Vec<bool> = fine.iter().map(|&value| value >= cut && best > median).collect();
    let mut blobs = Vec::new();
    for start in 0..open.len() {
        if !open[start] {
            continue;
        }
        let part = flood(&mut open, start, width);
        if (part.len() as f32) < LEAST_AREA * (height * width) as f32 {
            continue;
        }
        blobs.push(Blob { rect: around(&part, height, width), value: peak(&part, &fine) });
    }
    blobs.sort_by(|a, b| b.value.total_cmp(&a.value));
    blobs
}

/// Takes all points that hang together with `start`, corners included.
fn flood(open: &mut [bool], start: usize, width: usize) -> Vec<usize> {
    let height = open.len() / width;
    let (mut part, mut next) = (vec![start], 0);
    open[start] = false;
    while let Some(&point) = part.get(next) {
        next += 1;
        let (row, col) = (point / width, point % width);
        for r in row.saturating_sub(1)..(row + 2).min(height) {
            for c in col.saturating_sub(1)..(col + 2).min(width) {
                if std::mem::take(&mut open[r * width + c]) {
                    part.push(r * width + c);
                }
            }
        }
    }
    part
}

fn around(part: &[usize], height: usize, width: usize) -> Rect {
    let (mut top, mut left, mut bottom, mut right) = (height, width, 0, 0);
    for point in part {
        let (row, col) = (point / width, point % width);
        (top, bottom) = (top.min(row), bottom.max(row + 1));
        (left, right) = (left.min(col), right.max(col + 1));
    }
    Rect {
        left: left as f32 / width as f32,
        top: top as f32 / height as f32,
        right: right as f32 / width as f32,
        bottom: bottom as f32 / height as f32,
    }
}

/// Mean of the best share of a part.
fn peak(part: &[usize], values: &[f32]) -> f32 {
    let mut values: Vec<f32> = part.iter().map(|&point| values[point]).collect();
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    let count = ((values.len() as f32 * PEAK).ceil() as usize).max(1);
    values[..count].iter().sum::<f32>() / count as f32
}

/// Bilinear, patch values standing at the middles of patches.
fn upsample(values: &[f32], rows: usize, cols: usize) -> Vec<f32> {
    let (height, width) = (rows * STEPS, cols * STEPS);
    let place = |i: usize, count: usize| {
        let at = ((i as f32 + 0.5) / STEPS as f32 - 0.5).clamp(0.0, (count - 1) as f32);
        let low = at as usize;
        (low, (low + 1).min(count - 1), at.fract())
    };
    let mut fine = Vec::with_capacity(height * width);
    for y in 0..height {
        let (above, below, down) = place(y, rows);
        for x in 0..width {
            let (left, right, across) = place(x, cols);
            let row = |r: usize| {
                let (a, b) = (values[r * cols + left], values[r * cols + right]);
                a + across * (b - a)
            };
            fine.push(row(above) + down * (row(below) - row(above)));
        }
    }
    fine
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::if_any;
    use proptest::prelude::*;

    use super::*;

    fn shape(leaves: u32, area: f32) -> RegionShape {
        RegionShape { rect: Rect::WHOLE, area, leaves }
    }

    #[test]
    fn of_nested_regions_the_best_is_kept_and_a_tie_goes_to_the_larger() {
        let shapes = [shape(1, 0.1), shape(2, 0.1), shape(4, 0.2), shape(3, 0.2), shape(7, 0.4)];
        assert_eq!(disjoint(&[5.0, 5.0, 1.0, 5.0, 2.0], &shapes, |_| true)[0], 3, "the thing, not its parts");
        assert_eq!(disjoint(&[7.0, 6.0, 1.0, 5.0, 2.0], &shapes, |r| r != 2), [0, 1], "two things");
        assert_eq!(disjoint(&[7.0, 6.0, 1.0, 5.0, 2.0], &shapes, |_| false), [] as [usize; 0]);
    }

    #[test]
    fn two_bright_spots_are_two_boxes() {
        let (rows, cols) = (8, 10);
        let mut grid = vec![0.0; rows * cols];
        (1..4).for_each(|row| (1..4).for_each(|col| grid[row * cols + col] = 4.0));
        (8..10).for_each(|col| grid[6 * cols + col] = 3.0);
        let blobs = blobs(&grid, rows, cols);
        assert_eq!(blobs.len(), 2);
        let bright = Rect { left: 0.1, top: 0.125, right: 0.4, bottom: 0.5 };
        assert!(blobs[0].rect.iou(&bright) > 0.75, "{:?}", blobs[0]);
        assert!(blobs[1].rect.contains(0.9, 6.5 / 8.0) && blobs[1].value < blobs[0].value);
    }

    #[test]
    fn an_even_grid_shows_nothing() {
        assert_eq!(blobs(&[1.0; 12], 3, 4), []);
        assert_eq!(blobs(&[], 0, 0), []);
    }

    proptest! {
        #[test]
        fn boxes_lie_within_the_image(
            (rows, cols) in (1usize..7, 1usize..7),
            noise in prop::collection::vec(-3f32..3.0, 36),
        ) {
            let values = &noise[..rows * cols];
            for blob in if_any(blobs(values, rows, cols)) {
                let Rect { left, top, right, bottom } = blob.rect;
                prop_assert!(0.0 <= left && left < right && right <= 1.0 && 0.0 <= top && top < bottom && bottom <= 1.0);
                prop_assert!(values.iter().any(|&value| value >= blob.value - 1e-4));
            }
        }
    }
}
