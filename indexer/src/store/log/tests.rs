//! The log as sled writes it, sound and damaged.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use glimpse_nonempty::each;

use super::super::keys::Table;
use super::super::{Batch, Store};
use super::*;

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// A store of several segments whose values were changed and removed again and again, closed, and
/// what it holds.
pub(super) fn written(dir: &Path) -> Pairs {
    let mut pairs = Pairs::new();
    let mut state = 7u64;
    for _ in 0..3 {
        let store = Store::open(dir).unwrap();
        for _ in 0..1500 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = (state >> 33) % 700;
            // Keys of several lengths: sled keeps those of a leaf without what they have in common.
            let key = [&b"common/"[..], &vec![b'k'; key as usize % 5], &key.to_be_bytes()].concat();
            let mut batch = Batch::default();
            if state >> 20 & 3 == 0 {
                batch.remove(Table::Images, &key);
                pairs.remove(&key);
            } else {
                let value = vec![(state >> 40) as u8; 100 + (state >> 50) as usize % 2000];
                batch.put(Table::Images, &key, value.clone());
                pairs.insert(key, value);
            }
            store.apply(&batch).unwrap();
        }
        store.sync().unwrap();
    }
    pairs
}

/// The newest value of each key.
fn read(dir: &Path) -> (Pairs, usize) {
    let log = Log::read(&dir.join("db")).unwrap();
    let mut newest: BTreeMap<Vec<u8>, (u64, Vec<u8>)> = BTreeMap::new();
    log.entries(|Entry { order, key, value }| {
        let known = newest.entry(key).or_default();
        if order >= known.0 {
            *known = (order, value);
        }
        true
    })
    .unwrap();
    let pairs = newest.into_iter().filter(|(key, _)| key.starts_with(b"common/"));
    (pairs.map(|(key, (_, value))| (key, value)).collect(), log.damaged)
}

#[test]
fn a_sound_log_gives_what_sled_gives() {
    let dir = tempfile::tempdir().unwrap();
    let pairs = written(dir.path());
    assert!(std::fs::metadata(dir.path().join("db")).unwrap().len() > 4 * SEGMENT as u64);
    let (found, damaged) = read(dir.path());
    assert_eq!(damaged, 0);
    assert!(found == pairs, "{} of {}", found.len(), pairs.len());
}

/// A changed bit costs the entries of one leaf, or nothing; the leaf may come as it was before its
/// last change.
#[test]
fn a_changed_bit_costs_one_leaf_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let pairs = written(dir.path());
    let log = dir.path().join("db");
    let sound = std::fs::read(&log).unwrap();
    let (mut harmless, mut told) = (0, 0);
    for step in 0..60 {
        let mut bytes = sound.clone();
        let at = bytes.len() * step / 60 + step * 37;
        bytes[at] ^= 1 << (step % 8);
        std::fs::write(&log, bytes).unwrap();
        let (found, damaged) = read(dir.path());
        let different = pairs.iter().filter(|(key, value)| found.get(*key) != Some(value)).count();
        let surplus = found.keys().filter(|key| !pairs.contains_key(*key)).count();
        assert!(different <= 17 && surplus <= 34, "{at}: {different} lost or old, {surplus} removed ones back");
        harmless += usize::from(different + surplus == 0);
        told += usize::from(damaged > 0);
    }
    assert!(harmless < 60 && told > 10, "{harmless} harmless, {told} told");
}

#[test]
fn noise_is_no_log_and_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = 1u64;
    for length in [0, 1, 19, 20, 21, 4000, SEGMENT + 100] {
        let noise = (0..length).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        });
        std::fs::write(dir.path().join("db"), noise.collect::<Vec<u8>>()).unwrap();
        assert!(read(dir.path()).0.is_empty());
    }
}

/// Every cut of a node and of a link is none, or one of fewer entries; nothing is read beyond the
/// end.
#[test]
fn cut_off_nodes_are_none() {
    let node = [&[0, 0, 0, 2, 4][..], b"abcd", &[0, 0, 2, 1, b'x', 1, b'y', 2, 1, 1, 1, 5]].concat();
    let leaf = Leaf::read(9, &node).unwrap();
    let pairs: Vec<_> = leaf.entries.iter().map(|entry| (&entry.key[..], &entry.value[..])).collect();
    assert_eq!(pairs, [(&b"abx"[..], &[1, 1][..]), (b"aby", &[5])]);
    for length in each(0..node.len()) {
        assert!(Leaf::read(9, &node[..length]).is_none(), "{length}");
    }
    let mut leaf = Leaf::read(9, &node).unwrap();
    leaf.change(10, &[0, 1, b'x', 1, 8]).unwrap();
    leaf.change(11, &[1, 1, b'y']).unwrap();
    leaf.change(12, &[0, 1, b'z', 0]).unwrap();
    assert_eq!(leaf.change(13, &[2, 7]), None);
    assert_eq!(leaf.change(13, &[0, 9, b'z']), None);
    let mut pairs: Vec<_> = leaf.entries.iter().map(|entry| (entry.order, &entry.key[..])).collect();
    pairs.sort_unstable();
    assert_eq!(pairs, [(10, &b"abx"[..]), (12, b"abz")]);
}
