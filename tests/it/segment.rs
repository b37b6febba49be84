//! `segment` and `eval segment`, by the program and its bundled model.

use std::fs;

use glimpse::engine::Mask;
use glimpse_nonempty::{Every as _, each};

use crate::util::{Fixture, root};

const LABELS: &str = "bell, top hat, raccoon, water wave, video game, unicorn";

fn gallery(name: &str) -> String {
    root().join("tests/golden/masks").join(name).to_string_lossy().into_owned()
}

#[test]
fn pixels_are_named_and_masks_written() {
    let fixture = Fixture::empty();
    let (image, out) = (gallery("0001.jpg"), fixture.path().join("out"));
    let out = out.to_str().unwrap();
    let args =
        ["segment", "--model", "demo", &image, "--labels", LABELS, "--panoptic", "--stuff", "water wave", "--json"];
    let written = ["--output", out, "--format", "palette,panoptic,coco"];
    let lines = fixture.json([&args[..], &written].concat());
    let [line] = &lines[..] else { panic!("{} lines", lines.len()) };
    assert_eq!((line["width"].as_u64(), line["height"].as_u64()), (Some(384), Some(288)));
    assert_eq!(line["labels"][3], serde_json::json!({ "name": "water wave", "is_thing": false }));
    let segments = line["segments"].as_array().unwrap();
    let shown = |label: &str| segments.iter().filter(|segment| segment["label"] == label).count();
    assert_eq!(["bell", "top hat", "unicorn"].map(shown), [1, 1, 0], "{segments:?}");
    for segment in each(segments) {
        let rle = &segment["rle"];
        let mask = Mask::from_coco_text(384, 288, rle["counts"].as_str().unwrap()).unwrap();
        let number = |name: &str| segment[name].as_u64().unwrap() as u32;
        assert_eq!(mask.bounds(), ["x", "y", "width", "height"].map(number));
        assert!(segment["score"].as_f64().unwrap() > 0.1);
    }
    let areas: Vec<f64> = segments.iter().map(|segment| segment["area"].as_f64().unwrap()).collect();
    let unlabelled = line["unlabelled"].as_f64().unwrap();
    assert!((areas.iter().sum::<f64>() + unlabelled - 1.0).abs() < 1e-4, "{areas:?} {unlabelled}");
    for file in ["0001.jpg-labels.png", "panoptic/0001.jpg.png", "panoptic.json", "instances.json", "legend.html"] {
        assert!(fixture.path().join("out").join(file).exists(), "{file}");
    }
}

#[test]
fn a_bad_image_is_named_and_the_rest_goes_on() {
    let fixture = Fixture::empty();
    fs::write(fixture.path().join("bad.jpg"), "no image").unwrap();
    let image = gallery("0001.jpg");
    let run = fixture.run(["segment", "--model", "demo", "bad.jpg", &image, "--labels", "bell"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("bad.jpg") && run.stdout.contains("bell"), "{} {}", run.stdout, run.stderr);
    let alone = fixture.run(["segment", "--model", "demo", "bad.jpg", "--labels", "bell"]);
    assert_eq!((alone.code, alone.stdout.as_str()), (2, ""));
    let nothing = fixture.run(["segment", "--model", "demo", &image, "--labels", "unicorn"]);
    assert_eq!(nothing.code, 1, "{}", nothing.stdout);
    let no_labels = fixture.run(["segment", "--model", "demo", &image]);
    assert!(no_labels.code == 2 && no_labels.stderr.contains("keywords"), "{}", no_labels.stderr);
}

#[test]
fn a_library_brings_its_keywords_and_its_own_scale() {
    let fixture = crate::util::shared();
    let line = fixture.json(["segment", "1", "--json"]).pop().unwrap();
    let labels = line["labels"].as_array().unwrap();
    assert!(labels.len() > 3 && labels.iter().every(|label| label["name"].is_string()), "{labels:?}");
}

#[test]
fn measures_stand_between_chance_and_what_the_segments_allow() {
    let fixture = Fixture::empty();
    let data = gallery("panoptic.json");
    let args = ["eval", "segment", "--model", "demo", "--data", &data, "--none", "background", "--json"];
    let report = fixture.json(args).pop().unwrap();
    assert_eq!((report["images"].as_u64(), report["categories"].as_u64()), (Some(4), Some(18)));
    let figure = |whose: &str, name: &str| report[whose].pointer(name).and_then(serde_json::Value::as_f64).unwrap();
    for name in ["/mean_iou", "/pixel_accuracy", "/panoptic/all/pq", "/panoptic/things/rq"] {
        let [ours, oracle, chance] = ["ours", "oracle", "chance"].map(|whose| figure(whose, name));
        assert!(chance < ours && ours <= oracle + 1e-9 && oracle <= 1.0, "{name}: {chance} {ours} {oracle}");
    }
    assert!(figure("ours", "/mean_iou") > 0.3, "{}", figure("ours", "/mean_iou"));
    assert_eq!(report["ours"]["categories"].as_array().unwrap().len(), 18);

    let (data, names, images) = (gallery("semantic"), gallery("names.tsv"), gallery(""));
    let args = ["eval", "segment", "--model", "demo", "--data", &data, "--names", &names, "--images", &images];
    let semantic = fixture.json([&args[..], &["--none", "background", "--json"]].concat()).pop().unwrap();
    let same = |name: &str| (semantic["ours"][name].as_f64().unwrap() - report["ours"][name].as_f64().unwrap()).abs();
    assert!(same("pixel_accuracy") < 0.05, "the same truth, all of it as stuff");
    assert!(semantic["ours"].get("panoptic").is_none());
    let wrong = fixture.run(["eval", "segment", "--model", "demo", "--data", &data, "--images", &images]);
    assert!(wrong.code == 2 && wrong.stderr.contains("--names"), "{}", wrong.stderr);
}

#[test]
fn a_linear_layer_reads_more_out_of_patches_than_it_guesses() {
    let fixture = Fixture::empty();
    let data = gallery("panoptic.json");
    let args = ["eval", "probe", "--model", "demo", "--data", &data];
    let report = fixture.json([&args[..], &["--train", "3", "--json"]].concat()).pop().unwrap();
    assert_eq!((report["fitted"].as_u64(), report["measured"].as_u64()), (Some(3), Some(1)));
    let right = |whose: &str| report[whose]["pixel_accuracy"].as_f64().unwrap();
    assert!(right("constant") > 0.0 && right("probe") <= 1.0, "{report}");
    let all = fixture.run([&args[..], &["--train", "4"]].concat());
    assert!(all.code == 2 && all.stderr.contains("--train"), "{}", all.stderr);

    // Red is as far away as it is red.
    let (images, depth) = (fixture.path().join("images"), fixture.path().join("depth"));
    [&images, &depth].iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
    for image in 0..6u32 {
        let red = |x: u32| if x < 48 { 30 * (image as u8 + 1) } else { 20 };
        let name = format!("{image}.png");
        image::RgbImage::from_fn(96, 96, |x, _| image::Rgb([red(x), 20, 20])).save(images.join(&name)).unwrap();
        let far = image::ImageBuffer::from_fn(96, 96, |x, _| image::Luma([u16::from(red(x)) * 10]));
        far.save(depth.join(&name)).unwrap();
    }
    let (images, depth) = (images.to_str().unwrap(), depth.to_str().unwrap());
    let args = ["eval", "probe", "--model", "demo", "--task", "depth", "--data", depth, "--images", images];
    let report = fixture.json([&args[..], &["--train", "4", "--json"]].concat()).pop().unwrap();
    let rmse = |whose: &str| report[whose]["rmse"].as_f64().unwrap();
    assert!(0.0 < rmse("probe") && rmse("probe") < rmse("constant"), "{report}");
    let normals = fixture.run(["eval", "probe", "--task", "normals", "--model", "demo", "--data", depth]);
    assert!(normals.code == 2 && normals.stderr.contains("--images"), "{}", normals.stderr);
}
