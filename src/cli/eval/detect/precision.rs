//! Average precision and recall, as pycocotools and the API of LVIS have them.

use std::collections::HashMap;

use serde::Serialize;

use super::super::coco_file::Frequency;
use super::matching::{AREAS, Detection, Matched, OVERLAPS, OfCategory};
use super::truth::{Kind, Truth};

/// Places of the curve of precision over recall: 0, 0.01 and so on to 1.
const RECALLS: usize = 101;
/// Most detections of an image: of a category for COCO, of all for LVIS.
const MOST_OF_COCO: usize = 100;
const MOST_OF_LVIS: usize = 300;
/// Detections of a category in an image that COCO reports recall for.
const DEPTHS: [usize; 3] = [1, 10, MOST_OF_COCO];

/// Averages over categories that have objects; none where none has.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Average precision, over overlaps from 0.5 to 0.95.
    pub ap: Option<f64>,
    /// At overlaps of 0.5 and 0.75.
    pub ap50: Option<f64>,
    pub ap75: Option<f64>,
    /// Of objects below 32 x 32 pixels, below 96 x 96, and above.
    pub ap_small: Option<f64>,
    pub ap_medium: Option<f64>,
    pub ap_large: Option<f64>,
    /// Of LVIS, of categories by their frequency in training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ap_rare: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ap_common: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ap_frequent: Option<f64>,
    /// Of COCO, average recall with 1 and 10 detections of a category an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ar_1: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ar_10: Option<f64>,
    /// The same with all that count: 100 of a category for COCO, 300 of an image for LVIS.
    pub ar: Option<f64>,
    pub ar_small: Option<f64>,
    pub ar_medium: Option<f64>,
    pub ar_large: Option<f64>,
    /// By category, those that have objects.
    pub categories: Vec<CategoryFigures>,
}

/// What was found of one category.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CategoryFigures {
    pub name: String,
    pub objects: usize,
    pub ap: f64,
    pub ap50: f64,
}

/// Precision and recall of one category, in one range of areas.
#[derive(Clone)]
struct Curve {
    /// By overlap: the best precision from each recall on.
    precision: Vec<[f64; RECALLS]>,
    recall: Vec<f64>,
}

/// Compares detections with the truth.
pub fn figures(truth: &Truth, detections: &[Detection]) -> Figures {
    let counted = counted(truth, detections);
    let mut of_category: Vec<Vec<&Detection>> = vec![Vec::new(); truth.categories.len()];
    for detection in counted {
        of_category[detection.category].push(detection);
    }
    let most = if truth.kind == Kind::Coco { MOST_OF_COCO } else { MOST_OF_LVIS };
    let mut curves: Vec<[Option<Curve>; AREAS.len()]> = Vec::new();
    let mut shallow: Vec<[Option<Curve>; 2]> = Vec::new();
    let mut categories = Vec::new();
    for (place, detections) in of_category.iter().enumerate() {
        let pairs = OfCategory::new(truth, place, detections, most);
        let all = pairs.matched(AREAS[0]);
        let rest = AREAS[1..].iter().map(|&area| Curve::of(&pairs.matched(area)));
        let (whole, objects) = (Curve::of(&all), all.objects);
        if let Some(curve) = &whole {
            let name = truth.categories[place].name.clone();
            let (ap, ap50) = (mean(curve.precision.iter().flatten()), mean(&curve.precision[0]));
            categories.push(CategoryFigures { name, objects, ap: ap.unwrap_or(0.0), ap50: ap50.unwrap_or(0.0) });
        }
        let by_area: Vec<Option<Curve>> = std::iter::once(whole).chain(rest).collect();
        if let Ok(by_area) = by_area.try_into() {
            curves.push(by_area);
        }
        if truth.kind == Kind::Coco {
            let of = |most: usize| Curve::of(&OfCategory::new(truth, place, detections, most).matched(AREAS[0]));
            shallow.push([of(DEPTHS[0]), of(DEPTHS[1])]);
        }
    }
    let ap = |area: usize, is_meant: &dyn Fn(usize) -> bool| {
        let meant = curves.iter().enumerate().filter(|(category, _)| is_meant(*category));
        mean(meant.filter_map(|(_, curves)| curves[area].as_ref()).flat_map(|curve| curve.precision.iter().flatten()))
    };
    let at = |overlap: usize| {
        let all = curves.iter().filter_map(|curves| curves[0].as_ref());
        mean(all.flat_map(|curve| &curve.precision[overlap]))
    };
    let of = |frequency: Frequency| ap(0, &|category| truth.categories[category].frequency == Some(frequency));
    let ar = |area: usize| mean(curves.iter().filter_map(|curves| curves[area].as_ref()).flat_map(|c| &c.recall));
    let ar_shallow = |depth: usize| {
        let all = shallow.iter().filter_map(|curves| curves[depth].as_ref());
        mean(all.flat_map(|curve| &curve.recall))
    };
    Figures {
        ap: ap(0, &|_| true),
        ap50: at(0),
        ap75: at(5),
        ap_small: ap(1, &|_| true),
        ap_medium: ap(2, &|_| true),
        ap_large: ap(3, &|_| true),
        ap_rare: of(Frequency::Rare),
        ap_common: of(Frequency::Common),
        ap_frequent: of(Frequency::Frequent),
        ar_1: ar_shallow(0),
        ar_10: ar_shallow(1),
        ar: ar(0),
        ar_small: ar(1),
        ar_medium: ar(2),
        ar_large: ar(3),
        categories,
    }
}

/// The detections that count. Of LVIS, the best of each image, and only of categories that the
/// image was looked through for.
fn counted<'a>(truth: &Truth, detections: &'a [Detection]) -> Vec<&'a Detection> {
    if truth.kind == Kind::Coco {
        return detections.iter().collect();
    }
    let mut looked_for: Vec<std::collections::BTreeSet<usize>> =
        truth.images.iter().map(|image| image.absent.clone()).collect();
    for object in &truth.objects {
        looked_for[object.image].insert(object.category);
    }
    let mut of_images: HashMap<usize, Vec<&Detection>> = HashMap::new();
    for detection in detections {
        of_images.entry(detection.image).or_default().push(detection);
    }
    let mut images: Vec<(usize, Vec<&Detection>)> = of_images.into_iter().collect();
    images.sort_by_key(|(image, _)| *image);
    let best = images.into_iter().flat_map(|(_, mut found)| {
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(MOST_OF_LVIS);
        found
    });
    best.filter(|found| looked_for[found.image].contains(&found.category)).collect()
}

impl Curve {
    /// None for a category without objects.
    fn of(matched: &Matched) -> Option<Self> {
        if matched.objects == 0 {
            return None;
        }
        let mut curve = Self { precision: Vec::with_capacity(OVERLAPS), recall: Vec::with_capacity(OVERLAPS) };
        for (right, ignored) in matched.right.iter().zip(&matched.ignored) {
            let (mut found, mut wrong) = (0.0, 0.0);
            let (mut recalls, mut precisions) = (Vec::new(), Vec::new());
            for (&right, &ignored) in right.iter().zip(ignored) {
                found += f64::from(u8::from(right && !ignored));
                wrong += f64::from(u8::from(!right && !ignored));
                recalls.push(found / matched.objects as f64);
                precisions.push(found / (found + wrong + f64::EPSILON));
            }
            curve.recall.push(recalls.last().copied().unwrap_or(0.0));
            for at in (1..precisions.len()).rev() {
                precisions[at - 1] = f64::max(precisions[at - 1], precisions[at]);
            }
            curve.precision.push(std::array::from_fn(|at| {
                let recall = if at + 1 == RECALLS { 1.0 } else { at as f64 * 0.01 };
                let place = recalls.partition_point(|&known| known < recall);
                precisions.get(place).copied().unwrap_or(0.0)
            }));
        }
        Some(curve)
    }
}

fn mean<'a>(values: impl IntoIterator<Item = &'a f64>) -> Option<f64> {
    let (sum, count) = values.into_iter().fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}
