//! Masks: which pixels of an image something covers, as the runs that COCO keeps.

use super::rect::Rect;

/// Most bits of a number in [`Mask::to_coco_text`]: each letter holds five of them.
const BITS: u32 = 5;
/// The letter of the number 0.
const FIRST: u8 = 48;

/// The pixels of an image that something covers. Runs go down the columns, from the left one on,
/// and the first run is of pixels outside, as COCO has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    width: u32,
    height: u32,
    runs: Vec<u32>,
}

impl Mask {
    /// The pixels `(x, y)` of an image of `width x height` that are inside.
    pub fn of(width: u32, height: u32, is_inside: impl Fn(u32, u32) -> bool) -> Self {
        let (mut runs, mut inside, mut run) = (Vec::new(), false, 0);
        for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
            if is_inside(x, y) != inside {
                runs.push(run);
                (inside, run) = (!inside, 0);
            }
            run += 1;
        }
        if run > 0 {
            runs.push(run);
        }
        Self { width, height, runs }
    }

    /// The masks of `count` segments, the `i`-th being the pixels for which `id` gives `i + 1`;
    /// those of other ids are in none.
    pub fn of_ids(width: u32, height: u32, count: usize, id: impl Fn(u32, u32) -> u32) -> Vec<Self> {
        let mut masks = vec![Self { width, height, runs: Vec::new() }; count];
        let mut ends = vec![0u32; count];
        let place = |id: u32| (id as usize).checked_sub(1).filter(|&place| place < count);
        let mut close = |masks: &mut Vec<Self>, id: u32, start: u32, end: u32| {
            if let Some(place) = place(id).filter(|_| end > start) {
                masks[place].runs.extend([start - ends[place], end - start]);
                ends[place] = end;
            }
        };
        let (mut current, mut start, mut at) = (0, 0, 0);
        for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
            let here = id(x, y);
            if here != current {
                close(&mut masks, current, start, at);
                (current, start) = (here, at);
            }
            at += 1;
        }
        close(&mut masks, current, start, at);
        for (mask, end) in masks.iter_mut().zip(ends) {
            if end < at {
                mask.runs.push(at - end);
            }
        }
        masks
    }

    /// A mask from its runs; `None` if they do not fill the image.
    pub fn from_runs(width: u32, height: u32, runs: Vec<u32>) -> Option<Self> {
        let filled = runs.iter().try_fold(0u64, |sum, &run| sum.checked_add(run.into()))?;
        (filled == u64::from(width) * u64::from(height)).then_some(Self { width, height, runs })
    }

    /// Width of the image in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height of the image in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Lengths of the runs: outside, inside, and so on (`counts` of an uncompressed RLE of COCO).
    pub fn runs(&self) -> &[u32] {
        &self.runs
    }

    /// Number of pixels inside.
    pub fn area(&self) -> u64 {
        self.runs.iter().skip(1).step_by(2).map(|&run| u64::from(run)).sum()
    }

    /// Whether each pixel is inside, row by row: `height * width` values.
    pub fn pixels(&self) -> Vec<bool> {
        let (width, height) = (self.width as usize, self.height as usize);
        let mut pixels = vec![false; width * height];
        let mut at = 0;
        for (place, &run) in self.runs.iter().enumerate() {
            if place % 2 == 1 {
                (at..at + run as usize).for_each(|i| pixels[i % height * width + i / height] = true);
            }
            at += run as usize;
        }
        pixels
    }

    /// The smallest box around what is inside: left, top, width and height in pixels; all zero for
    /// an empty mask.
    pub fn bounds(&self) -> [u32; 4] {
        let (mut left, mut top, mut right, mut bottom) = (self.width, self.height, 0, 0);
        let mut at = 0;
        for (place, &run) in self.runs.iter().enumerate() {
            if place % 2 == 1 && run > 0 {
                let (first, last) = (at, at + run - 1);
                (left, right) = (left.min(first / self.height), right.max(last / self.height + 1));
                let is_one_column = first / self.height == last / self.height;
                top = top.min(if is_one_column { first % self.height } else { 0 });
                bottom = bottom.max(if is_one_column { last % self.height + 1 } else { self.height });
            }
            at += run;
        }
        if right == 0 { [0; 4] } else { [left, top, right - left, bottom - top] }
    }

    /// [`Mask::bounds`] in shares of the image.
    pub fn rect(&self) -> Rect {
        let [left, top, wide, high] = self.bounds().map(|side| side as f32);
        let (width, height) = (self.width.max(1) as f32, self.height.max(1) as f32);
        Rect { left: left / width, top: top / height, right: (left + wide) / width, bottom: (top + high) / height }
    }

    /// The runs as COCO compresses them to letters (`counts` as a string): each number is the
    /// difference from the one two places before, in letters of five bits, lowest first.
    pub fn to_coco_text(&self) -> String {
        let mut text = String::new();
        for (place, &run) in self.runs.iter().enumerate() {
            let before = if place > 2 { i64::from(self.runs[place - 2]) } else { 0 };
            let mut rest = i64::from(run) - before;
            loop {
                let bits = (rest & 0x1f) as u8;
                rest >>= BITS;
                let is_negative = bits & 0x10 != 0;
                let more = if is_negative { rest != -1 } else { rest != 0 };
                text.push(char::from(FIRST + bits + if more { 0x20 } else { 0 }));
                if !more {
                    break;
                }
            }
        }
        text
    }

    /// A mask from the letters of [`Mask::to_coco_text`]; `None` if they are none, or do not fill
    /// the image.
    pub fn from_coco_text(width: u32, height: u32, text: &str) -> Option<Self> {
        let mut runs: Vec<u32> = Vec::new();
        let mut letters = text.bytes();
        while letters.len() > 0 {
            let (mut value, mut shift) = (0i64, 0);
            loop {
                let letter = letters.next()?.checked_sub(FIRST).filter(|letter| *letter < 0x40)?;
                value |= i64::from(letter & 0x1f) << shift;
                shift += BITS;
                if letter & 0x20 == 0 {
                    if letter & 0x10 != 0 {
                        value |= -1 << shift;
                    }
                    break;
                }
                if shift > 35 {
                    return None;
                }
            }
            let before = if runs.len() > 2 { i64::from(runs[runs.len() - 2]) } else { 0 };
            runs.push(u32::try_from(value + before).ok()?);
        }
        Self::from_runs(width, height, runs)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask(rows: &[&str]) -> Mask {
        let inside = |x: u32, y: u32| rows[y as usize].as_bytes()[x as usize] == b'#';
        Mask::of(rows[0].len() as u32, rows.len() as u32, inside)
    }

    #[test]
    fn runs_go_down_the_columns() {
        let mask = mask(&["..#", ".##"]);
        assert_eq!(mask.runs(), [3, 3]);
        assert_eq!((mask.area(), mask.bounds()), (3, [1, 0, 2, 2]));
        assert_eq!(mask.pixels(), [false, false, true, false, true, true]);
        assert_eq!(mask.rect(), Rect { left: 1.0 / 3.0, top: 0.0, right: 1.0, bottom: 1.0 });
    }

    #[test]
    fn nothing_and_everything() {
        let none = mask(&["..", ".."]);
        assert_eq!((none.runs(), none.area(), none.bounds()), (&[4][..], 0, [0; 4]));
        assert_eq!(mask(&["##", "##"]).runs(), [0, 4]);
        assert_eq!(Mask::from_runs(2, 2, vec![1, 2]), None);
        assert_eq!(Mask::of(0, 0, |_, _| true).to_coco_text(), "");
    }

    /// As pycocotools 2.0.10 writes them (`mask.encode`).
    #[test]
    fn letters_are_those_of_pycocotools() {
        let disc = Mask::of(40, 30, |x, y| (x as i64 - 20).pow(2) + (y as i64 - 15).pow(2) < 100);
        assert_eq!(disc.to_coco_text(), DISC);
        assert_eq!(Mask::of(3, 40, |x, _| x > 0).to_coco_text(), "X1`2");
        assert_eq!(Mask::from_coco_text(40, 30, DISC), Some(disc));
        for odd in ["X1", "X1`2`2", "\u{1}", "X1o", "é"] {
            assert_eq!(Mask::from_coco_text(3, 40, odd), None, "{odd}");
        }
    }

    const DISC: &str = "e:9d02M4N0O2N2O0000000000000001N2N102L3NR9";

    proptest! {
        #[test]
        fn a_mask_comes_back_from_its_letters(
            (width, height) in (1u32..30, 1u32..30),
            bits in prop::collection::vec(any::<bool>(), 900),
        ) {
            let mask = Mask::of(width, height, |x, y| bits[(y * width + x) as usize]);
            prop_assert_eq!(Mask::from_coco_text(width, height, &mask.to_coco_text()), Some(mask.clone()));
            let both = Mask::of_ids(width, height, 2, |x, y| 1 + u32::from(bits[(y * width + x) as usize]));
            prop_assert_eq!(&both[1], &mask);
            prop_assert_eq!(both[0].area() + both[1].area(), u64::from(width * height));
            let pixels = mask.pixels();
            prop_assert_eq!(&pixels[..], &bits[..pixels.len()]);
            prop_assert_eq!(mask.area(), pixels.iter().filter(|inside| **inside).count() as u64);
            let [left, top, wide, high] = mask.bounds();
            let around = |i: u32| (left..left + wide).contains(&(i % width)) && (top..top + high).contains(&(i / width));
            let outside = (0..width * height).filter(|&i| pixels[i as usize] && !around(i)).count();
            prop_assert_eq!(outside, 0);
        }
    }
}
