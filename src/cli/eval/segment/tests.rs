//! Figures against those of panopticapi and numpy (`tests/golden/panoptic.py`).

use std::path::{Path, PathBuf};

use super::super::confusion::Confusion;
use super::super::pixel_truth::{TrueMap, TrueSegment, Truth, VOID, numbers};
use super::draws::Draws;
use super::panoptic_quality::{PanopticQuality, PredictedSegment, Quality};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/panoptic")
}

#[test]
fn quality_and_iou_are_those_of_the_field() {
    let golden = golden();
    let read = |name: &str| std::fs::read_to_string(golden.join(name)).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&read("expected.json")).unwrap();
    let predictions: serde_json::Value = serde_json::from_str(&read("predicted.json")).unwrap();
    let truth = Truth::panoptic(&golden.join("truth.json"), &golden.join("truth"), &golden).unwrap();
    let ids: Vec<u64> = expected["categories"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    assert_eq!(ids.len(), truth.categories.len());

    let mut quality = PanopticQuality::new(ids.len());
    let mut confusion = Confusion::new(ids.len());
    let annotations = predictions["annotations"].as_array().unwrap();
    assert_eq!(annotations.len(), truth.images.len());
    for (image, annotation) in truth.images.iter().zip(annotations) {
        let map = image.load().unwrap();
        let png = golden.join("predicted").join(annotation["file_name"].as_str().unwrap());
        let pixels = numbers(&image::open(png).unwrap());
        let segments = annotation["segments_info"].as_array().unwrap().iter().map(|info| {
            let number = |name: &str| info[name].as_u64().unwrap();
            let category = ids.iter().position(|&id| id == number("category_id")).unwrap();
            PredictedSegment { id: number("id") as u32, category }
        });
        let segments: Vec<PredictedSegment> = segments.collect();
        let (of_truth, list) = map.segments.as_ref().unwrap();
        quality.add((of_truth, list), (&pixels, &segments));
        let category = |id: &u32| segments.iter().find(|segment| segment.id == *id).map_or(VOID, |s| s.category as u16);
        confusion.add(&map.categories, pixels.iter().map(category));
    }

    let close = |ours: f64, name: &str, part: &str| {
        let theirs = expected[name][part].as_f64().unwrap();
        assert!((ours - theirs).abs() < 1e-6, "{name} {part}: {ours}, expected {theirs}");
    };
    let same = |ours: Quality, name: &str| {
        close(ours.pq, name, "pq");
        close(ours.sq, name, "sq");
        close(ours.rq, name, "rq");
        assert_eq!(ours.categories as u64, expected[name]["n"].as_u64().unwrap(), "{name}");
        assert!(ours.pq > 0.05, "{name}: goldens in which nothing matches prove nothing");
    };
    same(quality.mean(|_| true), "All");
    same(quality.mean(|category| truth.categories[category].is_thing), "Things");
    same(quality.mean(|category| !truth.categories[category].is_thing), "Stuff");
    close(confusion.mean_iou(), "semantic", "mean_iou");
    close(confusion.pixel_accuracy(), "semantic", "pixel_accuracy");
}

#[test]
fn a_perfect_answer_has_all_and_none_has_nothing() {
    let list = [TrueSegment { id: 7, category: 1, area: 2, is_crowd: false }];
    let truth = (&[0, 7, 7, 0][..], &list[..]);
    let mut quality = PanopticQuality::new(2);
    quality.add(truth, (&[1, 1, 1, 1], &[PredictedSegment { id: 1, category: 1 }]));
    let perfect = Quality { pq: 1.0, sq: 1.0, rq: 1.0, categories: 1 };
    assert_eq!((quality.of(0), quality.of(1)), (None, Some(perfect)), "void leaves the union");
    quality.add(truth, (&[0; 4], &[]));
    assert_eq!(quality.of(1).unwrap().rq, 1.0 / 1.5);
    let mut confusion = Confusion::new(2);
    confusion.add(&[1, 1, VOID, 0], [1, VOID, 0, 1].into_iter());
    assert_eq!((confusion.iou(0), confusion.iou(1)), (Some(0.0), Some(1.0 / 3.0)));
    assert_eq!(confusion.pixel_accuracy(), 1.0 / 3.0);
}

#[test]
fn what_is_not_asked_for_is_none_or_does_not_count() {
    let map =
        || TrueMap { width: 5, height: 1, categories: vec![0, 1, 2, 3, VOID], segments: Some(Default::default()) };
    assert_eq!(map().shown().into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    let asked = map().asked(&[1, 7], Some(0));
    assert_eq!((asked.categories, asked.segments), (vec![0, 1, 0, 0, VOID], None));
    assert_eq!(map().asked(&[1], None).categories, [VOID, 1, VOID, VOID, VOID]);
}

#[test]
fn draws_are_the_same_in_every_run_and_differ_by_seed() {
    let draw = |seed| Draws::of(seed).some((0..100).collect(), 5);
    assert_eq!(draw(3), draw(3));
    assert!(draw(3) != draw(4) && draw(3).len() == 5 && draw(3).is_sorted());
    assert_eq!(Draws::of(1).some(vec![4, 9], 5), [4, 9]);
    assert_eq!(Draws::of(1).below(0), 0);
}
