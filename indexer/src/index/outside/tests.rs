//! A library whose vectors are on a real server, beside one that has them here. The server is named
//! by `GLIMPSE_TEST_MILVUS` (`tests/milvus/run.sh` starts one); without it these tests are skipped.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::sync::Arc;

use glimpse_encoder::image_file::Format;
use glimpse_nonempty::{Every as _, each, if_any};

use crate::backend::{IndexType, Kind, VectorsAt};
use crate::index::tests::{DIM, Fixture, file};
use crate::regions::format::tests::halves;
use crate::vectors::ScoredVector;
use crate::{
    Among, ContentHash, Filter, GeoBox, IdSet, ImageId, ImageRecord, Index, IndexError, IndexOptions, Place, VectorId,
};

const IMAGES: u16 = 400;

/// The server, if there is one.
fn server(test: &str) -> Option<VectorsAt> {
    let url = std::env::var("GLIMPSE_TEST_MILVUS").ok();
    if url.is_none() {
        eprintln!("SKIPPED: {test}: set GLIMPSE_TEST_MILVUS to the address of a Milvus server");
    }
    Some(VectorsAt { prefix: "glimpse_test".to_owned(), ..VectorsAt::url(&url?) })
}

/// A library that takes its collections with it.
struct Outside {
    fixture: Fixture,
    index: Option<Arc<Index>>,
}

impl Outside {
    fn at(at: VectorsAt) -> Self {
        let options = IndexOptions { vectors_at: Some(at), ..IndexOptions::default() };
        let fixture = Fixture { options, ..Fixture::new() };
        let index = Some(fixture.open());
        Self { fixture, index }
    }

    fn index(&self) -> &Index {
        self.index.as_ref().unwrap()
    }

    /// As after a restart of the program.
    fn reopen(&mut self) {
        self.index = None;
        self.index = Some(self.fixture.open());
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        if let Some(index) = &self.index {
            Index::leave(&index.manifest());
        }
    }
}

fn vector(seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
    let values = (0..DIM).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    });
    values.collect()
}

fn record(n: u16) -> ImageRecord {
    let formats = [Format::Jpeg, Format::Png, Format::WebP];
    let format = formats[usize::from(n) % formats.len()];
    ImageRecord {
        taken: (!n.is_multiple_of(5)).then(|| i64::from(n) * 1000),
        camera: (!n.is_multiple_of(7)).then(|| format!("Maker \"{}\" {}", n % 3, n % 2)),
        place: n
            .is_multiple_of(2)
            .then(|| Place { latitude: f64::from(n % 160) - 80.0, longitude: f64::from(n % 350) - 175.0 }),
        ..ImageRecord::bare(ContentHash::of(&n.to_le_bytes()), (640, 480), format, 1000)
    }
}

fn add(index: &Index, n: u16) -> ImageId {
    let n64 = u64::from(n);
    let regions = halves(2, 4, &vector(10_000 + n64), &vector(20_000 + n64));
    let path = format!("/p/{}/a{}/{n}.jpg", n % 4, n % 3);
    index.add_with_regions(record(n), &vector(n64), &regions, file(path)).unwrap()
}

fn filled(index: &Index) {
    (0..IMAGES).for_each(|n| _ = add(index, n));
    index.finish().unwrap();
}

fn filters() -> Vec<Filter> {
    let place = |west, east| Some(GeoBox { south: -50.0, west, north: 40.0, east });
    let one = Filter::default;
    vec![
        one(),
        Filter { taken_from: Some(100_000), ..one() },
        Filter { taken_before: Some(300_000), ..one() },
        Filter { taken_from: Some(50_000), taken_before: Some(90_000), ..one() },
        Filter { folders: vec!["/p/1/".into(), "/p/2/a0".into()], ..one() },
        Filter { folders: vec!["/p".into()], ..one() },
        Filter { folders: vec!["/p/1/a".into()], ..one() },
        Filter { cameras: vec!["maker \"1".into()], ..one() },
        Filter { cameras: vec!["nobody".into()], ..one() },
        Filter { formats: vec![Format::Png, Format::WebP], ..one() },
        Filter { place: place(-20.0, 90.0), ..one() },
        Filter { place: place(120.0, -120.0), ..one() },
        Filter { formats: vec![Format::Jpeg], taken_from: Some(1), folders: vec!["/p/3".into()], ..one() },
    ]
}

/// The share of what was found here that was found there too; scores of those must be equal.
fn recall(here: &[ScoredVector], there: &[ScoredVector]) -> f64 {
    assert!(there.is_sorted_by(|a, b| a.score >= b.score));
    let same = |a: &&ScoredVector| there.iter().any(|b| a.id == b.id && (a.score - b.score).abs() < 2e-3);
    if here.is_empty() { 1.0 } else { here.iter().filter(same).count() as f64 / here.len() as f64 }
}

#[test]
fn answers_are_those_of_vectors_here() {
    for index in [IndexType::Hnsw, IndexType::Flat] {
        let Some(at) = server("answers") else { return };
        let (fixture, there) = (Fixture::new(), Outside::at(VectorsAt { index, ..at }));
        let here = fixture.open();
        filled(&here);
        filled(there.index());
        let there = there.index();
        let (a, b) = (here.backend(), there.backend());
        assert_eq!(there.vectors_at().unwrap().index, index);
        assert!(b.capabilities().unwrap().filters);
        for of in each(Kind::ALL) {
            assert_eq!(a.len(of).unwrap(), b.len(of).unwrap());
            let ids = a.ids(of, None, 5000).unwrap();
            assert_eq!(b.ids(of, None, 5000).unwrap(), ids);
            assert_eq!(b.ids(of, Some(ids[9]), 3).unwrap(), ids[10..13]);
            let some = [ids[3], VectorId(1 << 40), ids[0], ids[77]];
            let (x, y) = (a.vectors(of, &some).unwrap(), b.vectors(of, &some).unwrap());
            assert!(y[1].is_none() && x == y);
            let query = vector(77);
            let (x, y) = (a.scores(of, &query, &some).unwrap(), b.scores(of, &query, &some).unwrap());
            assert_eq!((recall(&x, &sorted(y)), x.len()), (1.0, 3));
        }
        let (mut sum, mut questions, mut worst) = (0.0, 0, 1f64);
        for (turn, filter) in each(filters().into_iter().enumerate()) {
            let selected = here.select(&filter);
            assert_eq!(there.select(&filter), selected);
            for k in [1, 10, 100, 2000] {
                for (of, min_area) in [(Kind::Images, 0.0), (Kind::Regions, 0.0), (Kind::Regions, 0.7)] {
                    let query = vector(5000 + turn as u64);
                    let filtered = Among { images: Some(&selected), filter: Some(&filter), min_area };
                    let x = a.search(of, &query, k, &filtered).unwrap();
                    let y = b.search(of, &query, k, &filtered).unwrap();
                    // Without words for the server, the set alone says it.
                    let z = b.search(of, &query, k, &Among { filter: None, ..filtered }).unwrap();
                    for found in each([&y, &z]) {
                        assert_eq!(found.len(), x.len(), "{of:?} {k} {filter:?}");
                        let is_selected = |found: &ScoredVector| selected.contains(of.image_of(found.id));
                        if_any(found).for_each(|found| assert!(is_selected(found)));
                        let share = recall(&x, found);
                        if share < 0.9 {
                            eprintln!("{index}: {share:.2} of {}: {of:?} {k} {min_area} {filter:?}", x.len());
                        }
                        (sum, questions, worst) = (sum + share, questions + 1, worst.min(share));
                    }
                }
            }
        }
        let mean = sum / f64::from(questions);
        eprintln!("{index}: recall {mean:.4} over {questions} questions, worst {worst:.2}");
        assert!(mean >= 0.99 && worst >= 0.9);
        let all = |index: &Index| {
            let mut scores = index.score_all(&vector(3)).unwrap();
            scores.sort_unstable_by_key(|scored| scored.id);
            scores
        };
        let (x, y) = (all(&here), all(there));
        assert_eq!((x.len(), y.len()), (IMAGES.into(), IMAGES.into()));
        assert!(x.iter().zip(&y).every(|(x, y)| x.id == y.id && (x.score - y.score).abs() < 1e-3));
    }
}

fn sorted(mut scored: Vec<ScoredVector>) -> Vec<ScoredVector> {
    scored.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    scored
}

fn found(index: &Index, seed: u64) -> Vec<ImageId> {
    index.nearest(&vector(seed), 1, None).unwrap().into_iter().map(|scored| scored.id).collect()
}

#[test]
fn what_changes_is_what_the_server_holds() {
    let Some(at) = server("changes") else { return };
    let mut there = Outside::at(at);
    let ids: Vec<ImageId> = (0..40).map(|n| add(there.index(), n)).collect();
    there.index().commit_with_words().unwrap();
    assert_eq!(found(there.index(), 7), [ids[7]]);
    // Removed, with other regions, with other facts, and one more.
    there.index().remove_file(std::path::Path::new("/p/3/a1/7.jpg")).unwrap();
    assert_ne!(found(there.index(), 7), [ids[7]], "gone at once");
    let fewer = halves(1, 2, &vector(30_000), &vector(30_001));
    there.index().put_regions(ids[8], &fewer).unwrap();
    there.index().set_facts(ids[9], crate::Facts { taken: Some(-5), ..Default::default() }).unwrap();
    there.index().mark_missing(std::path::Path::new("/p/2/a1/10.jpg")).unwrap();
    let more = add(there.index(), 50);
    there.index().commit_with_words().unwrap();
    for is_reopened in [false, true] {
        let index = there.index();
        let backend = index.backend();
        assert_eq!(backend.len(Kind::Images).unwrap(), 40, "reopened: {is_reopened}");
        assert_eq!(backend.len(Kind::Regions).unwrap(), 120);
        assert_eq!((found(index, 50), found(index, 8)), (vec![more], vec![ids[8]]));
        assert_ne!(found(index, 10), [ids[10]], "its file is missing");
        let regions = index.region_library().unwrap();
        let nearest = regions.nearest(&vector(30_001), 1, None).unwrap();
        assert_eq!((nearest[0].id.image, nearest[0].id.region), (ids[8], 1));
        assert_eq!((regions.len(), regions.images()), (120, 40));
        assert_eq!(regions.shapes(ids[8]).unwrap()[0].area, 0.5);
        assert!(regions.shapes(ids[7]).is_none() && !regions.has(ids[7]));
        let early = Filter { taken_before: Some(0), ..Filter::default() };
        let set = index.select(&early);
        let among = Among { images: Some(&set), filter: Some(&early), min_area: 0.0 };
        assert_eq!(index.nearest_among(&vector(1), 5, &among).unwrap()[0].id, ids[9]);
        assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
        drop((regions, backend));
        there.reopen();
    }
}

/// Words lag behind commits, and so may a server: what a process that ended left behind is sent by
/// the next one, before it asks.
#[test]
fn what_was_left_behind_is_sent_before_the_first_question() {
    let Some(at) = server("left behind") else { return };
    let mut there = Outside::at(at);
    add(there.index(), 1);
    there.index().commit_with_words().unwrap();
    let late = add(there.index(), 2); // as if killed before it was sent
    there.index().store.sync().unwrap();
    there.reopen();
    assert!(there.index().stats().unwrap().search.contains("1 image is not sent yet"));
    assert_eq!(found(there.index(), 2), [late]);
    assert!(!there.index().stats().unwrap().search.contains("not sent yet"));
}

#[test]
fn verify_finds_what_the_server_lost_or_has_too_much_and_mends_it() {
    let Some(at) = server("verify") else { return };
    let there = Outside::at(at);
    let index = there.index();
    let ids: Vec<ImageId> = (0..30).map(|n| add(index, n)).collect();
    index.finish().unwrap();
    let outside = index.outside.as_ref().unwrap();
    outside.backend.delete(&ids[3..5]).unwrap();
    let problems = index.verify(false).unwrap().problems;
    assert!(problems.len() == 1 && problems[0].contains("has vectors of 28 images, not of 30"), "{problems:?}");
    // The right number, and other vectors.
    let facts = crate::backend::RowFacts {
        present: true,
        taken: None,
        folders: Vec::new(),
        camera: None,
        format: Format::Jpeg,
        place: None,
    };
    let foreign = |id: u64| crate::backend::Row {
        id: ImageId(id),
        vector: vector(1),
        regions: vec![(1.0, vector(2)); 3],
        facts: facts.clone(),
        is_known: true,
    };
    outside.backend.upsert(&[foreign(1000), foreign(1001)]).unwrap();
    let problems = index.verify(false).unwrap().problems;
    assert!(problems.len() == 1 && problems[0].contains("4 are others"), "{problems:?}");
    let report = index.verify(true).unwrap();
    assert_eq!(report.repaired.len(), 1, "{report:?}");
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    assert_eq!(index.backend().len(Kind::Regions).unwrap(), 90);
    // A server that lost all of it, as one that was set up anew.
    outside.backend.drop_all().unwrap();
    assert!(!index.verify(false).unwrap().problems.is_empty());
    assert_eq!(index.verify(true).unwrap().repaired.len(), 1);
    assert_eq!(found(index, 3), [ids[3]]);
}

#[test]
fn a_library_moves_there_and_back() {
    let Some(at) = server("moves") else { return };
    let options = IndexOptions { graph_from: 20, regions_from: 20, ..IndexOptions::default() };
    let fixture = Fixture { options, ..Fixture::new() };
    let here = fixture.open();
    filled(&here);
    let query = vector(9_000);
    let before = here.nearest(&query, 20, None).unwrap();
    let mut ended = 0;
    let stop = &mut |done: usize, _| {
        ended = done;
        ControlFlow::Break(())
    };
    assert!(!here.move_vectors_to(&at, stop).unwrap() && ended > 0);
    assert!(here.manifest().vectors_at.is_none());
    let mut told = Vec::new();
    let moved = here.move_vectors_to(&at, &mut |done, all| {
        told.push((done, all));
        ControlFlow::Continue(())
    });
    assert!(moved.unwrap());
    assert_eq!(told.last(), Some(&(IMAGES.into(), IMAGES.into())));
    drop(here);
    let there = fixture.open();
    assert_eq!(there.scan.ids(), [], "none in memory");
    assert!(there.vectors_at().unwrap().is_like(&at));
    let ids = |found: &[crate::vectors::Scored]| found.iter().map(|scored| scored.id).collect::<IdSet>();
    // A server that still indexes what it was sent finds less for a while.
    let mut turns = 0;
    while ids(&there.nearest(&query, 20, None).unwrap()).intersection(&ids(&before)).len() < 19 {
        turns += 1;
        assert!(turns < 60, "the server does not find what the library found");
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    assert_eq!(there.verify(false).unwrap().problems, Vec::<String>::new());
    // A move to another place that is given up costs the first nothing.
    let other = VectorsAt { prefix: "glimpse_test_other".to_owned(), ..at.clone() };
    assert!(!there.move_vectors_to(&other, &mut |_, _| ControlFlow::Break(())).unwrap());
    drop(there);
    let there = fixture.open();
    assert!(there.vectors_at().unwrap().is_like(&at));
    assert_eq!(there.region_library().unwrap().images_among(&there.findable()), usize::from(IMAGES));
    assert_eq!(there.verify(false).unwrap().problems, Vec::<String>::new());
    assert_eq!(there.move_vectors_here().unwrap(), None);
    drop(there);
    let here = fixture.open();
    here.finish().unwrap();
    assert!(here.stats().unwrap().search.contains("hnsw"));
    assert_eq!(here.verify(false).unwrap().problems, Vec::<String>::new());
    assert_eq!(ids(&here.nearest(&query, 20, None).unwrap()), ids(&before));
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let Some(_) = server("away") else { return };
    let there = Outside::at(VectorsAt::url("http://127.0.0.1:9"));
    add(there.index(), 1);
    assert_eq!(there.index().len(), 1);
    let error = there.index().nearest(&vector(1), 1, None).unwrap_err();
    assert!(matches!(error, IndexError::Vectors { .. }) && error.to_string().contains("127.0.0.1:9"), "{error}");
}
