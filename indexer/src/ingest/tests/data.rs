//! Real images, good and bad.

use std::collections::HashMap;

use glimpse_encoder::image_file::{Limits, decode};
use glimpse_nonempty::each;

use super::*;

/// The folder of shared test data, or a loud word.
fn data(test: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let data = std::env::var_os("GLIMPSE_TEST_DATA").map_or_else(beside, PathBuf::from);
    let there = data.join("photos").is_dir() && data.join("odd").is_dir() && data.join("orientation").is_dir();
    if !there {
        eprintln!("SKIPPED: {test}: no test images in {}; set GLIMPSE_TEST_DATA", data.display());
    }
    there.then_some(data)
}

#[test]
fn every_good_image_is_in_and_every_bad_one_is_named() {
    let Some(data) = data("every_good_image_is_in_and_every_bad_one_is_named") else { return };
    let mut fixture = Fixture::new();
    fixture.options.roots = ["photos", "orientation", "odd"].map(|name| data.join(name)).to_vec();
    let (summary, events) = fixture.run();
    assert_eq!(summary.failed, 0);
    let mut fates: HashMap<&Path, Result<(), &str>> = HashMap::new();
    for event in &events {
        match event {
            FileEvent::Indexed(path) | FileEvent::Duplicate { path, .. } => fates.insert(path, Ok(())),
            FileEvent::Skipped { path, reason } => fates.insert(path, Err(reason.text.as_str())),
            other => panic!("{other:?}"),
        };
    }
    let mut good = 0;
    for file in each(files_below(&data).iter().filter(|file| !is_text(file))) {
        let decision = fates.remove(&**file).unwrap_or_else(|| panic!("not a word about {}", file.display()));
        match decode(&fs::read(file).unwrap(), &Limits::default()) {
            Ok(image) => {
                good += 1;
                assert_eq!(decision, Ok(()), "{}", file.display());
                let record = fixture.index.image(fixture.id(file)).unwrap().unwrap();
                assert_eq!((record.width, record.height), image.pixels.dimensions(), "{}", file.display());
            }
            Err(error) => assert_eq!(decision, Err(&*error.to_string()), "{}", file.display()),
        }
    }
    assert!(fates.is_empty(), "{fates:?}");
    assert!(good > 200, "{good}");
    assert_eq!(good, summary.indexed + summary.duplicate);
    fixture.run_without_encoding();
}

#[test]
fn an_image_and_its_rotated_twins_have_the_same_embedding() {
    let Some(data) = data("an_image_and_its_rotated_twins_have_the_same_embedding") else { return };
    let mut fixture = Fixture::new();
    fixture.options.roots = vec![data.join("orientation").canonicalize().unwrap()];
    fixture.run();
    let vector = |name: &str, i: usize| {
        let path = fixture.options.roots[0].join(format!("{name}_{i}.jpg"));
        fixture.index.vector(fixture.id(&path)).unwrap()
    };
    for name in ["Landscape", "Portrait"] {
        let upright = vector(name, 1);
        for i in 2..=8 {
            let cosine = glimpse_encoder::dot(&upright, &vector(name, i));
            assert!(cosine >= 0.999, "{name}_{i}: {cosine}");
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = ["photos", "orientation", "odd"].map(|name| folder.canonicalize().unwrap().join(name));
    let (mut files, mut folders) = (Vec::new(), entries.to_vec());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

fn is_text(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "md" || end == "json" || end == "txt")
}
