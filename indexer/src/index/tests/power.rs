//! A power cut: of what was written since the last commit, the disk has a beginning.
//!
//! Between two commits the log of the store changes in some blocks. A cut may keep the first so
//! many of them, or half a block; whatever was committed before must be there, and the rest as
//! whole steps.

use std::path::PathBuf;

use glimpse_nonempty::each;

use super::rot::copy_all;
use super::*;

const COMMITS: u8 = 7;
/// Images between two commits.
const STEP: u8 = 20;
pub(super) const BLOCK: usize = 4096;

fn path(n: u8) -> PathBuf {
    format!("/p/{n}.jpg").into()
}

pub(super) fn log(home: &Path) -> PathBuf {
    home.join("gen-0001/sled/db")
}

/// A library that was copied after each commit, as the disk has it then.
fn copies() -> Vec<tempfile::TempDir> {
    let fixture = Fixture::new();
    let mut index = fixture.open();
    let mut copies = Vec::new();
    for commit in 0..COMMITS {
        (commit * STEP..(commit + 1) * STEP).for_each(|n| _ = add(&index, n, path(n).to_str().unwrap()));
        if commit > 1 {
            // Of the commit before the last one: rewritten pages are of interest too.
            index.remove_file(&path((commit - 2) * STEP)).unwrap();
        }
        index.commit().unwrap();
        let copy = tempfile::tempdir().unwrap();
        copy_all(fixture.home.path(), copy.path());
        copies.push(copy);
        if commit == COMMITS / 2 {
            drop(index);
            index = fixture.open();
        }
    }
    copies
}

/// The blocks of the log that differ from those before.
pub(super) fn changed_blocks(before: &[u8], after: &[u8]) -> Vec<usize> {
    let of = |bytes: &[u8], at: usize| bytes.get(at..bytes.len().min(at + BLOCK)).unwrap_or_default().to_vec();
    (0..after.len()).step_by(BLOCK).filter(|&at| of(before, at) != of(after, at)).collect()
}

#[test]
fn whatever_a_power_cut_leaves_of_the_last_writes_opens_with_all_that_was_committed() {
    let copies = copies();
    let mut cuts = 0;
    for (commit, pair) in each(copies.windows(2).enumerate()) {
        let [before, after] = [&pair[0], &pair[1]].map(|copy| std::fs::read(log(copy.path())).unwrap());
        let blocks = changed_blocks(&before, &after);
        assert!(!blocks.is_empty());
        let kept: std::collections::BTreeSet<usize> =
            [0, 1, blocks.len() / 3, blocks.len() / 2, blocks.len() - 1].into();
        for (kept, torn) in each(kept.into_iter().flat_map(|kept| [(kept, 0), (kept, 100)])) {
            let what = format!("commit {commit}, {kept} of {} blocks and {torn} bytes", blocks.len());
            let mut bytes = before.clone();
            bytes.resize(after.len(), 0);
            for (i, &at) in blocks.iter().enumerate().take(kept + 1) {
                let end = after.len().min(at + if i < kept { BLOCK } else { torn });
                bytes[at..end].copy_from_slice(&after[at..end]);
            }
            let home = tempfile::tempdir().unwrap();
            copy_all(pair[0].path(), home.path());
            std::fs::write(log(home.path()), bytes).unwrap();
            let fixture = Fixture { home, ..Fixture::new() };
            let index = fixture.library().open().unwrap_or_else(|error| panic!("{what}: {error}"));
            for n in each(0..(commit as u8 + 1) * STEP) {
                let was_removed = n % STEP == 0 && usize::from(n / STEP) + 2 <= commit;
                let may_be_removed = n % STEP == 0 && usize::from(n / STEP) + 1 == commit;
                let is_there = index.file(&path(n)).unwrap().is_some();
                assert!(may_be_removed || is_there != was_removed, "{what}: image {n} is there: {is_there}");
            }
            let report = index.verify(false).unwrap();
            assert_eq!(report.problems, Vec::<String>::new(), "{what}");
            cuts += 1;
        }
    }
    assert!(cuts >= 30, "{cuts}");
}
