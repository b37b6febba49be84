//! Boxes in shares of an image, so that they fit every size of it.

/// A box; `0 <= left <= right <= 1` from the left edge of the upright image, and the same from the
/// top.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Rect {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Rect {
    /// The whole image.
    pub const WHOLE: Self = Self { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };

    /// Share of the image.
    pub fn area(&self) -> f32 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }

    /// Horizontal and vertical centre.
    pub fn centre(&self) -> (f32, f32) {
        ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0)
    }

    /// True if the point is inside or on the edge.
    pub fn contains(&self, x: f32, y: f32) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    /// What both have in common; of no area if they are apart.
    pub fn intersection(&self, other: &Self) -> Self {
        let (left, top) = (self.left.max(other.left), self.top.max(other.top));
        Self { left, top, right: self.right.min(other.right).max(left), bottom: self.bottom.min(other.bottom).max(top) }
    }

    /// The smallest box around both.
    pub fn union(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// Intersection over union, 0 to 1.
    pub fn iou(&self, other: &Self) -> f32 {
        let common = self.intersection(other).area();
        let all = self.area() + other.area() - common;
        if all > 0.0 { common / all } else { 0.0 }
    }

    /// Share of this box that lies inside `other`, 0 to 1.
    pub fn share_inside(&self, other: &Self) -> f32 {
        let area = self.area();
        if area > 0.0 { self.intersection(other).area() / area } else { 0.0 }
    }

    /// Left, top, width and height in pixels of an image.
    pub fn pixels(&self, width: u32, height: u32) -> [f32; 4] {
        let (width, height) = (width as f32, height as f32);
        let (left, top) = (self.left * width, self.top * height);
        [left, top, self.right * width - left, self.bottom * height - top]
    }

    /// From left, top, width and height in pixels, cut at the edges of the image; `None` if nothing
    /// is left.
    pub fn from_pixels([left, top, wide, high]: [f32; 4], width: u32, height: u32) -> Option<Self> {
        let share = |at: f32, of: u32| (at / of as f32).clamp(0.0, 1.0);
        let rect = Self {
            left: share(left, width),
            top: share(top, height),
            right: share(left + wide, width),
            bottom: share(top + high, height),
        };
        (rect.area() > 0.0).then_some(rect)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rects() -> impl Strategy<Value = Rect> {
        (0f32..1.0, 0f32..1.0, 0f32..1.0, 0f32..1.0).prop_map(|(a, b, c, d)| Rect {
            left: a.min(b),
            right: a.max(b),
            top: c.min(d),
            bottom: c.max(d),
        })
    }

    proptest! {
        #[test]
        fn overlap_is_symmetric_and_within_both(a in rects(), b in rects()) {
            prop_assert_eq!(a.iou(&b), b.iou(&a));
            prop_assert!((0.0..=1.0 + 1e-5).contains(&a.iou(&b)));
            let common = a.intersection(&b);
            prop_assert!(common.area() <= a.area().min(b.area()) + 1e-6);
            let all = a.union(&b);
            prop_assert!(a.area() < 1e-6 || (a.share_inside(&all) - 1.0).abs() < 1e-4);
        }

        #[test]
        fn pixels_read_back(a in rects(), width in 1u32..5000, height in 1u32..5000) {
            prop_assume!(a.area() > 1e-3);
            let again = Rect::from_pixels(a.pixels(width, height), width, height);
            prop_assert!(again.is_some_and(|again| a.iou(&again) > 0.99));
        }
    }

    #[test]
    fn a_box_outside_the_image_is_none() {
        assert_eq!(Rect::from_pixels([100.0, 0.0, 5.0, 5.0], 100, 100), None);
        assert_eq!(Rect::from_pixels([f32::NAN, 0.0, 5.0, 5.0], 100, 100), None);
        assert_eq!(Rect::from_pixels([-50.0, -50.0, 500.0, 500.0], 100, 100), Some(Rect::WHOLE));
    }
}
