//! Favourites written to sidecars, as another program reads them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::util::{Fixture, skipped};

/// As another program wrote it.
const KNOWN: &str = "<x:xmpmeta xmlns:x='adobe:ns:meta/'>
 <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
  <rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/' xmp:Rating='0'>
   <dc:subject><rdf:Bag><rdf:li>Garten</rdf:li><rdf:li>夏</rdf:li></rdf:Bag></dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
";

/// The first three images of a library, by name.
fn three(fixture: &Fixture) -> [PathBuf; 3] {
    let all = fs::read_dir(fixture.images().join("Garten")).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = all.collect();
    all.sort();
    [0, 1, 2].map(|i| all[i].clone())
}

fn sidecar_of(image: &Path) -> PathBuf {
    let mut name = image.as_os_str().to_owned();
    name.push(".xmp");
    name.into()
}

/// What exiftool reads of a file, or nothing if it is not here.
fn exiftool(path: &Path) -> Option<Value> {
    let Ok(read) = Command::new("exiftool").args(["-j", "-XMP:all"]).arg(path).output() else {
        skipped("exiftool is not on this machine; Debian has it as libimage-exiftool-perl");
        return None;
    };
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    Some(serde_json::from_slice::<Value>(&read.stdout).unwrap()[0].take())
}

#[test]
fn favourites_are_ratings_for_other_programs() {
    let fixture = Fixture::indexed();
    let [plain, known, other] = three(&fixture);
    fs::write(sidecar_of(&known), KNOWN).unwrap();
    let run = fixture.run([Path::new("favourite"), Path::new("add"), &plain, &known]);
    assert_eq!(run.code, 0, "{}", run.stderr);

    let planned = fixture.json(["favourite", "xmp", "--dry-run", "--json"]);
    assert_eq!(planned[0]["written"].as_array().unwrap().len(), 2);
    assert!(!sidecar_of(&plain).exists() && fs::read_to_string(sidecar_of(&known)).unwrap() == KNOWN);
    let done = fixture.json(["favourite", "xmp", "--json"]);
    assert_eq!(done, planned);
    assert_eq!((&done[0]["unchanged"], &done[0]["failed"]), (&json!(0), &json!([])));
    assert_eq!(fs::read_to_string(sidecar_of(&known)).unwrap(), KNOWN.replace("Rating='0'", "Rating='5'"));
    assert!(!sidecar_of(&other).exists());
    let again = fixture.run(["favourite", "xmp"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, ""));
    assert!(again.stderr.contains("2 images with nothing to write"), "{}", again.stderr);
    let index = fixture.run(["index", fixture.images().to_str().unwrap()]);
    assert!(index.code == 0 && !index.stderr.contains("indexed 1"), "{}", index.stderr);

    for (image, keywords) in [(&plain, Value::Null), (&known, json!(["Garten", "夏"]))] {
        let Some(read) = exiftool(&sidecar_of(image)) else { return };
        assert_eq!((&read["Rating"], &read["Subject"]), (&json!(5), &keywords), "{read}");
    }
}

#[test]
fn a_sidecar_that_is_damaged_fails_the_command_and_not_the_others() {
    let fixture = Fixture::indexed();
    let [plain, damaged, other] = three(&fixture);
    fs::write(sidecar_of(&damaged), "<x:xmpmeta>").unwrap();
    let images = [plain.as_path(), &damaged, &other];
    let run = fixture.run([Path::new("favourite"), Path::new("add")].into_iter().chain(images));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = fixture.run([Path::new("favourite"), Path::new("xmp"), &plain, &damaged]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    assert!(run.stderr.contains("damaged XML") && run.stderr.contains("1 sidecar was not written"), "{}", run.stderr);
    assert!(sidecar_of(&plain).exists() && !sidecar_of(&other).exists());
}
