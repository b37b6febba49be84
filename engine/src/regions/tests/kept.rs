//! Tags of regions that are kept with the index.

use super::*;
use crate::TagStage;

static GO: AtomicBool = AtomicBool::new(false);

impl World {
    fn keep(&self, labels: &[&str]) -> crate::RegionTagging {
        let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
        self.engine.keep_region_tags(&labels, &GO, &mut |_, _, _| ()).unwrap()
    }

    /// Names of the images that show a label, sorted.
    fn showing(&self, label: &str) -> Vec<String> {
        let filter = Filter { region_tags: vec![label.to_owned()], ..Filter::default() };
        let name = |id: ImageId| {
            let path = self.engine.files_of(id).unwrap().remove(0).path;
            path.file_stem().unwrap().to_string_lossy().into_owned()
        };
        let mut names: Vec<String> = self.engine.images_that_pass(&filter).unwrap().into_iter().map(name).collect();
        names.sort();
        names
    }
}

#[test]
fn a_kept_label_is_shown_by_what_find_finds_with_the_same_boxes_and_scores() {
    let world = world();
    let done = world.keep(&["red", "blue", "umbrella", " Red "]);
    assert_eq!((done.labels, done.tagged, done.unchanged, done.cancelled), (3, 34, 0, false));
    for label in each(["red", "blue", "umbrella"]) {
        let found = world.find(label);
        assert_eq!(world.showing(label), world.names(&found), "{label}");
        for image in if_any(&found.images) {
            let kept = world.engine.kept_tags(image.id).unwrap().unwrap();
            let boxes: Vec<_> = kept.regions.iter().filter(|tag| tag.label == label).collect();
            assert_eq!(boxes.len(), image.boxes.len());
            for (kept, found) in each(boxes.iter().zip(&image.boxes)) {
                assert_eq!((kept.rect, kept.area), (found.rect, found.area));
                assert!((kept.score - found.score).abs() < 1e-4, "{kept:?} {found:?}");
            }
        }
    }
    let facets = world.engine.facets().unwrap();
    assert_eq!(facets.region_tags, [("blue".to_owned(), 3), ("red".to_owned(), 3)]);
    let kept = world.engine.kept_labels().unwrap().unwrap();
    assert_eq!((kept.labels, kept.tagged, kept.waiting), (vec!["red".into(), "blue".into(), "umbrella".into()], 34, 0));
}

#[test]
fn images_that_come_are_tagged_by_the_run_that_brings_them() {
    let world = world();
    world.keep(&["red"]);
    draw(&world.path("late"), "..rr ..rr .... ....");
    world.index(RegionOptions::default());
    assert_eq!(world.showing("red"), world.names(&world.find("red")));
    assert!(world.showing("red").contains(&"late".to_owned()));
    let again = world.keep(&["red"]);
    assert_eq!((again.tagged, again.unchanged), (0, 35), "nothing is left");
    std::fs::remove_file(world.path("both")).unwrap();
    let roots = vec![world.folder.clone()];
    let options = IngestOptions { roots, prune: true, ..IngestOptions::default() };
    world.engine.index(&options, &AtomicBool::new(false), &mut Silent).unwrap();
    assert_eq!(world.showing("red"), ["late", "other", "red"]);
    assert_eq!(world.engine.kept_labels().unwrap().unwrap().tagged, 34);
    assert!(world.engine.verify(false).unwrap().problems.is_empty());
}

#[test]
fn a_run_that_was_stopped_goes_on_and_other_labels_take_the_place_of_those_before() {
    let world = world();
    let stop = AtomicBool::new(false);
    let labels = ["red".to_owned()];
    let stopped = world.engine.keep_region_tags(&labels, &stop, &mut |stage, _, all| {
        if stage == TagStage::Images {
            assert_eq!(all, 34);
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    let stopped = stopped.unwrap();
    assert!(stopped.cancelled && stopped.tagged == 0, "{stopped:?}");
    assert_eq!(world.engine.kept_labels().unwrap().unwrap().waiting, 34);
    let mut labels_again = false;
    let went_on =
        world.engine.keep_region_tags(&labels, &GO, &mut |stage, _, _| labels_again |= stage == TagStage::Labels);
    assert_eq!((went_on.unwrap().tagged, labels_again), (34, false), "scales are those of before");
    world.keep(&["blue"]);
    assert_eq!(world.showing("red"), [] as [String; 0]);
    assert_eq!(world.showing("blue"), world.names(&world.find("blue")));
    world.engine.drop_region_tags().unwrap();
    let filter = Filter { region_tags: vec!["blue".into()], ..Filter::default() };
    let refused = world.engine.images_that_pass(&filter).unwrap_err().to_string();
    assert!(refused.contains("--keep"), "{refused}");
    assert_eq!(world.engine.kept_tags(world.id("red")).unwrap(), None);
    assert!(!world.engine.keeps_region_tags());
}

#[test]
fn labels_that_cannot_be_kept_are_refused() {
    let world = world();
    let refuse = |labels: &[String]| {
        let refused = world.engine.keep_region_tags(labels, &GO, &mut |_, _, _| ()).unwrap_err();
        assert_eq!(refused.kind(), crate::ErrorKind::BadRequest, "{refused}");
        refused.to_string()
    };
    let many: Vec<String> = (0..=crate::MAX_KEPT_LABELS).map(|n| format!("label {n}")).collect();
    assert!(refuse(&many).contains("too many"));
    assert!(refuse(&["x".repeat(201)]).contains("too long"));
    assert!(refuse(&[" ".to_owned()]).contains("words"));
    assert!(!world.engine.keeps_region_tags());
    let usual = world.keep(&[]);
    assert!(usual.labels > 20, "common words, where the library has no keywords");
}

#[test]
fn search_and_find_take_the_filter() {
    let world = world();
    world.keep(&["blue"]);
    let filter = Filter { region_tags: vec!["BLUE".into()], ..Filter::default() };
    let all = world.engine.search(&crate::Query { filter: filter.clone(), ..crate::Query::default() }).unwrap();
    assert_eq!(all.hits.len(), 3);
    let red = FindQuery { filter, depth: Depth::Strict, ..FindQuery::text("red").unwrap() };
    assert_eq!(world.names(&world.engine.find(&red).unwrap()), ["both", "other"]);
    world.keep(&["red"]);
    let gone = world.engine.find(&red).unwrap();
    assert!(gone.images.is_empty(), "an answer of before the labels changed is not remembered");
}
