//! `glimpse demo`: the first thing that anyone runs.

use crate::util::Fixture;

#[test]
fn the_demo_runs_twice_and_encodes_once() {
    let fixture = Fixture::empty();
    let first = fixture.run(["demo"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(first.stdout.contains(" indexed"), "{}", first.stdout);
    assert!(first.stdout.contains("strong"), "no search found anything for sure:\n{}", first.stdout);
    for said in ["Try next:", "no model for photographs", "glimpse model pull", "glimpse index"] {
        assert!(first.stdout.contains(said), "`{said}` is not said in\n{}", first.stdout);
    }
    assert!(first.stderr.contains("Rescued disk"), "broken images are not named:\n{}", first.stderr);

    // What is suggested works.
    let home = fixture.home().join("demo");
    for command in ["search", "find"] {
        let start = format!("  glimpse {command} --home '{}' ", home.display());
        let line = first.stdout.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_else(|| panic!("{start}"));
        let words = line.split(" --").next().unwrap().split(' ');
        let run = fixture.run([command, "--home", home.to_str().unwrap()].into_iter().chain(words));
        assert!(run.code == 0 && !run.stdout.is_empty(), "{line}: {}", run.stderr);
    }

    let second = fixture.run(["demo"]);
    let sums = second.stdout.lines().next().unwrap();
    assert!(sums.contains(" unchanged") && !sums.contains(" indexed"), "{sums}");
    assert!(!fixture.home().join("library").exists(), "the demo touched the user's own library");
}

#[test]
fn the_demo_learns_the_words_of_its_folders_and_forgets_them() {
    let fixture = Fixture::empty();
    assert_eq!(fixture.run(["demo"]).code, 0);
    let home = fixture.home().join("demo");
    let tune = |args: &[&str]| {
        fixture.run(["tune", "--home", home.to_str().unwrap(), "--from", "folders", "--json"].iter().chain(args))
    };
    let dry = tune(&["--dry-run"]);
    let report = dry.json().remove(0);
    assert_eq!((dry.code, report["applied"].as_bool()), (0, Some(false)), "{report}");
    let words = report["words"].as_array().unwrap();
    assert!(words.contains(&"dinner".into()), "{report}");
    let gain = |name: &str| report["biases"][name].as_f64().unwrap();
    assert!(gain("after") > gain("before") && gain("at_least") > 0.0, "{report}");

    assert_eq!(tune(&[]).json()[0]["applied"], true);
    let undo = || fixture.run(["tune", "--home", home.to_str().unwrap(), "--undo"]);
    assert_eq!((undo().code, undo().code), (0, 1), "what was undone can not be undone again");
}
