//! A drive that is full: what is gone can be forgotten there, which makes room.

use std::process::Command;

use super::*;
use crate::index::tests::{file, image};
use crate::{ContentHash, ImageRecord, IndexOptions};

/// Enough that their snapshot takes a megabyte.
const IMAGES: u32 = 3000;

fn vector_of(n: u32) -> Vec<f32> {
    (0..32).map(|i| ((n * 31 + i * 17 + n * i) % 101) as f32 - 50.5).collect()
}

#[test]
fn what_is_gone_can_be_forgotten_on_a_full_drive() {
    let drive = tempfile::tempdir().unwrap();
    let run = |program: &str, args: &[&str]| {
        let done = Command::new(program).args(args).arg(drive.path()).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !run("mount", &["-t", "tmpfs", "-o", "size=64m", "none"]) {
        eprintln!("SKIPPED: this user may mount nothing");
        return;
    }
    let fixture = Fixture::new();
    let options = IndexOptions { graph_from: 1000, ..IndexOptions::default() };
    let open = || {
        let library = Library::with_options(&drive.path().join("home"), options.clone());
        library.open_for(encoder_info(&fixture.encoder), false).unwrap()
    };
    let index = open();
    index.add_root(fixture.root.clone()).unwrap();
    for n in 0..IMAGES {
        let record = ImageRecord { content: ContentHash::of(&n.to_le_bytes()), ..image(0) };
        index.add(record, &vector_of(n), file(fixture.path(&format!("{n}.png")))).unwrap();
    }
    let left = fixture.image("left.png", 1);
    let prune = IngestOptions { prune: true, force: true, ..fixture.options.clone() };
    let ingest = |index: &Index, options: &IngestOptions| {
        ingest(index, &fixture.encoder, options, &AtomicBool::new(false), &mut Recorder::default())
    };
    index.finish().unwrap();
    drop(index);
    let mut filler = File::create(drive.path().join("filler")).unwrap();
    while std::io::Write::write_all(&mut filler, &[0; 4096]).is_ok() {}

    let index = open();
    let summary = ingest(&index, &prune).unwrap();
    assert_eq!((summary.pruned, summary.indexed), (IMAGES as usize, 1));
    drop(index);
    let index = open();
    assert_eq!(index.len(), 1);
    assert!(index.file(&left).unwrap().is_some());
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    drop(index);
    // There is room again, for an image too.
    let mut room = File::create(drive.path().join("room")).unwrap();
    std::io::Write::write_all(&mut room, &[0; 64 << 10]).unwrap();
    assert!(run("umount", &["-l"]));
}
