//! Figures against those of pycocotools and the API of LVIS (`tests/golden/detect.py`).

use std::path::{Path, PathBuf};

use glimpse_nonempty::each;
use serde_json::Value;

use super::matching::Detection;
use super::precision::{Figures, figures};
use super::truth::{Kind, Truth};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/detect")
}

fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(golden().join(name)).unwrap()).unwrap()
}

/// Our figures for one of the goldens.
fn measured(name: &str) -> (Figures, Kind) {
    let truth = Truth::read(&golden().join(format!("{name}.json")), None).unwrap();
    let results = read(&format!("{name}-found.json"));
    let place = |ids: &[u64], id: &Value| ids.iter().position(|&known| Some(known) == id.as_u64()).unwrap();
    let images: Vec<u64> = truth.images.iter().map(|image| image.id).collect();
    let categories: Vec<u64> = truth.categories.iter().map(|category| category.id).collect();
    let found = results.as_array().unwrap().iter().map(|found| Detection {
        image: place(&images, &found["image_id"]),
        category: place(&categories, &found["category_id"]),
        bbox: serde_json::from_value(found["bbox"].clone()).unwrap(),
        score: found["score"].as_f64().unwrap(),
    });
    (figures(&truth, &found.collect::<Vec<_>>()), truth.kind)
}

fn same(name: &str, ours: &Figures, expected: &Value) {
    let ours = serde_json::to_value(ours).unwrap();
    let expected = expected.as_object().unwrap();
    assert!(expected.len() >= 9, "{expected:?}");
    for (key, theirs) in each(expected) {
        let theirs = theirs.as_f64().unwrap();
        let value = ours[key].as_f64().unwrap_or_else(|| panic!("{name}: no {key}"));
        assert!((value - theirs).abs() < 1e-6, "{name}, {key}: {value}, expected {theirs}");
        assert!(theirs > 0.02, "{name}, {key}: goldens in which nothing matches prove nothing");
    }
}

#[test]
fn figures_are_those_of_pycocotools() {
    let (ours, kind) = measured("coco");
    assert_eq!(kind, Kind::Coco);
    same("coco", &ours, &read("expected.json")["coco"]);
    assert_eq!((ours.ap_rare, ours.ap_common), (None, None));
}

#[test]
fn figures_are_those_of_lvis() {
    let (ours, kind) = measured("lvis");
    assert_eq!(kind, Kind::Lvis);
    same("lvis", &ours, &read("expected.json")["lvis"]);
    assert_eq!((ours.ar_1, ours.ar_10), (None, None));
}

#[test]
fn nothing_found_is_no_precision_and_nothing_there_is_no_figure() {
    let truth = Truth::read(&golden().join("coco.json"), None).unwrap();
    let none = figures(&truth, &[]);
    assert_eq!((none.ap, none.ar), (Some(0.0), Some(0.0)));
    let empty = Truth { objects: Vec::new(), ..truth };
    let figures = figures(&empty, &[]);
    assert_eq!((figures.ap, figures.ar_small, figures.categories.len()), (None, None, 0));
}
