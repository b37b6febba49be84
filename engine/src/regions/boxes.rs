//! From scores to boxes: out of nested regions, and out of a map of pixels.

use glimpse_encoder::dense::Rect;
use glimpse_indexer::regions::RegionShape;

use super::constants::{GROWTH, RISE};

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

/// The box around what a map `(height, width)`, row by row, shows best within `rect`: the places
/// that hang together with the best one there, as far as they stand out by [`RISE`] of what it
/// does. They may lie outside `rect`. `None` if nothing in it stands out.
pub(super) fn grown(map: &[f32], width: usize, rect: &Rect) -> Option<Rect> {
    let height = map.len() / width.max(1);
    let start = best_in(map, (width, height), rect)?;
    let (best, median) = (map[start], median(map)?);
    let cut = median + RISE * (best - median);
    let mut open: Vec<bool> = map.iter().map(|&value| value >= cut && best > median).collect();
    open[start].then(|| around(&flood(&mut open, start, width), height, width))
}

/// The best place of a map whose pixel lies in a box, at least in part.
fn best_in(map: &[f32], (width, height): (usize, usize), rect: &Rect) -> Option<usize> {
    let span = |from: f32, to: f32, count: usize| {
        (from * count as f32).max(0.0) as usize..((to * count as f32).ceil() as usize).min(count)
    };
    let places = span(rect.top, rect.bottom, height)
        .flat_map(|row| span(rect.left, rect.right, width).map(move |col| row * width + col));
    places.max_by(|&a, &b| map[a].total_cmp(&map[b]))
}

fn median(values: &[f32]) -> Option<f32> {
    let mut values = values.to_vec();
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
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

#[cfg(test)]
mod tests {
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

    /// Eight rows and ten columns, with a bright spot and a weaker one.
    fn two_spots() -> Vec<f32> {
        let mut map = vec![0.0; 8 * 10];
        (1..4).for_each(|row| (1..4).for_each(|col| map[row * 10 + col] = 4.0));
        (8..10).for_each(|col| map[6 * 10 + col] = 3.0);
        map
    }

    #[test]
    fn a_box_grows_around_the_best_place_within_another() {
        let bright = Rect { left: 0.1, top: 0.125, right: 0.4, bottom: 0.5 };
        assert_eq!(grown(&two_spots(), 10, &Rect::WHOLE), Some(bright));
        let corner = Rect { left: 0.0, top: 0.0, right: 0.25, bottom: 0.25 };
        assert_eq!(grown(&two_spots(), 10, &corner), Some(bright), "beyond the box that it began in");
        let lower = Rect { top: 0.7, ..Rect::WHOLE };
        assert_eq!(grown(&two_spots(), 10, &lower), Some(Rect { left: 0.8, top: 0.75, right: 1.0, bottom: 0.875 }));
    }

    #[test]
    fn an_even_map_shows_nothing() {
        assert_eq!(grown(&[1.0; 12], 4, &Rect::WHOLE), None);
        assert_eq!(grown(&[], 0, &Rect::WHOLE), None);
        let empty = Rect { left: 0.3, top: 0.9, right: 0.6, bottom: 1.0 };
        assert_eq!(grown(&two_spots(), 10, &empty), None, "nothing stands out there");
    }

    proptest! {
        #[test]
        fn boxes_lie_within_the_image_and_hold_the_best_place(
            (rows, cols) in (1usize..7, 1usize..7),
            noise in prop::collection::vec(-3f32..3.0, 36),
        ) {
            let map = &noise[..rows * cols];
            let best = best_in(map, (cols, rows), &Rect::WHOLE).unwrap_or_default();
            let found = grown(map, cols, &Rect::WHOLE);
            prop_assert_eq!(found.is_some(), median(map).is_some_and(|median| map[best] > median));
            if let Some(rect @ Rect { left, top, right, bottom }) = found {
                prop_assert!(0.0 <= left && left < right && right <= 1.0 && 0.0 <= top && top < bottom && bottom <= 1.0);
                let (x, y) = ((best % cols) as f32 + 0.5, (best / cols) as f32 + 0.5);
                prop_assert!(rect.contains(x / cols as f32, y / rows as f32));
            }
        }
    }
}
