//! Images that are hidden, keywords of one's own, and what is said of answers, from the command
//! line.

use std::fs;
use std::path::{Path, PathBuf};

use glimpse_nonempty::{Every as _, each};
use serde_json::{Value, json};

use crate::util::Fixture;

/// The first two images of a folder, by name.
fn two(fixture: &Fixture) -> [String; 2] {
    let all = fs::read_dir(fixture.images().join("Garten")).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = all.filter(|path| path.is_file()).collect();
    all.sort();
    [0, 1].map(|i| all[i].to_str().unwrap().to_owned())
}

fn paths(images: &[Value]) -> Vec<&str> {
    images.iter().map(|image| image["path"].as_str().unwrap()).collect()
}

/// All images that a search without words lists.
fn all(fixture: &Fixture) -> Vec<Value> {
    fixture.json(["search", "--sort", "newest", "--json", "--limit", "1000"])
}

#[test]
fn a_hidden_image_is_left_out_until_it_is_shown_again() {
    let fixture = Fixture::indexed();
    let [one, other] = two(&fixture);
    let before = all(&fixture);
    assert!([&one, &other].iter().every(|path| paths(&before).contains(&path.as_str())), "{before:?}");
    let empty = fixture.run(["hidden", "list"]);
    assert_eq!((empty.code, empty.stdout.as_str()), (1, ""));

    assert_eq!(fixture.json(["hidden", "add", &one, &other, "--json"]), [json!({"count": 2})]);
    assert_eq!(fixture.json(["hidden", "add", &one, "--json"]), [json!({"count": 2})], "it is hidden already");
    let left = all(&fixture);
    assert_eq!(left.len(), before.len() - 2);
    assert!([&one, &other].iter().every(|path| !paths(&left).contains(&path.as_str())));
    let mut hidden = fixture.json(["search", "--hidden", "--json"]);
    hidden.sort_by_key(|image| image["path"].to_string());
    assert_eq!(paths(&hidden), [&one, &other]);

    let listed = fixture.run(["hidden", "list", "-0"]);
    assert_eq!(listed.stdout.matches('\0').count(), 2);
    let id = hidden[0]["id"].to_string();
    assert_eq!(fixture.json(["hidden", "remove", &id, "--json"]), [json!({"count": 1})], "by its number");
    let listed = fixture.json(["hidden", "list", "--json"]);
    assert_eq!(paths(&listed), [&other]);
    assert_eq!(all(&fixture).len(), before.len() - 1);
    assert!(Path::new(&other).exists(), "files are not touched");
}

#[test]
fn an_image_stays_hidden_and_keeps_its_keyword_where_its_file_goes() {
    let fixture = Fixture::indexed();
    let [one, other] = two(&fixture);
    assert_eq!(fixture.json(["hidden", "add", &one, "--json"]), [json!({"count": 1})]);
    assert_eq!(fixture.json(["keyword", "add", "keepsake", &other, "--json"]), [json!({"changed": 1})]);
    let elsewhere = fixture.images().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for path in each([&one, &other]) {
        fs::rename(path, elsewhere.join(Path::new(path).file_name().unwrap())).unwrap();
    }
    let run = fixture.run(["index", fixture.images().to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let hidden = fixture.json(["hidden", "list", "--json"]);
    let tagged = fixture.json(["search", "--tag", "keepsake", "--json"]);
    for (images, path) in each([(hidden, &one), (tagged, &other)]) {
        let now = elsewhere.join(Path::new(path).file_name().unwrap());
        assert_eq!(paths(&images), [now.to_str().unwrap()]);
    }
}

#[test]
fn a_keyword_is_searched_and_filtered_by_and_taken_away_again() {
    let fixture = Fixture::indexed();
    let [one, other] = two(&fixture);
    let add = ["keyword", "add", "Großtante Rosa", &one, &other, "--json"];
    assert_eq!(fixture.json(add), [json!({"changed": 2})]);
    assert_eq!(fixture.json(add), [json!({"changed": 0})]);
    for query in
        each([&["search", "--tag", "großtante rosa", "--json"][..], &["search", "--mode", "words", "Rosa", "--json"]])
    {
        let found = fixture.json(query);
        assert_eq!(found.len(), 2, "{query:?}");
        assert!(found.iter().every(|image| image["keywords"].as_array().unwrap().contains(&json!("Großtante Rosa"))));
    }
    assert_eq!(fixture.json(["keyword", "remove", "Großtante Rosa", &one, "--json"]), [json!({"changed": 1})]);
    assert_eq!(paths(&fixture.json(["search", "--tag", "Großtante Rosa", "--json"])), [&other]);
    let removed = fixture.run(["keyword", "remove", "Großtante Rosa", &other]);
    assert_eq!((removed.code, removed.stderr.trim()), (0, "1 image changed"));
    assert_eq!(fixture.run(["search", "--tag", "Großtante Rosa"]).code, 1, "nothing has it any more");
}

#[test]
fn what_cannot_be_hidden_or_tagged_changes_nothing_and_is_named() {
    let fixture = Fixture::indexed();
    let [one, _] = two(&fixture);
    for (args, said) in each([
        (&["hidden", "add", &one, "no-such.jpg"][..], "no-such.jpg: not an image of this library"),
        (&["hidden", "add", &one, "999999"], "999999"),
        (&["keyword", "add", "", &one], "a tag has no letters"),
        (&["keyword", "add", "of\nlines", &one], "line"),
    ]) {
        let run = fixture.run(args);
        assert!(run.code == 2 && run.stderr.contains(said), "{args:?}: {} {}", run.code, run.stderr);
    }
    assert_eq!(fixture.run(["hidden", "list"]).code, 1);
    assert!(all(&fixture).iter().every(|image| image["own_tags"] == json!([])));
}

#[test]
fn an_answer_that_was_called_wrong_is_found_no_more_until_that_is_forgotten() {
    let fixture = Fixture::indexed();
    let found = || fixture.run(["search", "helicopter", "--json", "--all", "-n", "200"]).json();
    let before = found();
    let first = before[0]["path"].as_str().unwrap();
    assert_eq!(fixture.run(["feedback", "list"]).code, 1, "nothing was said yet");
    let said = fixture.json(["feedback", "wrong", " Helicopter", first, "--json"]);
    assert_eq!((&said[0]["text"], &said[0]["wrong"]), (&json!("helicopter"), &json!([before[0]["id"]])));
    assert!(!paths(&found()).contains(&first));
    let listed = fixture.run(["feedback", "list"]);
    assert!(
        listed.stdout.contains("helicopter") && listed.stdout.contains("0 images right, 1 wrong"),
        "{}",
        listed.stdout
    );

    let right = fixture.json(["feedback", "right", "helicopter", first, "--json"]);
    assert_eq!((&right[0]["right"], &right[0]["wrong"]), (&json!([before[0]["id"]]), &json!([])));
    assert_eq!(found()[0]["path"], first);
    assert_eq!(fixture.run(["feedback", "forget", "helicopter", first]).code, 0);
    assert_eq!(found(), before);
    let run = fixture.run(["feedback", "wrong", "helicopter", "no-such.jpg"]);
    assert!(run.code == 2 && run.stderr.contains("no-such.jpg"), "{}", run.stderr);
}
