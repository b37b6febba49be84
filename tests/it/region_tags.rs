//! `glimpse tag --regions --keep` is killed; what it did is sound, and the same command goes on.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use glimpse::engine::KeptTags;
use glimpse::{Engine, Filter, ImageId, Settings};
use glimpse_nonempty::Every as _;

use crate::util::Fixture;

const KILLS: u32 = 6;
/// Of a library's images, and as many that none of them shows, so that it takes a while.
const WORDS: [&str; 8] = ["bread", "pizza", "guitar", "butterfly", "tulip", "cup", "piano", "hedgehog"];
const MORE: usize = 400;

#[test]
fn tagging_that_is_killed_goes_on_to_the_same_tags() {
    let fixture = Fixture::indexed();
    let labels = WORDS.iter().map(|&word| word.to_owned()).chain((0..MORE).map(|n| format!("label {n}")));
    fs::write(fixture.path().join("labels.txt"), labels.collect::<Vec<_>>().join("\n")).unwrap();
    let whole = Tagging::run(&fixture, None);
    assert!(!whole.killed);
    let expected = tags(&fixture);
    let of_regions: usize = expected.values().flatten().map(|tags| tags.regions.len()).sum();
    assert!(of_regions > 20 && expected.values().every(Option::is_some), "{of_regions} tags of regions");

    // A kill is somewhere before the end of a run like the last one.
    let (mut span, mut kills) = (whole.lasted, 0);
    while kills < KILLS {
        let dropped = fixture.run(["tag", "--regions", "--drop"]).code;
        assert!(dropped == 0 || dropped == 1, "{dropped}"); // none were kept yet if it was killed early
        let run = Tagging::run(&fixture, Some(span * (kills + 1) / (KILLS + 1)));
        match run.killed {
            true => kills += 1,
            false => span = run.lasted,
        }
        let verified = fixture.run(["verify"]);
        assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
        let left = tags(&fixture);
        assert!(left.iter().every(|(id, tags)| tags.is_none() || *tags == expected[id]), "after {kills} kills");
    }
    let done = fixture.json(KEEP);
    let [done] = &done[..] else { panic!("{done:?}") };
    let looked_at = done["tagged"].as_u64().unwrap() + done["unchanged"].as_u64().unwrap();
    assert_eq!((looked_at, &done["cancelled"]), (expected.len() as u64, &serde_json::json!(false)));
    assert!(tags(&fixture) == expected, "after a run that was killed");
}

const KEEP: [&str; 6] = ["tag", "--regions", "--keep", "--labels", "labels.txt", "--json"];

/// A run of the command.
struct Tagging {
    killed: bool,
    lasted: Duration,
}

impl Tagging {
    fn run(fixture: &Fixture, kill_after: Option<Duration>) -> Self {
        let start = Instant::now();
        let mut child = fixture.command(KEEP).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if kill_after.is_some_and(|time| start.elapsed() >= time) {
                child.kill().unwrap(); // SIGKILL
                break child.wait().unwrap();
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        Self { killed: !status.success(), lasted: start.elapsed() }
    }
}

/// What is kept of each image.
fn tags(fixture: &Fixture) -> BTreeMap<ImageId, Option<KeptTags>> {
    let engine = Engine::open(Settings { model: Some("demo".into()), ..Settings::at(fixture.home()) }).unwrap();
    let images = engine.images_that_pass(&Filter::default()).unwrap();
    images.into_iter().map(|id| (id, engine.kept_tags(id).unwrap())).collect()
}
