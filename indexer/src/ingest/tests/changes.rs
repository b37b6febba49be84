//! A folder changes between two runs.

use glimpse_nonempty::{Every as _, each};

use super::*;
use crate::FileRecord;

#[test]
fn a_second_run_reads_nothing() {
    let fixture = Fixture::new();
    let paths: Vec<_> = (0..20).map(|i| fixture.image(&format!("{}/{i:02}.png", i % 3), i)).collect();
    let (first, events) = fixture.run();
    assert_eq!((first.indexed, fixture.index.len()), (20, 20));
    assert!(paths.iter().every(|path| events.contains(&indexed(path))));
    // Bytes that are no longer readable are not missed: size and time are as before.
    for path in &paths {
        let (facts, length) = (fs::metadata(path).unwrap(), fs::read(path).unwrap().len());
        fs::write(path, vec![0; length]).unwrap();
        File::options().write(true).open(path).unwrap().set_modified(facts.modified().unwrap()).unwrap();
        forget_change(&fixture, path);
    }
    let (second, _) = fixture.run_without_encoding();
    assert_eq!((second.unchanged, second.skipped), (20, 0));
}

#[test]
fn a_renamed_tree_keeps_its_images() {
    let fixture = Fixture::new();
    let names: Vec<_> = (0..12).map(|i| format!("{}/{i}.png", i % 4)).collect();
    let old: Vec<_> =
        names.iter().enumerate().map(|(i, name)| fixture.image(&format!("old/{name}"), i as u32)).collect();
    fixture.run();
    let ids: Vec<_> = old.iter().map(|path| fixture.id(path)).collect();
    fs::rename(fixture.path("old"), fixture.path("new")).unwrap();
    let (summary, events) = fixture.run_without_encoding();
    assert_eq!((summary.moved, summary.missing), (12, 0));
    for ((name, old), id) in each(names.iter().zip(&old).zip(ids)) {
        let new = fixture.path(&format!("new/{name}"));
        assert!(events.contains(&moved(old, &new)));
        assert_eq!(fixture.id(&new), id);
        assert_eq!(fixture.index.file(old).unwrap(), None);
    }
}

#[test]
fn files_that_change_places_cost_no_encoding() {
    let fixture = Fixture::new();
    let paths: Vec<_> = (0..6).map(|i| fixture.image(&format!("{i}.png"), i)).collect();
    fixture.run();
    let vectors: Vec<_> = paths.iter().map(|path| fixture.index.vector(fixture.id(path)).unwrap()).collect();
    // 0 and 1 are swapped; 2 to 5 each take the name of the next, whose last becomes new.
    let rename = |from: &Path, to: &Path| fs::rename(from, to).unwrap();
    let spare = fixture.path("spare");
    rename(&paths[0], &spare);
    rename(&paths[1], &paths[0]);
    rename(&spare, &paths[1]);
    rename(&paths[5], &fixture.path("6.png"));
    (2..5).rev().for_each(|i| rename(&paths[i], &paths[i + 1]));
    // Other times than before, or equal sizes would hide the change.
    (0..6).filter(|&i| i != 2).for_each(|i| touch(&paths[i], 100 + i as u64));
    let (summary, events) = fixture.run_without_encoding();
    assert_eq!((summary.indexed, summary.failed), (0, 0), "{events:?}");
    let last = fixture.path("6.png");
    for (old, path) in [(0, &paths[1]), (1, &paths[0]), (2, &paths[3]), (3, &paths[4]), (4, &paths[5]), (5, &last)] {
        // Stored again under its new name, a vector may differ in the last bit of its scale.
        let moved = fixture.index.vector(fixture.id(path)).unwrap();
        assert!(moved.iter().zip(&vectors[old]).every(|(a, b)| (a - b).abs() < 1e-6), "{old} to {}", path.display());
    }
    assert_eq!(fixture.index.len(), 6);
}

#[test]
fn equal_files_are_encoded_once() {
    let fixture = Fixture::with(FakeEncoder::new(32).with_delay(Duration::from_millis(20)));
    let copies: Vec<_> = (0..30).map(|i| fixture.image(&format!("{i:02}.png"), 7)).collect();
    let (summary, _) = fixture.run();
    assert_eq!((summary.indexed, summary.duplicate, fixture.encoder.images()), (1, 29, 1));
    let id = fixture.id(&copies[0]);
    assert!(copies.iter().every(|copy| fixture.id(copy) == id));
    // One more in a later run, and a renamed one while others stay: which of the two is which,
    // nobody can tell.
    fixture.image("late.png", 7);
    fs::rename(&copies[3], fixture.path("elsewhere.png")).unwrap();
    let (summary, events) = fixture.run_without_encoding();
    assert_eq!((summary.moved, summary.duplicate, summary.missing), (1, 1, 0), "{events:?}");
    assert!(events.iter().any(|event| matches!(event, FileEvent::Duplicate { of, .. } if copies.contains(of))));
    assert_eq!(fixture.index.files_of(id).unwrap().len(), 31);
}

#[test]
fn a_renamed_root_with_duplicates_leaves_nothing_behind() {
    let mut fixture = Fixture::new();
    let old: Vec<_> = ["a.png", "b.png", "c.png"].map(|name| fixture.image(&format!("b1/{name}"), 1)).to_vec();
    let root = |fixture: &mut Fixture, name: &str| fixture.options.roots = vec![fixture.path(name)];
    root(&mut fixture, "b1");
    fixture.run();
    let id = fixture.id(&old[0]);
    fs::rename(fixture.path("b1"), fixture.path("b2")).unwrap();
    fs::remove_file(fixture.path("b2/c.png")).unwrap();
    root(&mut fixture, "b2");
    let (summary, events) = fixture.run_without_encoding();
    assert_eq!((summary.moved, summary.missing), (2, 1), "{events:?}");
    for name in ["a.png", "b.png"] {
        let (from, to) = (fixture.path("b1").join(name), fixture.path("b2").join(name));
        assert!(events.contains(&moved(&from, &to)), "{events:?}");
    }
    assert!(events.contains(&missing(&old[2])), "{events:?}");
    let present: Vec<_> = fixture.index.files_of(id).unwrap().into_iter().filter(|file| !file.missing).collect();
    assert!(present.len() == 2 && present.iter().every(|file| file.path.exists()), "{present:?}");
    // Of the old root there is still a tombstone, so it is still one of the library's.
    assert_eq!(fixture.index.manifest().roots.len(), 2);
    root(&mut fixture, "b1");
    (fixture.options.prune, fixture.options.force) = (true, true);
    assert_eq!(fixture.run().0.pruned, 1);
    assert_eq!(fixture.index.manifest().roots, [fixture.path("b2")]);
}

#[test]
fn a_root_that_is_gone_is_marked_and_forgotten_only_if_asked() {
    let mut fixture = Fixture::new();
    let stays = fixture.image("stays/a.png", 1);
    let away = fixture.image("away/sub/b.png", 2);
    fixture.options.roots = vec![fixture.path("stays"), fixture.path("away")];
    fixture.run();
    let id = fixture.id(&away);
    fs::rename(fixture.path("away"), fixture.outside("elsewhere")).unwrap();
    // A run over other roots concludes nothing, even one that forgets: a drive may be away.
    fixture.options.prune = true;
    fixture.options.roots = vec![fixture.path("stays")];
    assert_eq!(fixture.run().0.pruned, 0);
    assert_eq!(fixture.index.len(), 2);

    fixture.options.prune = false;
    fixture.options.roots = vec![fixture.path("away")];
    assert_eq!(fixture.run().1, [missing(&away)]);
    assert_eq!(fixture.index.len(), 1);
    assert_eq!(fixture.run().1, [], "told once");
    // The drive is back.
    fs::rename(fixture.outside("elsewhere"), fixture.path("away")).unwrap();
    assert_eq!(fixture.run_without_encoding().1, [unchanged(&away)]);
    assert_eq!((fixture.index.len(), fixture.id(&away)), (2, id));

    fs::remove_dir_all(fixture.path("away")).unwrap();
    fixture.options.prune = true;
    fixture.options.roots = vec![fixture.path("away/sub")];
    let (summary, events) = fixture.run();
    assert_eq!((summary.missing, summary.failed), (1, 1), "{events:?}");
    fixture.options.force = true;
    assert_eq!(fixture.run().1, [FileEvent::Pruned(away)]);
    assert_eq!((fixture.index.manifest().roots, fixture.index.len()), (vec![fixture.path("stays")], 1));
    assert!(fixture.try_run().0.is_err(), "nothing is known of it any more");
    assert!(stays.exists());
}

#[test]
fn another_image_under_a_known_name_replaces_it() {
    let fixture = Fixture::new();
    let path = fixture.image("a.png", 1);
    fixture.run();
    let old = fixture.id(&path);
    fixture.image("a.png", 2);
    touch(&path, 50);
    let (summary, _) = fixture.run();
    assert_eq!((summary.indexed, fixture.index.len()), (1, 1));
    assert_ne!(fixture.id(&path), old);
    assert_eq!(fixture.index.image(old).unwrap(), None);
}

#[test]
fn a_touched_file_is_read_once_and_known_afterwards() {
    let fixture = Fixture::new();
    let path = fixture.image("a.png", 1);
    fixture.run();
    touch(&path, 5000);
    let (_, events) = fixture.run_without_encoding();
    assert_eq!(events, [unchanged(&path)]);
    let modified = fs::metadata(&path).unwrap().modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(fixture.index.file(&path).unwrap().unwrap().modified as u128, modified.as_nanos());
}

#[test]
fn a_file_that_comes_back_was_only_missing() {
    let fixture = Fixture::new();
    let (path, _other) = (fixture.image("a.png", 1), fixture.image("b.png", 2));
    fixture.run();
    let id = fixture.id(&path);
    fs::rename(&path, fixture.outside("away.png")).unwrap();
    assert_eq!(fixture.run_without_encoding().1[0], missing(&path));
    assert_eq!(fixture.index.len(), 1);
    assert_eq!(fixture.run_without_encoding().0.missing, 0, "told once");
    fs::rename(fixture.outside("away.png"), &path).unwrap();
    assert_eq!(fixture.run_without_encoding().1[0], unchanged(&path));
    assert_eq!((fixture.id(&path), fixture.index.len()), (id, 2));
}

#[test]
fn pruning_forgets_what_is_gone_and_nothing_else() {
    let mut fixture = Fixture::new();
    let paths: Vec<_> = (0..4).map(|i| fixture.image(&format!("{i}.png"), i / 2)).collect();
    fixture.run();
    let ids: Vec<_> = paths.iter().map(|path| fixture.id(path)).collect();
    [0, 1, 2].iter().for_each(|&i| fs::remove_file(&paths[i]).unwrap());
    fixture.run();
    fixture.options.prune = true;
    assert_eq!(fixture.run().0.pruned, 3);
    assert_eq!(fixture.index.image(ids[0]).unwrap(), None);
    assert_eq!(fixture.index.files_of(ids[3]).unwrap().len(), 1);
    assert_eq!(fixture.index.stats().unwrap().files, 1);
}

#[test]
fn a_change_of_a_sidecar_changes_words_alone() {
    let fixture = Fixture::new();
    let (path, twin) = (fixture.image("a.png", 1), fixture.image("sub/twin.png", 1));
    let sidecar = path.with_extension("txt");
    fs::write(&sidecar, "a red boat").unwrap();
    fixture.run();
    assert_eq!(fixture.caption(&path).as_deref(), Some("a red boat"));
    fs::write(&sidecar, "a blue boat").unwrap();
    touch(&sidecar, 70);
    assert_eq!(fixture.run_without_encoding().0.unchanged, 2);
    assert_eq!(fixture.caption(&path).as_deref(), Some("a blue boat"));
    // One image, two files: it has the words of both.
    let second = fixture.path("sub/twin.png.txt");
    fs::write(&second, "ein Boot").unwrap();
    fixture.run_without_encoding();
    let caption = fixture.caption(&twin).unwrap();
    assert_eq!(caption.lines().collect::<std::collections::BTreeSet<_>>(), ["a blue boat", "ein Boot"].into());
    fs::remove_file(&sidecar).unwrap();
    fs::remove_file(&second).unwrap();
    fixture.run_without_encoding();
    assert_eq!(fixture.caption(&path), None);
    assert_eq!(fixture.run_without_encoding().0.unchanged, 2);
}

#[test]
fn an_image_that_became_garbage_is_not_found_until_it_is_mended() {
    let fixture = Fixture::new();
    let path = fixture.image("a.png", 1);
    let bytes = fs::read(&path).unwrap();
    fixture.run();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let (summary, events) = fixture.run_without_encoding();
    assert!(matches!(&events[..], [FileEvent::Skipped { reason, .. }] if reason.text.contains("PNG")), "{events:?}");
    assert_eq!((summary.skipped, fixture.index.len()), (1, 0));
    fs::write(&path, &bytes).unwrap();
    fixture.run_without_encoding();
    assert_eq!(fixture.index.len(), 1);
}

/// Gives `path` the pixels of another image under the same size and time of change.
fn change_silently(path: &Path, seed: u32) {
    let old = fs::metadata(path).unwrap();
    write_image(path, seed);
    File::options().write(true).open(path).unwrap().set_modified(old.modified().unwrap()).unwrap();
    let new = fs::metadata(path).unwrap();
    assert_eq!((new.len(), new.modified().unwrap()), (old.len(), old.modified().unwrap()));
}

/// Makes the index believe that nothing happened to a file since it was read, as it would on a file
/// system that keeps no time of change.
fn forget_change(fixture: &Fixture, path: &Path) {
    let record = fixture.index.file(path).unwrap().unwrap();
    let changed = crate::ingest::decode::read::Stat::of(&fs::metadata(path).unwrap()).changed;
    fixture.index.put_file(FileRecord { changed, ..record }).unwrap();
}

#[cfg(unix)]
#[test]
fn a_change_that_keeps_size_and_time_is_found() {
    let fixture = Fixture::new();
    let [changed, same] = [fixture.image("a.bmp", 1), fixture.image("b.bmp", 2)];
    fixture.run();
    change_silently(&changed, 3);
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.unchanged), (1, 1), "{events:?}");
    assert!(events.contains(&indexed(&changed)) && events.contains(&unchanged(&same)));
    assert_eq!(fixture.run_without_encoding().0.unchanged, 2);
}

/// As on file systems that know no time of change.
#[test]
fn a_change_without_any_trace_is_found_when_all_is_read() {
    let mut fixture = Fixture::new();
    let [changed, same] = [fixture.image("a.bmp", 1), fixture.image("b.bmp", 2)];
    fixture.run();
    change_silently(&changed, 3);
    forget_change(&fixture, &changed);
    assert_eq!(fixture.run().0.unchanged, 2);
    fixture.options.rehash = true;
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.unchanged), (1, 1), "{events:?}");
    assert!(events.contains(&indexed(&changed)) && events.contains(&unchanged(&same)));
}

/// Records of earlier versions have no time of change: they count as unchanged, and get one.
#[cfg(unix)]
#[test]
fn files_of_older_libraries_get_their_time_of_change() {
    let fixture = Fixture::new();
    let path = fixture.image("a.bmp", 1);
    fixture.run();
    let record = fixture.index.file(&path).unwrap().unwrap();
    fixture.index.put_file(FileRecord { changed: 0, ..record.clone() }).unwrap();
    assert_eq!(fixture.run_without_encoding().0.unchanged, 1);
    assert_eq!(fixture.index.file(&path).unwrap(), Some(record));
    change_silently(&path, 2);
    assert_eq!(fixture.run().0.indexed, 1);
}

#[test]
fn a_sidecar_says_when_and_where_an_image_was_taken_that_does_not() {
    let fixture = Fixture::new();
    let image = fixture.image("a.png", 1);
    let takeout = r#"{"title": "a.png", "photoTakenTime": {"timestamp": "1517344248"},
        "geoData": {"latitude": 48.5, "longitude": -2.25}}"#;
    fs::write(fixture.path("a.png.supplemental-metadata.json"), takeout).unwrap();
    fixture.run();
    let record = fixture.index.image(fixture.id(&image)).unwrap().unwrap();
    assert_eq!(record.taken, Some(1_517_344_248));
    assert_eq!(record.place.map(|place| (place.latitude, place.longitude)), Some((48.5, -2.25)));
}

#[test]
fn a_sidecar_that_comes_later_says_when_and_where_too() {
    let fixture = Fixture::new();
    let image = fixture.image("a.png", 1);
    fixture.run();
    let takeout = |time: u64, latitude: f64| {
        let text = format!(
            r#"{{"title": "a.png", "photoTakenTime": {{"timestamp": "{time}"}},
            "geoData": {{"latitude": {latitude}, "longitude": -2.25}}}}"#
        );
        let sidecar = fixture.path("a.png.supplemental-metadata.json");
        fs::write(&sidecar, text).unwrap();
        touch(&sidecar, time % 1000);
    };
    let known = || {
        let record = fixture.index.image(fixture.id(&image)).unwrap().unwrap();
        let filter = crate::Filter { taken_from: Some(1), ..crate::Filter::default() };
        let selected = fixture.index.select(&filter).contains(fixture.id(&image));
        // What filters and sorting see is what the record says.
        assert_eq!(fixture.index.taken(fixture.id(&image)), record.taken);
        assert_eq!(selected, record.taken.is_some());
        (record.taken, record.place.map(|place| place.latitude))
    };
    assert_eq!(known(), (None, None));
    takeout(1_517_344_248, 48.5);
    fixture.run_without_encoding();
    assert_eq!(known(), (Some(1_517_344_248), Some(48.5)));
    takeout(1_517_344_300, 50.0);
    fixture.run_without_encoding();
    assert_eq!(known(), (Some(1_517_344_300), Some(50.0)), "the sidecar was corrected");
    fs::remove_file(fixture.path("a.png.supplemental-metadata.json")).unwrap();
    fixture.run_without_encoding();
    assert_eq!(known(), (None, None), "the sidecar is gone");
    takeout(1_517_344_400, 51.0);
    fixture.run_without_encoding();
    let id = fixture.id(&image);
    let fixture = fixture.reopened();
    assert_eq!(fixture.index.taken(id), Some(1_517_344_400));
}

/// Half of an image and more is indexed, and said to be a part.
#[test]
fn a_jpeg_that_is_cut_off_is_indexed_and_marked() {
    let fixture = Fixture::new();
    let [whole, cut, stub] = ["whole.jpg", "cut.jpg", "stub.jpg"].map(|name| fixture.path(name));
    RgbImage::from_fn(160, 160, |x, y| colour(x * 160 + y)).save(&whole).unwrap();
    let bytes = fs::read(&whole).unwrap();
    fs::write(&cut, &bytes[..bytes.len() * 4 / 5]).unwrap();
    fs::write(&stub, &bytes[..bytes.len() / 4]).unwrap();
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.skipped), (2, 1), "{events:?}");
    let truncated = |path: &Path| fixture.index.image(fixture.id(path)).unwrap().unwrap().truncated;
    assert_eq!((truncated(&whole), truncated(&cut)), (false, true));
    let reason =
        |event: &FileEvent| matches!(event, FileEvent::Skipped { reason, .. } if reason.text.contains("% of its rows"));
    assert!(events.iter().any(reason), "{events:?}");
}
