//! `model check`: with published weights where they are at hand, and what it says of other models.

use glimpse::engine::Published;
use glimpse::engine::hub::{Cache, ModelId};
use glimpse_nonempty::each;

use crate::util::{Fixture, Run, skipped};

/// Every checkpoint of which values are known, if it is in the cache that this machine's programs
/// share.
#[test]
fn published_checkpoints_give_what_was_published() {
    for published in each(Published::all()) {
        let id = published.checkpoint;
        let Ok(dir) = Cache::from_env().find(&ModelId::parse(id).unwrap(), None) else {
            skipped(format_args!("`{id}` is not on this machine; `glimpse model pull {id}` fetches it"));
            continue;
        };
        let run = Fixture::empty().run(["model", "check", dir.to_str().unwrap(), "--as", id, "--json"]);
        assert_eq!(run.code, 0, "{id}: {}{}", run.stdout, run.stderr);
        assert_eq!(run.json()[0]["as_published"], true);
    }
}

#[test]
fn a_model_of_which_nothing_was_published_is_told_so() {
    let fixture = Fixture::empty();
    let run = fixture.run(["model", "check", "demo"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("no values were published of `demo`"), "{}", run.stderr);
    let run = fixture.run(["model", "check", "demo", "--json"]);
    assert_eq!(run.json(), [serde_json::json!({"model": "demo", "as_published": null})]);
}

#[test]
fn another_model_is_not_as_published() {
    let run = |args: &[&str]| -> Run {
        let start = ["model", "check", "demo", "--as", "google/siglip2-base-patch16-224"];
        Fixture::empty().run(start.iter().chain(args))
    };
    let plain = run(&[]);
    assert_eq!(plain.code, 2);
    assert!(plain.stdout.contains("value 0 of \"a photo of a cat\""), "{}", plain.stdout);
    assert!(plain.stderr.contains("values of `google/siglip2-base-patch16-224` differ"), "{}", plain.stderr);
    assert!(plain.stderr.contains("computed in f32"), "{}", plain.stderr);
    let json = run(&["--json"]);
    assert_eq!(json.code, 2);
    let report = &json.json()[0];
    assert_eq!((&report["as_published"], &report["precision"]), (&false.into(), &"f32".into()));
    let value = &report["values"][4];
    assert!((value["published"].as_f64().unwrap() - 0.3501222).abs() < 1e-6, "{value}");
    assert_eq!(value["differs"], true);
}
