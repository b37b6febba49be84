//! Fuzz target: pages of sled's log behind the back of their checksums. Sizes and counts in them
//! are believed of nobody.
#![allow(clippy::unwrap_used)]

use glimpse_fuzz::Target;

use super::tests::written;
use super::{Leaf, Log, Message, Page};

/// A node, the changes that lie behind it, and a segment: what they are read as is the first byte
/// of an input.
#[test]
fn store_log() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    let log = Log::read(&dir.path().join("db")).unwrap();
    let mut pages: Vec<&Page> = log.pages.values().collect();
    pages.sort_unstable_by_key(|page| page.node.at);
    let short = |bodies: Vec<super::Body>| {
        let bodies = bodies.into_iter().filter(|body| body.length < 4000).take(8);
        bodies.map(|body| log.bytes(body.at, body.length).unwrap()).collect::<Vec<_>>()
    };
    let nodes = short(pages.iter().map(|page| page.node).collect());
    let links = short(pages.iter().flat_map(|page| page.links.first().copied()).collect());
    assert!(!nodes.is_empty() && !links.is_empty(), "{} nodes, {} links", nodes.len(), links.len());
    let leaf = nodes.iter().find(|node| Leaf::read(1, node).is_some()).unwrap();
    let kept = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    let seeds = nodes.iter().map(|node| kept(0, node)).chain(links.iter().map(|link| kept(1, link)));
    let segment = kept(2, &log.bytes(0, 4000).unwrap());
    Target::new("store-log").seeds(seeds).seed(segment).run(|input| match input {
        [0, node @ ..] => {
            let mut leaf = Leaf::read(1, node).ok_or("an inner node, or none")?;
            let changed = links.iter().filter(|link| leaf.change(2, link).is_some()).count();
            let held: usize = leaf.entries.iter().map(|entry| entry.value.len()).sum();
            assert!(held <= node.len() + links.iter().map(Vec::len).sum::<usize>());
            Ok(format!("a leaf, {} changes", changed.min(4)))
        }
        [1, link @ ..] => {
            let mut leaf = Leaf::read(1, leaf).unwrap();
            let before = leaf.entries.len();
            leaf.change(2, link).ok_or("no change")?;
            assert!(leaf.entries.len().abs_diff(before) <= 1);
            Ok(format!("{} entries more or less", leaf.entries.len() as i64 - before as i64))
        }
        [_, segment @ ..] => {
            let messages = (0..segment.len().min(64)).filter_map(|at| Message::any(segment, at));
            let count = messages
                .inspect(|message| assert!(message.body <= message.end && message.end <= segment.len()))
                .count();
            if count == 0 { Err("no message".to_owned()) } else { Ok(format!("{count} messages")) }
        }
        [] => Err("empty".to_owned()),
    });
}
