//! Real and hostile images, from the folder of test data.

use std::collections::HashMap;
use std::path::Path;

use glimpse::encoder::dot;
use glimpse::engine::{Limits, decode};
use glimpse::indexer::Library;
use glimpse_nonempty::each;

use crate::util::{Fixture, test_data};

/// Endings of the files that are candidates for an index.
const IMAGES: [&str; 9] = ["jpg", "jpeg", "png", "webp", "gif", "tif", "tiff", "bmp", "jfif"];

#[test]
fn every_good_image_is_indexed_and_every_bad_one_is_named() {
    let folders: Option<Vec<_>> = ["photos", "orientation", "odd"].into_iter().map(test_data).collect();
    let Some(folders) = folders else { return };
    let fixture = Fixture::empty();
    let args = ["index", "--json", "--model", "demo"].map(Into::into);
    let lines = fixture.json(args.into_iter().chain(folders.iter().cloned().map(std::path::PathBuf::into_os_string)));

    let mut told: HashMap<&str, &serde_json::Value> = HashMap::new();
    for line in each(&lines[..lines.len() - 1]) {
        let path = line["path"].as_str().unwrap();
        assert!(told.insert(path, line).is_none(), "{path} is told twice");
    }
    let mut wrong = Vec::new();
    for path in folders.iter().flat_map(|folder| candidates(folder)) {
        let readable = decode(&std::fs::read(&path).unwrap(), &Limits::default()).is_ok();
        let line = told.get(path.to_str().unwrap());
        let event = line.map_or("nothing", |line| line["event"].as_str().unwrap());
        let right = match event {
            "indexed" | "duplicate" => readable,
            "skipped" => {
                !readable && line.is_some_and(|line| line["reason"].as_str().is_some_and(|reason| reason.len() > 5))
            }
            _ => false,
        };
        if !right {
            wrong.push(format!("{}: {event}, readable: {readable}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let summary = lines.last().unwrap();
    assert_eq!((&summary["event"], &summary["failed"]), (&"summary".into(), &0.into()));
    assert!(summary["indexed"].as_u64().unwrap() >= 104 + 18, "{summary}");
    assert!(summary["skipped"].as_u64().unwrap() > 0, "{summary}");
}

/// The eight files of a scene differ in the digit that is drawn into each, its orientation, and in
/// nothing else; twins that are alike to the pixel are in `orientation.rs`.
#[test]
fn orientation_does_not_change_an_image() {
    let Some(folder) = test_data("orientation") else { return };
    let fixture = Fixture::empty();
    assert_eq!(fixture.run(["index", "--model", "demo", folder.to_str().unwrap()]).code, 0);

    let index = Library::at(&fixture.home().join("library")).open().unwrap();
    let vector = |name: &str| {
        let path = folder.join(name).canonicalize().unwrap();
        let file = index.file(&path).unwrap().unwrap_or_else(|| panic!("{} is not in the index", path.display()));
        index.vector(file.image).unwrap()
    };
    let pixels = |name: &str| decode(&std::fs::read(folder.join(name)).unwrap(), &Limits::default()).unwrap().pixels;
    for scene in ["Landscape", "Portrait"] {
        let first = format!("{scene}_1.jpg");
        let (upright, seen) = (pixels(&first), vector(&first));
        for orientation in 2..=8 {
            let name = format!("{scene}_{orientation}.jpg");
            let turned = pixels(&name);
            assert_eq!(turned.dimensions(), upright.dimensions(), "{name}");
            let off = mean_difference(&turned, &upright);
            assert!(off < 8.0, "{name}: {off} grey levels from its upright twin");
            let cosine = dot(&seen, &vector(&name));
            assert!(cosine > 0.95, "{name}: cosine {cosine} with its upright twin");
        }
    }
}

fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.len() as f64
}

fn candidates(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        if path.is_dir() {
            found.extend(candidates(&path));
        } else if ending.is_some_and(|ending| IMAGES.contains(&ending.as_str())) {
            found.push(path.canonicalize().unwrap());
        }
    }
    found
}
