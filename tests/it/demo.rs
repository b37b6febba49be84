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
    assert!(first.stderr.contains("Rescued disk"), "broken pictures are not named:\n{}", first.stderr);

    let second = fixture.run(["demo"]);
    let sums = second.stdout.lines().next().unwrap();
    assert!(sums.contains(" unchanged") && !sums.contains(" indexed"), "{sums}");
    assert!(!fixture.home().join("library").exists(), "the demo touched the user's own library");
}
