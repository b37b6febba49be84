//! Figures against those of pycocotools (`tests/golden/detect.py`).

use super::accuracy::{Accuracy, Shares};

#[test]
fn overlaps_are_those_of_the_field() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/detect/refer.json");
    let golden: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(golden).unwrap()).unwrap();
    let bbox = |value: &serde_json::Value| -> [f64; 4] { serde_json::from_value(value.clone()).unwrap() };
    let pairs = golden["pairs"].as_array().unwrap();
    assert!(pairs.len() > 20);
    let mut sums = Accuracy::default();
    for pair in pairs {
        sums.add(Some(bbox(&pair["found"])), bbox(&pair["truth"]));
    }
    let Shares { acc_at_05, acc_at_075, mean_iou } = sums.into();
    for (ours, name) in [(acc_at_05, "acc_at_05"), (acc_at_075, "acc_at_075"), (mean_iou, "mean_iou")] {
        let theirs = golden[name].as_f64().unwrap();
        assert!((ours - theirs).abs() < 1e-6 && theirs > 0.1, "{name}: {ours}, expected {theirs}");
    }
    sums.add(None, [0.0, 0.0, 1.0, 1.0]);
    assert!(Shares::from(sums).acc_at_05 < acc_at_05, "no box is a wrong one");
}
