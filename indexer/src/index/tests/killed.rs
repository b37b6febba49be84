//! A process that adds and removes images with their regions is killed at random points: what it
//! acknowledged is there, and the graphs are those of the records.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use glimpse_nonempty::each;

use super::region_files::{assert_regions_as_stored, has_files};
use super::snapshot::assert_as_stored;
use super::*;
use crate::hnsw::HnswParams;
use crate::regions::RegionId;
use crate::regions::format::tests::halves;

/// Where the child finds its library, and what it starts to count from.
const HOME: &str = "GLIMPSE_TEST_KILLED_HOME";
const START: &str = "GLIMPSE_TEST_KILLED_START";

fn options() -> IndexOptions {
    let graph = HnswParams { m: 8, ef_construction: 48, ef_search: 24 };
    IndexOptions { graph_from: 200, regions_from: 600, graph, ..IndexOptions::default() }
}

fn path_of(n: u64) -> PathBuf {
    format!("/p/{n}.jpg").into()
}

/// A direction for image `n`, and the right half of it.
fn vectors_of(n: u64) -> [Vec<f32>; 2] {
    let mut state = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.4
    };
    [(0..DIM).map(|_| next()).collect(), (0..DIM).map(|_| next()).collect()]
}

fn add_one(index: &Index, n: u64) {
    let [whole, right] = vectors_of(n);
    let record = ImageRecord { content: ContentHash::of(&n.to_le_bytes()), ..image(0) };
    index.add_with_regions(record, &whole, &halves(2, 4, &whole, &right), file(path_of(n))).unwrap();
}

/// Not a test by itself: the life of the child, which ends when it is killed. Adds two, removes
/// one, and says after each commit how far it came. Every second child has the regions in memory.
#[test]
fn child() {
    let (Ok(home), Ok(start)) = (std::env::var(HOME), std::env::var(START)) else { return };
    let index = Library::with_options(Path::new(&home), options()).open_for(&model("a"), false).unwrap();
    let start: u64 = start.parse().unwrap();
    let _regions = start.is_multiple_of(2).then(|| index.regions().unwrap());
    let mut out = std::io::stderr().lock();
    for n in start.. {
        add_one(&index, 2 * n);
        add_one(&index, 2 * n + 1);
        index.remove_file(&path_of(2 * n - 150)).unwrap();
        if n % 8 == 0 {
            index.commit().unwrap();
            writeln!(out, "done {n}").unwrap();
        }
        if n % 16 == 0 {
            index.finish().unwrap();
        }
    }
}

#[test]
fn killing_a_writer_leaves_records_and_graph_in_step() {
    let kills: usize = std::env::var("GLIMPSE_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(25);
    let home = tempfile::tempdir().unwrap();
    let library = Library::with_options(home.path(), options());
    let index = library.open_for(&model("a"), false).unwrap();
    (0..400).for_each(|n| add_one(&index, n));
    index.finish().unwrap();
    assert!(index.stats().unwrap().search.starts_with("hnsw (M 8"));
    drop(index);
    let (mut next, mut total, mut with_snapshot) = (200, 0, 0);
    for kill in each(0..kills) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "index::tests::killed::child", "--nocapture", "--test-threads=1"])
            .env(HOME, home.path())
            .env(START, next.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let said = BufReader::new(child.stderr.take().unwrap());
        let reader = std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                let done = line.strip_prefix("done ").and_then(|n| n.parse::<u64>().ok());
                done.into_iter().for_each(|done| sender.send(done).unwrap());
            }
        });
        // Some commits later, a little after the last of them; or at any time before it got so far.
        let commits = kill % 4;
        let mut done = receiver.iter().take(commits).last();
        std::thread::sleep(Duration::from_millis((kill as u64 * 37) % if commits == 0 { 160 } else { 24 }));
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
        done = receiver.try_iter().last().or(done);
        total += done.map_or(0, |done| done + 1 - next);

        let index = library.open().unwrap();
        with_snapshot += usize::from(index.snapshot.is_valid());
        assert!(has_files(&index), "files of regions were lost, after kill {kill}");
        assert_as_stored(&index);
        assert_regions_as_stored(&index);
        assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new(), "after kill {kill}");
        assert!(index.stats().unwrap().search.starts_with("hnsw (M 8"), "the graph was not read, but lost");
        let there: BTreeSet<u64> =
            (0..2 * next + 2000).filter(|&n| index.file(&path_of(n)).unwrap().is_some()).collect();
        if let Some(done) = done {
            // Later steps, fewer than till the next commit, may have removed some of the oldest
            // even ones.
            let stays = |n: u64| n % 2 == 1 || n > 2 * done - 100;
            let lost: Vec<u64> = (1..=2 * done + 1).filter(|&n| stays(n) && !there.contains(&n)).collect();
            assert!(lost.is_empty(), "acknowledged and lost: {lost:?}, after kill {kill}");
            assert!(!there.contains(&(2 * done - 150)), "removal acknowledged and lost, after kill {kill}");
        }
        // The next child goes on where this one was stopped, between the two additions of a round
        // perhaps.
        next = there.iter().next_back().map_or(next, |last| last.div_ceil(2));
        let regions = index.regions().unwrap();
        assert!(regions.search_name().starts_with("cells"), "{}", regions.search_name());
        assert_eq!(regions.images(), there.len(), "regions come and go with their images");
        for n in each(there.iter().rev().take(20)) {
            let id = index.file(&path_of(*n)).unwrap().unwrap().image;
            let vector = index.vector(id).unwrap();
            assert!(index.nearest(&vector, 3, None).unwrap().iter().any(|hit| hit.id == id), "{n} is not found");
            let right = regions.nearest(&vectors_of(*n)[1], 1, None).unwrap()[0].id;
            assert_eq!(right, RegionId { image: id, region: 1 }, "the right half of {n} is not found");
        }
        index.finish().unwrap();
    }
    eprintln!("{kills} kills, {total} acknowledged steps, a snapshot after {with_snapshot}");
    assert_eq!(with_snapshot, kills, "a snapshot was lost");
    assert!(total > 0, "no child got as far as a commit");
}
