//! Which detections are right: the greedy matching of COCO and LVIS, category by category.

use super::truth::{Kind, Object, Truth};

/// Overlaps from which a box is right: 0.5, 0.55 and so on to 0.95.
pub const OVERLAPS: usize = 10;

/// Ranges of areas in pixels: all, small, medium, large.
pub const AREAS: [[f64; 2]; 4] = [[0.0, 1e10], [0.0, 1024.0], [1024.0, 9216.0], [9216.0, 1e10]];

/// A box that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    pub image: usize,
    pub category: usize,
    /// Left, top, width and height in pixels.
    pub bbox: [f64; 4],
    pub score: f64,
}

/// The detections of one category, best first, for one range of areas.
pub struct Matched {
    /// By overlap, then by detection.
    pub right: Vec<Vec<bool>>,
    /// Those that do not count.
    pub ignored: Vec<Vec<bool>>,
    /// Objects that should be found.
    pub objects: usize,
}

/// Overlap number `at`, as numpy's `linspace` has it.
pub fn overlap(at: usize) -> f64 {
    const STEP: f64 = (0.95 - 0.5) / 9.0;
    if at + 1 == OVERLAPS { 0.95 } else { 0.5 + at as f64 * STEP }
}

/// Objects and detections by image, of one category.
pub struct OfCategory<'a> {
    truth: &'a Truth,
    category: usize,
    images: Vec<OfImage<'a>>,
}

/// Objects of an image, and its detections, best first.
#[derive(Default)]
struct OfImage<'a> {
    objects: Vec<&'a Object>,
    found: Vec<&'a Detection>,
    /// By detection, then by object.
    overlaps: Vec<Vec<f64>>,
}

impl<'a> OfCategory<'a> {
    /// The `most` best detections of each image count.
    pub fn new(truth: &'a Truth, category: usize, detections: &[&'a Detection], most: usize) -> Self {
        let mut images: Vec<OfImage> = (0..truth.images.len()).map(|_| OfImage::default()).collect();
        for object in truth.objects.iter().filter(|object| object.category == category) {
            images[object.image].objects.push(object);
        }
        for detection in detections {
            images[detection.image].found.push(detection);
        }
        for image in &mut images {
            image.found.sort_by(|a, b| b.score.total_cmp(&a.score));
            image.found.truncate(most);
            let overlaps =
                |found: &&Detection| image.objects.iter().map(|object| shared(&found.bbox, object)).collect();
            image.overlaps = image.found.iter().map(overlaps).collect();
        }
        Self { truth, category, images }
    }

    /// What is right where objects of one range of areas count.
    pub fn matched(&self, area: [f64; 2]) -> Matched {
        let is_in = |value: f64| (area[0]..=area[1]).contains(&value);
        let mut all: Vec<(f64, [(bool, bool); OVERLAPS])> = Vec::new();
        let mut objects = 0;
        for (place, image) in self.images.iter().enumerate() {
            let is_out = |object: &Object| (self.truth.kind == Kind::Coco && object.is_crowd) || !is_in(object.area);
            let mut order: Vec<usize> = (0..image.objects.len()).collect();
            order.sort_by_key(|&object| is_out(image.objects[object]));
            objects += order.iter().filter(|&&object| !is_out(image.objects[object])).count();
            let forgiven = self.truth.images[place].not_all.contains(&self.category);
            let first = all.len();
            all.extend(image.found.iter().map(|found| (found.score, [(false, false); OVERLAPS])));
            for at in 0..OVERLAPS {
                let mut taken = vec![false; image.objects.len()];
                for (number, found) in image.found.iter().enumerate() {
                    let [.., width, height] = found.bbox;
                    all[first + number].1[at] = match self.best(image, number, &order, &taken, at, is_out) {
                        Some(object) => {
                            taken[object] = true;
                            (true, is_out(image.objects[object]))
                        }
                        None => (false, forgiven || !is_in(width * height)),
                    };
                }
            }
        }
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        let column = |of: fn(&(bool, bool)) -> bool| {
            (0..OVERLAPS).map(|at| all.iter().map(|(_, outcomes)| of(&outcomes[at])).collect()).collect()
        };
        Matched { right: column(|outcome| outcome.0), ignored: column(|outcome| outcome.1), objects }
    }

    /// The object that a detection is taken for: the one with most overlap that is not taken yet,
    /// one that counts before one that does not. A crowd may be taken many times.
    fn best(
        &self,
        image: &OfImage,
        found: usize,
        order: &[usize],
        taken: &[bool],
        at: usize,
        is_out: impl Fn(&Object) -> bool,
    ) -> Option<usize> {
        let is_crowd = |object: usize| self.truth.kind == Kind::Coco && image.objects[object].is_crowd;
        let mut least = overlap(at).min(1.0 - 1e-10);
        let mut best: Option<usize> = None;
        for &object in order.iter().filter(|&&object| !taken[object] || is_crowd(object)) {
            if best.is_some_and(|best| !is_out(image.objects[best])) && is_out(image.objects[object]) {
                break;
            }
            let overlap = image.overlaps[found][object];
            if overlap >= least {
                (least, best) = (overlap, Some(object));
            }
        }
        best
    }
}

/// Intersection over union of a detection and an object; over the detection alone for a crowd.
fn shared(found: &[f64; 4], object: &Object) -> f64 {
    let common = |at: usize| {
        let end = (found[at] + found[at + 2]).min(object.bbox[at] + object.bbox[at + 2]);
        (end - found[at].max(object.bbox[at])).max(0.0)
    };
    let both = common(0) * common(1);
    if both <= 0.0 {
        return 0.0; // of empty boxes, too
    }
    let own = found[2] * found[3];
    let union = if object.is_crowd { own } else { own + object.bbox[2] * object.bbox[3] - both };
    both / union
}
