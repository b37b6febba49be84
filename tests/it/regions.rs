//! Where things are, from outside: forms, boxes, what other programs get, and measuring.

use std::fs;

use glimpse_nonempty::{Every as _, each};
use serde_json::Value;

use crate::util::{Fixture, root, shared};

/// An image of the bundled library that the shared fixture holds.
fn image(fixture: &Fixture) -> String {
    let run = fixture.run(["search", "--sort", "newest", "-n", "1", "-l"]);
    run.stdout.trim().to_owned()
}

#[test]
fn a_found_photo_has_boxes_in_its_pixels() {
    let photos = shared().json(["find", "sunflower", "--all", "--json", "-n", "3"]);
    assert!(!photos.is_empty());
    let mut fields: Vec<&String> = photos[0].as_object().unwrap().keys().collect();
    fields.sort();
    let expected = [
        "boxes",
        "duration",
        "end",
        "frame",
        "frame_content",
        "height",
        "id",
        "kind",
        "matches",
        "matching_frames",
        "path",
        "refined",
        "score",
        "start",
        "strength",
        "width",
    ];
    assert_eq!(fields, expected);
    for photo in each(&photos) {
        let (width, height) = (photo["width"].as_f64().unwrap(), photo["height"].as_f64().unwrap());
        for found in each(photo["boxes"].as_array().unwrap()) {
            let side = |name: &str| found[name].as_f64().unwrap();
            assert!(side("x") >= 0.0 && side("x") + side("width") <= width + 0.5, "{found}");
            assert!(side("y") >= 0.0 && side("y") + side("height") <= height + 0.5, "{found}");
            assert!(side("width") > 0.0 && side("height") > 0.0 && (0.0..=1.0).contains(&side("score")), "{found}");
            assert_eq!(found["text"], "sunflower");
        }
    }
}

#[test]
fn a_question_about_things_is_never_answered_with_nothing() {
    let fixture = shared();
    for query in ["a cat and a dog", "cat - dog", "dog left of ball", "two or more dogs", "red car"] {
        let run = fixture.run(["find", query]);
        assert!(run.stdout.lines().count() > 5, "{query}: {}{}", run.stdout, run.stderr);
        let json = fixture.run(["find", query, "--json"]).json();
        let sure = json.iter().filter(|photo| photo["strength"] != "weak").count();
        assert_eq!(run.code, i32::from(sure == 0), "{query}");
        let heading = if sure == 0 { "Nothing sure. Closest:" } else { "Weaker:" };
        assert_eq!(run.stdout.contains(heading), sure < json.len(), "{query}: {}", run.stdout);
        assert!(json.iter().every(|photo| !photo["boxes"].as_array().unwrap().is_empty()), "{query}");
        let strict = fixture.run(["find", query, "--json", "--strict"]).json();
        assert_eq!(strict.len(), sure, "{query}");
    }
    let coco = fixture.path().join("closest.json");
    let file = coco.to_str().unwrap();
    assert_eq!(fixture.run(["find", "quantum physics lecture left of dentist", "--coco", file]).code, 1);
    let coco: Value = serde_json::from_str(&fs::read_to_string(&coco).unwrap()).unwrap();
    assert_eq!(coco["annotations"].as_array().unwrap().len(), 0, "other programs are not told what is only close");
}

#[test]
fn bounds_narrow_and_pages_go_on() {
    let fixture = shared();
    let all = fixture.json(["find", "sunflower", "--all", "--json", "-n", "50"]);
    let one = fixture.json(["find", "sunflower", "--all", "--json", "-n", "50", "--max-per-image", "1"]);
    assert!(all.len() >= 2 && one.iter().every(|photo| photo["boxes"].as_array().unwrap().len() == 1));
    let first = fixture.run(["find", "sunflower", "--all", "--json", "-n", "1"]);
    let cursor = first.stderr.split("--cursor ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let second = fixture.json(["find", "sunflower", "--all", "--json", "-n", "1", "--cursor", &cursor]);
    assert_eq!((&first.json()[0]["id"], &second[0]["id"]), (&all[0]["id"], &all[1]["id"]));
    let large = fixture.run(["find", "sunflower", "--all", "--json", "--min-area", "0.99"]);
    assert!(large.json().iter().every(|photo| photo["boxes"][0]["area"].as_f64().unwrap() >= 0.99));
}

#[test]
fn what_makes_no_sense_is_said() {
    let fixture = shared();
    for (args, reason) in [
        (vec!["find", "dog and"], "and"),
        (vec!["find", "no cat"], "nothing to find"),
        (vec!["find", "dog", "--min-area", "2"], "share"),
        (vec!["similar", "0", "--box", "1,2,3"], "not a box"),
        (vec!["ground", "nothing-here.png", "dog"], "nothing-here.png"),
        (vec!["eval", "regions", "--data", "nothing-here.json"], "nothing-here.json"),
    ] {
        let run = fixture.run(&args);
        assert_eq!(run.code, 2, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(reason), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn other_programs_get_files() {
    let fixture = shared();
    let out = fixture.path().join("out");
    fs::create_dir_all(&out).unwrap();
    let file = |name: &str| out.join(name).to_str().unwrap().to_owned();
    let (coco, studio, cvat) = (file("coco.json"), file("studio.json"), file("cvat.xml"));
    let (xmp, crops, drawn) = (file("xmp"), file("crops"), file("drawn"));
    let run = fixture.run([
        "find",
        "sunflower",
        "--all",
        "-n",
        "2",
        "--max-per-image",
        "1",
        "--coco",
        &coco,
        "--label-studio",
        &studio,
        "--cvat",
        &cvat,
        "--xmp",
        &xmp,
        "--crops",
        &crops,
        "--annotated",
        &drawn,
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let read = |path: &str| fs::read_to_string(path).unwrap();
    let coco: Value = serde_json::from_str(&read(&coco)).unwrap();
    assert_eq!(coco["annotations"].as_array().unwrap().len(), 2);
    assert_eq!(coco["categories"][0]["name"], "sunflower");
    let studio: Value = serde_json::from_str(&read(&studio)).unwrap();
    assert_eq!(studio.as_array().unwrap().len(), 2);
    assert_eq!(read(&cvat).matches("<box label=\"sunflower\"").count(), 2);
    for dir in [&xmp, &crops, &drawn] {
        assert_eq!(fs::read_dir(dir).unwrap().count(), 2, "{dir}");
    }
}

#[test]
fn an_image_is_grounded_without_a_library() {
    let fixture = shared();
    let image = image(&fixture);
    let things = fixture.run(["ground", &image, "flower", "quantum physics", "--all", "--json", "--model", "demo"]);
    assert!(things.code < 2, "{}", things.stderr);
    let things = things.json();
    assert_eq!(things.len(), 2);
    let heatmap = &things[0]["heatmap"];
    let cells = heatmap["rows"].as_u64().unwrap() * heatmap["cols"].as_u64().unwrap();
    assert!((1000..=96 * 96).contains(&cells), "finer than 12 x 12 patches: {cells}");
    let scores = heatmap["scores"].as_array().unwrap();
    assert!(
        scores.len() as u64 == cells && scores.iter().every(|score| (0.0..=1.0).contains(&score.as_f64().unwrap()))
    );
}

#[test]
fn a_part_of_an_image_finds_parts_of_others() {
    let fixture = shared();
    let image = image(&fixture);
    let photos = fixture.run(["similar", &image, "--box", "0,0,120,120", "--all", "--json", "-n", "5"]);
    assert!(photos.code < 2, "{}", photos.stderr);
    assert!(photos.json().iter().every(|photo| !photo["path"].as_str().unwrap().ends_with(&image)), "not itself");
    let outside = fixture.run(["similar", &image, "--box", "99999,0,5,5"]);
    assert!(outside.code == 2 && outside.stderr.contains("outside"), "{}", outside.stderr);
}

/// Turns the truth of the bundled library into COCO annotations of some of its images.
fn annotations(fixture: &Fixture) -> Value {
    let truth: Value =
        serde_json::from_str(&fs::read_to_string(root().join("models/demo/library.json")).unwrap()).unwrap();
    let (mut images, mut annotations) = (Vec::new(), Vec::new());
    for entry in truth.as_array().unwrap() {
        let name = entry["path"].as_str().unwrap();
        let path = fixture.images().join(name);
        let Ok((width, height)) = image::image_dimensions(&path) else { continue };
        let id = images.len() + 1;
        images.push(serde_json::json!({ "id": id, "file_name": name, "width": width, "height": height }));
        for side in entry["boxes"].as_array().into_iter().flatten().take(1) {
            let side = |i: usize| side[i].as_f64().unwrap();
            let (w, h) = (f64::from(width), f64::from(height));
            let bbox = [side(0) * w, side(1) * h, (side(2) - side(0)) * w, (side(3) - side(1)) * h];
            annotations.push(serde_json::json!({ "image_id": id, "bbox": bbox, "caption": "flower" }));
        }
        if images.len() == 8 {
            break;
        }
    }
    serde_json::json!({ "images": images, "annotations": annotations, "absent": ["quantum physics"] })
}

#[test]
fn regions_captions_and_classes_are_measured() {
    let fixture = shared();
    let data = fixture.path().join("annotations.json");
    fs::write(&data, annotations(&fixture).to_string()).unwrap();
    let (data, images) = (data.to_str().unwrap(), fixture.images());
    let (images, svg) = (images.to_str().unwrap(), fixture.path().join("r.svg"));
    let report = fixture.json([
        "eval",
        "regions",
        "--model",
        "demo",
        "--data",
        data,
        "--images",
        images,
        "--json",
        "--reliability",
        svg.to_str().unwrap(),
    ]);
    let all = &report[0]["all"];
    assert!(all["pairs"].as_f64().unwrap() >= 4.0 && all["absent_queries"] == 1.0, "{all}");
    let figure = |name: &str| all[name].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&figure("pointing")) && figure("oracle") >= figure("acc_at_05"), "{all}");
    assert!(fs::read_to_string(svg).unwrap().starts_with("<svg"));

    let captions = fixture.path().join("captions.tsv");
    let names: Vec<String> = annotations(&fixture)["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| image["file_name"].as_str().unwrap().to_owned())
        .collect();
    fs::write(&captions, names.iter().map(|name| format!("{name}\ten\ta image called {name}\n")).collect::<String>())
        .unwrap();
    let rows = fixture.json([
        "eval",
        "retrieval",
        "--model",
        "demo",
        "--data",
        captions.to_str().unwrap(),
        "--images",
        images,
        "--json",
    ]);
    assert_eq!(rows[0][0]["images"], names.len());
    assert_eq!(rows[0][0]["text_to_image"][2].as_f64(), Some(1.0), "no more than ten images");

    let labels = fixture.json(["eval", "classify", "--model", "demo", images, "--json"]);
    assert!(labels[0]["classes"].as_u64().unwrap() >= 2, "{labels:?}");
    assert!(labels[0]["top5"] == 1.0, "few classes");
}
