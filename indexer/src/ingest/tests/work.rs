//! What a run asks of the disk grows with the number of files, and no faster.

use super::*;
use crate::ingest::drives::disk::tests::calls_of;

/// Calls of the writing thread in a run over `n` copies of an image, and its events.
fn calls_of_run(fixture: &Fixture) -> (usize, Summary) {
    let (calls, (summary, _)) = calls_of(|| fixture.run());
    (calls, summary)
}

fn copies(n: usize) -> Fixture {
    let fixture = Fixture::new();
    let first = fixture.image("0/copy.png", 1);
    for i in 1..n {
        let path = fixture.path(&format!("{i}/copy.png"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(&first, path).unwrap();
    }
    fixture
}

#[test]
fn each_copy_of_an_image_costs_the_same() {
    for n in [100, 400] {
        let fixture = copies(n);
        let (calls, summary) = calls_of_run(&fixture);
        assert_eq!((summary.indexed, summary.duplicate), (1, n - 1));
        assert!(calls <= 8 * n, "new: {calls} calls for {n} copies");

        // All of them have another time.
        (0..n).for_each(|i| touch(&fixture.path(&format!("{i}/copy.png")), 100));
        let (calls, summary) = calls_of_run(&fixture);
        assert_eq!(summary.unchanged, n);
        assert!(calls <= 8 * n, "touched: {calls} calls for {n} copies");

        // All of them are in other folders, and what was in a folder of that name is not told
        // apart.
        (0..n).for_each(|i| fs::rename(fixture.path(&format!("{i}")), fixture.path(&format!("m{i}"))).unwrap());
        let (calls, summary) = calls_of_run(&fixture);
        assert_eq!((summary.moved, summary.duplicate, summary.missing), (n, 0, 0));
        assert!(calls <= 8 * n, "moved: {calls} calls for {n} copies");
        assert_eq!(fixture.index.files_under(&fixture.root).unwrap().len(), n);

        // All of them are gone.
        fixture.image("other.png", 2);
        (0..n).for_each(|i| fs::remove_dir_all(fixture.path(&format!("m{i}"))).unwrap());
        let (calls, summary) = calls_of_run(&fixture);
        assert_eq!((summary.indexed, summary.missing), (1, n));
        assert!(calls <= 8 * n, "gone: {calls} calls for {n} copies");
    }
}

#[test]
fn sidecars_of_copies_are_not_read_again_for_each() {
    let n = 300;
    let fixture = copies(n);
    (0..n).for_each(|i| fs::write(fixture.path(&format!("{i}/copy.txt")), format!("word{i}")).unwrap());
    let (calls, summary) = calls_of_run(&fixture);
    assert_eq!((summary.indexed, summary.duplicate), (1, n - 1));
    // Eight names of sidecars for each of some sixty files.
    assert!(calls <= 600 * n, "{calls} calls for {n} copies");
}

#[test]
fn a_copy_is_told_from_a_file_that_moved() {
    let fixture = copies(40);
    fixture.run();
    fs::rename(fixture.path("7/copy.png"), fixture.path("7/other.png")).unwrap();
    fs::copy(fixture.path("8/copy.png"), fixture.path("8/new.png")).unwrap();
    let (summary, events) = fixture.run();
    // Which of the two is taken for the one that moved is open: they hold the same bytes.
    assert_eq!((summary.moved, summary.duplicate, summary.unchanged, summary.missing), (1, 1, 39, 0), "{events:?}");
    assert!(fixture.index.file(&fixture.path("7/copy.png")).unwrap().is_none());
    // A file that was moved and one of another name that took its place at the same time.
    fs::rename(fixture.path("9/copy.png"), fixture.path("9/again.png")).unwrap();
    fixture.image("9/copy.png", 5);
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.missing), (1, 0), "{events:?}");
}

#[test]
fn a_folder_costs_the_same_however_deep_it_lies() {
    let calls = |depth: usize| {
        let fixture = Fixture::new();
        let folder = fixture.path(&"d/".repeat(depth));
        fs::create_dir_all(&folder).unwrap();
        write_image(&folder.join("a.png"), 1);
        let walk = || find::walk::Walker::new(&fixture.options.roots, false, &fixture.options.devices, |_| true).run();
        let (calls, walked) = calls_of(walk);
        assert!(walked.complete && walked.seen.len() == 1);
        calls
    };
    let (shallow, deep) = (calls(10), calls(300));
    assert!(deep <= shallow + 300, "{shallow} calls at a depth of 10, {deep} at 300");
}

/// How many files were done when it was known how many there are.
#[derive(Default)]
struct Patience {
    done: usize,
    known_at: Option<(usize, usize)>,
}

impl Observer for Patience {
    fn found(&mut self, files: usize, complete: bool) {
        if complete && self.known_at.is_none() {
            self.known_at = Some((files, self.done));
        }
    }

    fn event(&mut self, _: &FileEvent) {
        self.done += 1;
    }
}

#[test]
fn the_total_is_known_long_before_the_walk_ends() {
    const FILES: usize = 3000;
    let fixture = Fixture::new();
    for n in 0..FILES {
        fs::write(fixture.root.join(format!("{n}.jpg")), n.to_string()).unwrap();
    }
    let mut watch = Patience::default();
    let cancel = AtomicBool::new(false);
    ingest(&fixture.index, &fixture.encoder, &fixture.options, &cancel, &mut watch).unwrap();
    assert_eq!(watch.done, FILES);
    let (files, done) = watch.known_at.unwrap();
    assert_eq!(files, FILES);
    assert!(done < FILES - pipeline::stages::CANDIDATES - 500, "{done} files were done before the total was known");
}
