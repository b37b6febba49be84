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
