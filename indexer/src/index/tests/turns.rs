//! Nobody waits for work that takes long: others write, commit and search while a graph is built,
//! snapshot and files are written and regions are read, and what they did is in all of these.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use std::time::Duration;

use super::damage::{flipped, tamper};
use super::region_files::{add_one, assert_regions_as_stored, half, has_files, path};
use super::snapshot::assert_as_stored;
use super::*;
use crate::fault;
use crate::regions::format::tests::halves;
use crate::store::keys::{self, Table};
use crate::{Facets, Filter};

/// Images of a library, of three regions each.
const IMAGES: u64 = 150;

fn fixture() -> Fixture {
    Fixture::with_graphs(100, 60)
}

/// Others, who change a little of everything each time.
#[derive(Clone, Default)]
struct Others {
    times: Arc<AtomicU64>,
}

impl Others {
    /// An image comes, another goes, a third gets other regions, all of it is committed, and
    /// searched.
    fn meddle(&self, index: &Arc<Index>) {
        let n = self.times.fetch_add(1, Relaxed);
        let index = Arc::clone(index);
        within_time(move || {
            let id = add_one(&index, 1000 + n);
            index.remove_file(&path(2 * n)).unwrap();
            if let Some(file) = index.file(&path(2 * n + 61)).unwrap() {
                index.put_regions(file.image, &halves(2, 4, &half(n + 500, 0), &half(n + 500, 1))).unwrap();
            }
            index.commit().unwrap();
            assert!(index.nearest(&half(1000 + n, 0), 5, None).unwrap().len() == 5 && index.vector(id).is_some());
        });
    }

    fn times(&self) -> u64 {
        self.times.load(Relaxed)
    }
}

/// Does something on another thread, which must not have to wait for this one.
fn within_time(work: impl FnOnce() + Send + 'static) {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        work();
        let _ = tell.send(());
    });
    told.recv_timeout(Duration::from_secs(20)).expect("it had to wait, or failed");
}

fn assert_sound(fixture: &Fixture, index: Arc<Index>) {
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    assert_as_stored(&index);
    assert_regions_as_stored(&index);
    let (revision, images) = (index.revision(), index.len());
    drop(index);
    let index = fixture.open();
    assert_eq!((index.revision(), index.len()), (revision, images));
    assert_as_stored(&index);
    assert_regions_as_stored(&index);
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}

/// Ends a run while others are at work, and says how often they were.
fn finish_among(others: &Others, index: &Arc<Index>) -> u64 {
    let before = others.times();
    let (while_writing, while_linking) = (others.clone(), others.clone());
    let (of_writing, of_linking) = (Arc::clone(index), Arc::clone(index));
    let mut calls = 0;
    fault::meanwhile(
        move || while_writing.meddle(&of_writing),
        || {
            let mut progress = |_, _| {
                calls += 1;
                if calls % 20 == 3 {
                    while_linking.meddle(&of_linking);
                }
                ControlFlow::Continue(())
            };
            index.finish_with(&mut progress).unwrap();
        },
    );
    others.times() - before
}

#[test]
fn others_write_and_search_while_a_run_is_ended() {
    for ask in [true, false] {
        let (fixture, others) = (fixture(), Others::default());
        let index = fixture.open();
        (0..IMAGES).for_each(|n| _ = add_one(&index, n));
        if ask {
            index.regions().unwrap();
        }
        assert!(finish_among(&others, &index) > 5);
        assert!(index.snapshot.is_valid() && has_files(&index));
        // Again, with a graph and files that are there, and files that lack many.
        (200..240).for_each(|n| _ = add_one(&index, n));
        assert!(finish_among(&others, &index) > 0);
        assert_sound(&fixture, index);
    }
}

#[test]
fn others_write_while_regions_are_read() {
    for by_files in [true, false] {
        let (mut fixture, others) = (fixture(), Others::default());
        if !by_files {
            fixture.options.regions_from = usize::MAX;
        }
        let index = fixture.open();
        (0..IMAGES).for_each(|n| _ = add_one(&index, n));
        index.finish().unwrap();
        drop(index);
        let index = fixture.open();
        // What happened before anybody asked, and what happens while they are read.
        (0..3).for_each(|_| others.meddle(&index));
        let (meanwhile, of_index) = (others.clone(), Arc::clone(&index));
        let work = move || (0..30).for_each(|_| meanwhile.meddle(&of_index));
        let regions = fault::meanwhile(work, || index.regions().unwrap());
        assert!(others.times() >= 33);
        assert_eq!(regions.images() as u64, IMAGES);
        assert_eq!(has_files(&index), by_files);
        assert_sound(&fixture, index);
    }
}

#[test]
fn others_write_while_a_library_is_verified() {
    for repair in [false, true] {
        let (fixture, others) = (fixture(), Others::default());
        let index = fixture.open();
        (0..IMAGES).for_each(|n| _ = add_one(&index, n));
        index.finish().unwrap();
        let (meanwhile, of_index) = (others.clone(), Arc::clone(&index));
        let report = fault::meanwhile(move || meanwhile.meddle(&of_index), || index.verify(repair).unwrap());
        assert_eq!((report.problems, report.repaired), (Vec::new(), Vec::new()));
        assert!(others.times() > 15, "{} times", others.times());
        assert_sound(&fixture, index);
    }
}

#[test]
fn damage_is_found_and_mended_while_others_write() {
    let (fixture, others) = (fixture(), Others::default());
    let index = fixture.open();
    (0..IMAGES).for_each(|n| _ = add_one(&index, n));
    index.finish().unwrap();
    drop(index);
    let damaged = ImageId(IMAGES - 1);
    tamper(&fixture, |store, batch| {
        let key = keys::image(damaged);
        batch.put(Table::Vectors, &key, flipped(store, Table::Vectors, &key));
        batch.remove(Table::Content, &ContentHash::of(&(IMAGES - 2).to_le_bytes()).0);
    });
    let index = fixture.open();
    let (meanwhile, of_index) = (others.clone(), Arc::clone(&index));
    let meddle = move || meanwhile.meddle(&of_index);
    let problems = fault::meanwhile(meddle.clone(), || index.verify(false).unwrap().problems);
    assert!(problems.len() == 2 && problems[0].contains(&format!("image {damaged}")), "{problems:?}");
    let report = fault::meanwhile(meddle, || index.verify(true).unwrap());
    assert_eq!((report.problems.len(), report.repaired.len(), report.forgotten), (2, 2, 1), "{report:?}");
    assert!(others.times() > 20, "{} times", others.times());
    index.finish().unwrap();
    assert_sound(&fixture, index);
}

/// What they change is fed in the end, and nothing twice.
#[test]
fn others_write_while_words_are_fed() {
    let (fixture, others) = (fixture(), Others::default());
    let index = fixture.open();
    (0..IMAGES).for_each(|n| _ = add_one(&index, n));
    for anew in [false, true] {
        if anew {
            index.words.renew().unwrap();
        }
        let before = others.times();
        let (meanwhile, of_index) = (others.clone(), Arc::clone(&index));
        fault::meanwhile(
            move || meanwhile.meddle(&of_index),
            || {
                let _words = index.writer.lock_words();
                index.sync_words().unwrap();
            },
        );
        assert!(others.times() > before + 3, "{} times", others.times());
        index.finish().unwrap();
        for n in 1000..1000 + others.times() {
            assert_eq!(index.words(&format!("{n}"), 9, None).unwrap().len(), 1, "{n}");
        }
        assert!(index.words("2", 9, None).unwrap().is_empty(), "it went");
    }
    assert_sound(&fixture, index);
}

/// They see the library as it was when they began.
#[test]
fn others_write_while_images_are_selected_and_counted() {
    let (fixture, others) = (fixture(), Others::default());
    let index = fixture.open();
    (0..IMAGES).for_each(|n| _ = add_one(&index, n));
    let filter = Filter { formats: vec![Format::Jpeg], folders: vec!["/p".into()], ..Filter::default() };
    for round in 1..4 {
        let (meanwhile, of_index) = (others.clone(), Arc::clone(&index));
        let meddle = move || (0..5).for_each(|_| meanwhile.meddle(&of_index));
        let before = index.select(&filter);
        let selected = fault::meanwhile(meddle.clone(), || index.select(&filter));
        assert_eq!(selected, before);
        assert_ne!(index.select(&filter), before, "others have changed it");
        let facets = fault::meanwhile(meddle, || index.facets_of(&filter));
        let images = |facets: &Facets| (facets.formats.clone(), facets.folders.clone());
        assert_eq!(images(&facets), (vec![(Format::Jpeg, 150)], vec![("/p".into(), 150)]));
        assert_eq!(others.times(), 10 * round);
    }
    assert_sound(&fixture, index);
}

#[test]
fn a_step_that_fails_while_a_graph_is_built_costs_the_graph() {
    let fixture = fixture();
    let index = fixture.open();
    (0..IMAGES).for_each(|n| _ = add_one(&index, n));
    let (of_index, mut failed) = (Arc::clone(&index), 0);
    let progress = &mut |_, _| {
        if failed < 2 {
            failed += 1;
            let index = Arc::clone(&of_index);
            let n = 1000 + failed;
            within_time(move || {
                let record = ImageRecord { content: ContentHash::of(&[1, n as u8]), ..image(0) };
                let (left, right) = (half(n, 0), half(n, 1));
                let add = || index.add_with_regions(record, &left, &halves(2, 4, &left, &right), file(path(n)));
                assert!(matches!(fault::fail_at(1, add), (true, Err(_))));
            });
        }
        ControlFlow::Continue(())
    };
    index.finish_with(progress).unwrap();
    assert_eq!(failed, 2);
    drop(of_index);
    index.finish().unwrap();
    assert_eq!(index.len() as u64, IMAGES);
    assert_sound(&fixture, index);
}
