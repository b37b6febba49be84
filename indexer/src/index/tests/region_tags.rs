//! Tags of regions are kept with their image, go with it or with its regions, and are looked for
//! again by whoever finds none.

use glimpse_nonempty::each;

use super::damage::{flipped, mend, tamper};
use super::*;
use crate::regions::format::tests::halves;
use crate::regions::{RegionLabel, RegionLabelSet, StoredRegionTag};
use crate::store::keys::{self, Table, meta};
use crate::{Filter, Moment};

const SET: u64 = 5;

fn add_with(index: &Index, n: u8, path: &str) -> ImageId {
    let regions = halves(2, 4, &vector(n + 100), &vector(n + 101));
    index.add_with_regions(image(n), &vector(n), &regions, file(path)).unwrap()
}

fn labels(set: u64, names: &[&str]) -> RegionLabelSet {
    let label = |name: &&str| RegionLabel { name: (*name).to_owned(), scale: vec![7; 300] };
    RegionLabelSet { set, made_for: 2, labels: names.iter().map(label).collect() }
}

fn tag(label: u16, region: u8) -> StoredRegionTag {
    StoredRegionTag { label, region: Some(region), score: 1.0 }
}

/// Images 1 to 3 under `/p`, of which the first two show a dog, and the first a ball.
fn tagged(fixture: &Fixture) -> (Arc<Index>, [ImageId; 3]) {
    let index = fixture.open();
    let ids = [1, 2, 3].map(|n| add_with(&index, n, &format!("/p/{n}.jpg")));
    index.set_region_labels(Some(labels(SET, &["Dog", "ball"]))).unwrap();
    let tags = [(ids[0], vec![tag(0, 1), tag(1, 0)]), (ids[1], vec![tag(0, 2)]), (ids[2], Vec::new())];
    index.put_region_tags(SET, index.revision(), &tags).unwrap();
    (index, ids)
}

fn shown(index: &Index, names: &[&str]) -> Vec<ImageId> {
    let region_tags = names.iter().map(|&name| name.to_owned()).collect();
    index.select(&Filter { region_tags, ..Filter::default() }).iter().collect()
}

#[test]
fn images_are_filtered_and_counted_by_what_their_regions_show() {
    let fixture = Fixture::new();
    let (mut index, ids) = tagged(&fixture);
    for _ in 0..2 {
        assert_eq!(shown(&index, &["dog"]), ids[..2]);
        assert_eq!((shown(&index, &["BALL", "cat"]), shown(&index, &["cat"])), (vec![ids[0]], vec![]));
        let facets = index.facets_of(&Filter { folders: vec!["/p/2.jpg".into(), "/p".into()], ..Filter::default() });
        assert_eq!(facets.region_tags, [("Dog".to_owned(), 2), ("ball".to_owned(), 1)]);
        let ball = Filter { region_tags: vec!["ball".into()], ..Filter::default() };
        assert_eq!(index.facets_of(&ball).region_tags, [("Dog".to_owned(), 1), ("ball".to_owned(), 1)]);
        assert_eq!(index.region_tags(ids[0]).unwrap(), Some(vec![tag(0, 1), tag(1, 0)]));
        assert_eq!(index.region_tags(ids[2]).unwrap(), Some(Vec::new()), "looked at, and nothing there");
        assert_eq!(index.region_labels().unwrap(), Some(labels(SET, &["Dog", "ball"])));
        assert_eq!(index.images_without_region_tags().unwrap(), []);
        assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
        index.commit().unwrap();
        drop(index);
        index = fixture.open();
    }
}

#[test]
fn tags_go_with_their_image_and_with_its_regions() {
    let fixture = Fixture::new();
    let (index, ids) = tagged(&fixture);
    let changes = index.region_tag_changes();
    index.remove_file(Path::new("/p/1.jpg")).unwrap();
    assert_eq!(shown(&index, &["dog", "ball"]), [ids[1]]);
    index.put_regions(ids[1], &halves(2, 2, &vector(7), &vector(8))).unwrap();
    assert_eq!(shown(&index, &["dog"]), []);
    assert!(index.region_tag_changes() > changes, "answers are others");
    let late = add_with(&index, 4, "/p/4.jpg");
    add(&index, 5, "/p/5.jpg");
    assert_eq!(index.images_without_region_tags().unwrap(), [ids[1], late], "what has regions and no tags");
    index.commit().unwrap();
    drop(index);
    let index = fixture.open();
    assert_eq!(index.images_without_region_tags().unwrap(), [ids[1], late]);
    assert_eq!(index.images_with_region_tags().unwrap(), 1);
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn what_changed_meanwhile_and_tags_of_other_labels_are_left_out() {
    let fixture = Fixture::new();
    let (index, ids) = tagged(&fixture);
    let revision = index.revision();
    index.put_regions(ids[0], &halves(2, 2, &vector(7), &vector(8))).unwrap();
    index.put_region_tags(SET, revision, &[(ids[0], vec![tag(0, 1)])]).unwrap();
    assert_eq!(index.region_tags(ids[0]).unwrap(), None, "found in regions of before");
    index.set_region_labels(Some(labels(6, &["cat"]))).unwrap();
    assert_eq!((shown(&index, &["dog"]), index.images_with_region_tags().unwrap()), (vec![], 0));
    index.put_region_tags(SET, index.revision(), &[(ids[1], vec![tag(0, 1)])]).unwrap();
    assert_eq!(index.images_with_region_tags().unwrap(), 0, "of labels that are not kept");
    index.put_region_tags(6, index.revision(), &[(ids[1], vec![tag(0, 1)]), (ImageId(99), vec![tag(0, 0)])]).unwrap();
    assert_eq!(shown(&index, &["cat"]), [ids[1]]);
    index.set_region_labels(None).unwrap();
    assert_eq!((index.region_labels().unwrap(), index.keeps_region_tags().unwrap()), (None, false));
    assert_eq!(index.store.count(Table::RegionTags) + index.store.count(Table::RegionLabels), 0);
    drop(index);
    assert_eq!(fixture.open().region_labels().unwrap(), None);
}

#[test]
fn a_video_shows_what_one_of_its_frames_shows() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let moment = |video, start| Some(Moment { video, start, end: start + 1, duration: 2, complete: true });
    let first = ImageRecord { moment: moment(None, 0), ..image(1) };
    let regions = halves(2, 4, &vector(11), &vector(12));
    let video = index.add_with_regions(first, &vector(1), &regions, file("/p/1.mp4")).unwrap();
    let record = ImageRecord { moment: moment(Some(video), 1), ..image(2) };
    index.add_frame(record, &vector(2), Some(&regions)).unwrap();
    let frame = ImageId(video.0 + 1);
    index.set_region_labels(Some(labels(SET, &["dog"]))).unwrap();
    assert_eq!(index.images_without_region_tags().unwrap(), [video, frame]);
    index.put_region_tags(SET, index.revision(), &[(video, vec![]), (frame, vec![tag(0, 1)])]).unwrap();
    assert_eq!(shown(&index, &["dog"]), [video]);
    assert_eq!(index.facets().region_tags, [("dog".to_owned(), 1)]);
    index.remove_file(Path::new("/p/1.mp4")).unwrap();
    assert_eq!(index.store.count(Table::RegionTags), 0);
}

#[test]
fn damaged_tags_are_named_and_cost_only_themselves() {
    for place in each(0..4) {
        let fixture = Fixture::new();
        let (index, ids) = tagged(&fixture);
        index.commit().unwrap();
        drop(index);
        let key = keys::image(ids[1]);
        tamper(&fixture, |store, batch| match place {
            0 => batch.put(Table::RegionTags, &key, flipped(store, Table::RegionTags, &key)),
            1 => (0..2).for_each(|part| batch.remove(Table::Regions, &keys::region(ids[1], part))),
            2 => {
                let other = crate::regions::tags::StoredTags { set: SET, fingerprint: 1, tags: vec![tag(0, 1)] };
                batch.put(Table::RegionTags, &key, other.encode(ids[1]));
            }
            _ => batch.put(Table::RegionLabels, &keys::label(1), flipped(store, Table::RegionLabels, &keys::label(1))),
        });
        let said = match place {
            0 => "the tags of the regions of image 1 are damaged",
            1 => "there are tags of regions of image 1, but no regions",
            2 => "the tags of image 1 are those of other regions",
            _ => "label 1 of regions",
        };
        let problems = mend(&fixture);
        assert!(matches!(&problems[..], [one] if one.contains(said)), "{problems:?}");
        let index = fixture.open();
        assert_eq!(index.len(), 3);
        match place {
            3 => assert!(!index.keeps_region_tags().unwrap()),
            _ => assert_eq!(shown(&index, &["dog"]), [ids[0]]),
        }
    }
}

#[test]
fn a_set_that_was_being_written_when_the_process_died_counts_for_nothing() {
    let fixture = Fixture::new();
    let (index, _) = tagged(&fixture);
    index.commit().unwrap();
    drop(index);
    tamper(&fixture, |_, batch| batch.remove(Table::Meta, meta::REGION_LABELS));
    let index = fixture.open();
    assert_eq!((index.region_labels().unwrap(), shown(&index, &["dog"])), (None, vec![]));
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    index.set_region_labels(Some(labels(9, &["cat"]))).unwrap();
    assert_eq!(index.images_without_region_tags().unwrap().len(), 3);
}
