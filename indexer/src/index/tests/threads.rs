//! Readers and a writer at once.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use glimpse_nonempty::if_any;

use super::*;

#[test]
fn readers_see_whole_steps() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..3u8 {
            let (index, done) = (&index, &done);
            scope.spawn(move || {
                let mut revision = 0;
                while !done.load(Ordering::Acquire) {
                    let seen = index.revision();
                    assert!(seen >= revision);
                    revision = seen;
                    for hit in if_any(index.nearest(&vector(reader), 5, None).unwrap()) {
                        // An image that was found may be removed a moment later, but never lack a
                        // part.
                        if let Some(record) = index.image(hit.id).unwrap() {
                            assert_eq!(record.id, hit.id);
                            assert!(index.vector(hit.id).is_some() || index.image(hit.id).unwrap().is_none());
                        }
                    }
                    assert!(index.select(&Default::default()).len() <= 100);
                    index.facets();
                }
            });
        }
        for round in 0..3 {
            for n in 0..100 {
                add(&index, n, &format!("/p/{n}.jpg"));
            }
            index.commit().unwrap();
            for n in (0..100).skip(round) {
                index.remove_file(Path::new(&format!("/p/{n}.jpg"))).unwrap();
            }
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(index.len(), 2);
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}
