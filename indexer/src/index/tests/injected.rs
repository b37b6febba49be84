//! A step that fails at any point leaves nothing behind, neither in memory nor in the store.

use glimpse_nonempty::each;

use super::region_files::assert_regions_as_stored;
use super::snapshot::assert_as_stored;
use super::*;
use crate::IndexError;
use crate::fault::fail_at;
use crate::regions::format::tests::halves;

const IMAGES: u8 = 60;

fn path(n: u8) -> String {
    format!("/p/{n}.jpg")
}

fn add_one(index: &Index, n: u8) -> Result<(), IndexError> {
    let regions = halves(2, 4, &vector(n), &vector(n + 100));
    index.add_with_regions(image(n), &vector(n), &regions, file(path(n))).map(drop)
}

type Change = fn(&Index, u8) -> Result<(), IndexError>;

/// Kinds of steps about image `n`, which is there or, for the first, is not.
const CHANGES: [(&str, Change); 6] = [
    ("add", add_one),
    ("replace regions", |index, n| {
        let id = index.by_content(&ContentHash::of(&[n]))?.unwrap();
        index.put_regions(id, &halves(1, 2, &vector(n + 60), &vector(n + 110)))
    }),
    ("set words", |index, n| {
        let id = index.by_content(&ContentHash::of(&[n]))?.unwrap();
        index.set_words(id, Some(format!("words of {n}")), Vec::new())
    }),
    ("replace a file", |index, n| {
        // Image `n` loses its only file to image 0.
        let id = index.by_content(&ContentHash::of(&[0]))?.unwrap();
        index.put_file(FileRecord { image: id, ..file(path(n)) })
    }),
    ("mark as missing", |index, n| index.mark_missing(Path::new(&path(n)))),
    ("remove", |index, n| index.remove_file(Path::new(&path(n)))),
];

/// All that can be asked of an index, but for the order of images in answers.
fn answers(index: &Index) -> Vec<String> {
    let image = |n: u8| {
        let id = index.by_content(&ContentHash::of(&[n])).unwrap();
        let said = id.map(|id| {
            let vector = index.vector(id);
            let regions = index.regions().unwrap().shapes(id);
            (index.image(id).unwrap(), index.files_of(id).unwrap(), vector, regions, index.has_regions(id).unwrap())
        });
        format!("{n}: {said:?}, best {:?}", found(index, n, 1))
    };
    (0..IMAGES + 20).map(image).chain([format!("{} {:?}", index.len(), index.select(&Default::default()))]).collect()
}

#[test]
fn a_step_that_fails_at_any_point_leaves_everything_as_it_was() {
    for in_memory in [true, false] {
        for (name, change) in CHANGES {
            let fixture = Fixture::with_graphs(20, 40);
            let mut index = fixture.open();
            (0..IMAGES).for_each(|n| add_one(&index, n).unwrap());
            index.finish().unwrap();
            let mut failures = 0;
            for point in each(0..) {
                let what = format!("{name} at point {point}, regions in memory: {in_memory}");
                // Graphs, snapshots and regions as at the start.
                index.finish().unwrap();
                drop(index);
                index = fixture.open();
                let _regions = in_memory.then(|| index.regions().unwrap());
                let n = if name == "add" { IMAGES + point as u8 } else { 1 + point as u8 };
                let before = in_memory.then(|| answers(&index));
                let (failed, done) = fail_at(point, || change(&index, n));
                if !failed {
                    done.unwrap();
                    break;
                }
                failures += 1;
                let is_done = done.is_ok();
                if let Some(before) = before.filter(|_| !is_done) {
                    assert_eq!(answers(&index), before, "{what}");
                }
                let after = answers(&index);
                assert_regions_as_stored(&index);
                drop(index);
                index = fixture.open();
                assert_as_stored(&index);
                assert_eq!(answers(&index), after, "{what}: the store has something else");
                let report = index.verify(false).unwrap();
                assert_eq!(report.problems, Vec::<String>::new(), "{what}");
                if !is_done {
                    change(&index, n).unwrap();
                }
            }
            // At least the writing itself can fail.
            assert!(failures >= 3, "{name}: {failures} points");
        }
    }
}
