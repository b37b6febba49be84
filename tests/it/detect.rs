//! `eval detect`, `eval refer` and `tag --regions`, by the program and its bundled model.

use std::fs;

use glimpse_nonempty::each;
use serde_json::{Value, json};

use crate::util::{Fixture, root};

/// The things of the small gallery of masks as COCO annotations, each with its name as caption.
fn boxes() -> Value {
    let gallery = root().join("tests/golden/masks/panoptic.json");
    let gallery: Value = serde_json::from_str(&fs::read_to_string(gallery).unwrap()).unwrap();
    let categories = gallery["categories"].as_array().unwrap().iter().filter(|category| category["isthing"] == 1);
    let categories: Vec<&Value> = categories.collect();
    let mut annotations = Vec::new();
    for image in each(gallery["annotations"].as_array().unwrap()) {
        for segment in image["segments_info"].as_array().unwrap() {
            if let Some(category) = categories.iter().find(|category| category["id"] == segment["category_id"]) {
                annotations.push(json!({
                    "id": annotations.len() + 1, "image_id": image["image_id"], "category_id": category["id"],
                    "bbox": segment["bbox"], "area": segment["area"], "iscrowd": 0, "caption": category["name"],
                }));
            }
        }
    }
    assert!(annotations.len() > 4);
    json!({ "images": gallery["images"], "annotations": annotations, "categories": categories })
}

#[test]
fn finding_is_measured_as_a_detector_and_boxes_are_written_for_others() {
    let fixture = Fixture::empty();
    let (data, out) = (fixture.path().join("boxes.json"), fixture.path().join("found.json"));
    fs::write(&data, boxes().to_string()).unwrap();
    let images = root().join("tests/golden/masks");
    let (data, out, images) = (data.to_str().unwrap(), out.to_str().unwrap(), images.to_str().unwrap());
    let args = ["eval", "detect", "--model", "demo", "--data", data, "--images", images];
    let report = fixture.json([&args[..], &["--out", out, "--json"]].concat()).pop().unwrap();
    assert_eq!(
        (report["kind"].as_str(), report["images"].as_u64(), report["missing"].as_u64()),
        (Some("coco"), Some(4), Some(0))
    );
    let figure = |name: &str| report[name].as_f64().unwrap();
    assert!(0.0 < figure("ap50") && figure("ap") <= figure("ap50") && figure("ap50") <= 1.0, "{report}");
    assert!(figure("ar_1") <= figure("ar_10") && figure("ar_10") <= figure("ar"), "{report}");
    let found: Value = serde_json::from_str(&fs::read_to_string(out).unwrap()).unwrap();
    assert_eq!(Some(found.as_array().unwrap().len() as u64), report["boxes"].as_u64());
    for found in each(found.as_array().unwrap()) {
        let side = |i: usize| found["bbox"][i].as_f64().unwrap();
        assert!(side(0) >= 0.0 && side(0) + side(2) <= 384.01 && side(1) + side(3) <= 288.01, "{found}");
    }
    let table = fixture.run(args);
    assert!(table.code == 0 && table.stdout.contains("AP50"), "{}{}", table.stdout, table.stderr);
    let nowhere = fixture.run(["eval", "detect", "--model", "demo", "--data", data]);
    assert!(nowhere.code == 2 && nowhere.stderr.contains("0000.jpg"), "{}", nowhere.stderr);
}

#[test]
fn expressions_are_looked_for_in_their_images() {
    let fixture = Fixture::empty();
    let data = fixture.path().join("refer.json");
    fs::write(&data, boxes().to_string()).unwrap();
    let images = root().join("tests/golden/masks");
    let (data, images) = (data.to_str().unwrap(), images.to_str().unwrap());
    let args = ["eval", "refer", "--model", "demo", "--data", data, "--images", images, "--json"];
    let report = fixture.json(args).pop().unwrap();
    let count = boxes()["annotations"].as_array().unwrap().len() as u64;
    assert_eq!((report["expressions"].as_u64(), report["images"].as_u64()), (Some(count), Some(4)));
    let figure = |name: &str| report.pointer(name).and_then(Value::as_f64).unwrap();
    for whose in ["", "/region"] {
        let (half, more) = (figure(&format!("{whose}/acc_at_05")), figure(&format!("{whose}/acc_at_075")));
        assert!(more <= half && half <= 1.0 && figure(&format!("{whose}/mean_iou")) > 0.05, "{report}");
    }
    let list = fixture.path().join("refs.json");
    let references = json!([{ "ann_id": 1, "split": "val", "sentences": [{ "sent": "a thing" }] }]);
    fs::write(&list, references.to_string()).unwrap();
    let list = list.to_str().unwrap();
    let args = ["eval", "refer", "--model", "demo", "--data", list, "--images", images];
    let alone = fixture.run(args);
    assert!(alone.code == 2 && alone.stderr.contains("refs.json"), "{}", alone.stderr);
    let report =
        fixture.json([&args[..], &["--annotations", data, "--split", "val", "--json"]].concat()).pop().unwrap();
    assert_eq!(report["expressions"], 1);
}

#[test]
fn parts_of_images_are_tagged() {
    let fixture = crate::util::shared();
    let args = ["tag", "sunflower", "lemon", "carrot", "--regions", "--min-score", "0.1"];
    let tagged = fixture.json([&args[..], &["--json"]].concat());
    for image in each(&tagged) {
        let (width, height) = (image["width"].as_f64().unwrap(), image["height"].as_f64().unwrap());
        for region in each(image["regions"].as_array().unwrap()) {
            let side = |name: &str| region[name].as_f64().unwrap();
            assert!(["sunflower", "lemon", "carrot"].contains(&region["label"].as_str().unwrap()), "{region}");
            assert!(side("x") >= 0.0 && side("x") + side("width") <= width + 0.01, "{region}");
            assert!(side("y") >= 0.0 && side("y") + side("height") <= height + 0.01, "{region}");
            assert!(side("score") >= 0.1);
        }
    }
    let table = fixture.run(args);
    assert!(table.code == 0 && table.stderr.contains("have a tag"), "{}{}", table.stdout, table.stderr);
    let own = fixture.run(["tag", "--regions", "--json"]);
    assert!(own.code < 2, "the library's keywords: {}", own.stderr);
    let nothing = fixture.run(["tag"]);
    assert_eq!(nothing.code, 2, "{}", nothing.stdout);
}

#[test]
fn tags_of_parts_are_kept_filtered_by_and_dropped() {
    let fixture = crate::util::Fixture::indexed();
    let labels = ["sunflower", "lemon", "carrot", "grass"];
    let keep = [&["tag"][..], &labels, &["--regions", "--keep", "--json"]].concat();
    let done = fixture.json(keep.clone()).pop().unwrap();
    let images = done["tagged"].as_u64().unwrap();
    assert!(images > 10 && done["labels"] == 4 && done["cancelled"] == false, "{done}");
    let again = fixture.json(keep).pop().unwrap();
    assert_eq!((again["tagged"].as_u64(), again["unchanged"].as_u64()), (Some(0), Some(images)));
    let mut shown = 0;
    for label in each(labels) {
        let found = fixture.run(["find", label, "--strict", "--json", "-n", "500"]);
        let filtered = fixture.run(["search", "--region-tag", label, "--json", "-n", "500"]);
        assert!(found.code < 2 && filtered.code < 2, "{}{}", found.stderr, filtered.stderr);
        let ids = |text: &str| {
            let ids = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap());
            ids.collect::<std::collections::BTreeSet<u64>>()
        };
        assert_eq!(ids(&found.stdout), ids(&filtered.stdout), "{label}: what find finds");
        shown += ids(&filtered.stdout).len();
    }
    assert!(shown > 0, "some image shows one of them");
    let verified = fixture.run(["verify"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    let with_filter = fixture.run(["tag", "lemon", "--regions", "--keep", "--after", "2020"]);
    assert!(with_filter.code == 2 && with_filter.stderr.contains("all images"), "{}", with_filter.stderr);
    for wrong in [&["tag", "lemon", "--keep"][..], &["tag", "--regions", "--keep", "--drop"]] {
        assert_eq!(fixture.run(wrong).code, 2, "{wrong:?}");
    }
    let dropped = fixture.run(["tag", "--regions", "--drop"]);
    assert!(dropped.code == 0 && dropped.stderr.contains("no more"), "{}", dropped.stderr);
    let gone = fixture.run(["search", "--region-tag", "lemon"]);
    assert!(gone.code == 2 && gone.stderr.contains("--keep"), "{}", gone.stderr);
}

#[test]
fn parts_are_described_by_the_decoder() {
    let fixture = crate::util::shared();
    let args = ["tag", "sunflower", "lemon", "carrot", "--regions", "--captions=en", "--json", "--min-score", "0.1"];
    let tagged = fixture.json(args);
    let regions = tagged.iter().flat_map(|image| image["regions"].as_array().unwrap());
    for region in each(regions) {
        assert!(region["caption"].as_str().is_some_and(|words| !words.is_empty()), "{region}");
    }
    let unknown = fixture.run(["tag", "lemon", "--regions", "--captions=xx"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("xx"), "{}", unknown.stderr);
}
