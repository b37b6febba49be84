//! Files of one shot as one image: what comes, goes and moves.

use std::collections::BTreeSet;

use glimpse_nonempty::each;

use super::*;
use crate::FileRole;

/// A raw file whose preview is an image that no other one has.
const RAW: &[u8] = include_bytes!("../../../../tests/golden/formats/a.cr2");
const OTHER_RAW: &[u8] = include_bytes!("../../../../tests/golden/formats/b.nef");

impl Fixture {
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn role(&self, path: &Path) -> Option<FileRole> {
        self.index.file(path).unwrap().map(|file| file.role)
    }

    /// Names of the companions of the image that a file holds.
    fn companions(&self, path: &Path) -> BTreeSet<String> {
        let companions = self.index.companions_of(self.id(path)).unwrap();
        let present = companions.into_iter().filter(|file| !file.missing);
        present.map(|file| format!("{} {}", file.path.file_name().unwrap().display(), file.role.name())).collect()
    }

    /// A run after which all fits together.
    fn sound_run(&self) -> (Summary, Vec<FileEvent>) {
        let run = self.run();
        assert_eq!(self.index.verify(false).unwrap().problems, Vec::<String>::new(), "{:?}", run.1);
        run
    }
}

fn paired(path: &Path, with: &Path) -> FileEvent {
    FileEvent::Paired { path: path.to_path_buf(), with: with.to_path_buf() }
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn files_of_one_shot_are_encoded_once_and_found_by_all_their_names() {
    let fixture = Fixture::new();
    let (jpeg, raw) = (fixture.image("IMG_1.JPG", 1), fixture.file("img_1.cr2", RAW));
    let (still, video) = (fixture.image("live.jpg", 2), fixture.file("live.mov", b"a video"));
    let (edited, original) = (fixture.image("IMG_E1234.JPG", 3), fixture.image("IMG_1234.JPG", 4));
    fixture.image("IMG_1234-1.JPG", 5);
    fixture.file("alone.mp4", b"a video");
    let (summary, events) = fixture.sound_run();
    assert_eq!((summary.indexed, summary.paired, summary.skipped, fixture.encoder.images()), (4, 3, 1, 4));
    for (file, with) in each([(&raw, &jpeg), (&video, &still), (&original, &edited)]) {
        assert!(events.contains(&paired(file, with)), "{events:?}");
    }
    assert_eq!(fixture.index.len(), 4);
    assert_eq!(fixture.companions(&jpeg), names(["img_1.cr2 raw"]));
    assert_eq!(fixture.companions(&still), names(["live.mov motion"]));
    assert_eq!(fixture.companions(&edited), names(["IMG_1234.JPG original"]));
    let found = fixture.index.words("cr2", 9, None).unwrap();
    assert_eq!(found.iter().map(|hit| hit.id).collect::<Vec<_>>(), [fixture.id(&jpeg)]);
    // Nothing is read the second time, nor after the program was started anew.
    let fixture = fixture.reopened();
    let (summary, _) = fixture.run_without_encoding();
    assert_eq!((summary.unchanged, summary.paired, summary.skipped), (7, 0, 1));
    assert_eq!(fixture.companions(&jpeg), names(["img_1.cr2 raw"]));
    assert_eq!(fixture.index.len(), 4);
}

#[test]
fn a_raw_file_may_come_before_its_jpeg_and_after_it() {
    let fixture = Fixture::new();
    let first = fixture.file("a.cr2", RAW);
    let second = fixture.image("b.jpg", 2);
    assert_eq!(fixture.sound_run().0.indexed, 2);
    let (jpeg, raw) = (fixture.image("a.jpg", 1), fixture.file("b.nef", OTHER_RAW));
    let (summary, events) = fixture.sound_run();
    assert_eq!((summary.indexed, summary.paired, summary.unchanged), (1, 2, 1), "{events:?}");
    assert_eq!(fixture.companions(&jpeg), names(["a.cr2 raw"]));
    assert_eq!(fixture.companions(&second), names(["b.nef raw"]));
    assert_eq!((fixture.id(&first), fixture.id(&raw)), (fixture.id(&jpeg), fixture.id(&second)));
    assert_eq!(fixture.index.len(), 2);
}

#[test]
fn a_raw_file_whose_jpeg_goes_is_an_image_of_its_own() {
    for prune in each([false, true]) {
        let mut fixture = Fixture::new();
        (fixture.options.prune, fixture.options.force) = (prune, true);
        let (jpeg, raw) = (fixture.image("a.jpg", 1), fixture.file("a.cr2", RAW));
        fixture.file("a.mov", b"a video");
        fixture.image("other.jpg", 2);
        fixture.sound_run();
        let first = fixture.id(&jpeg);
        fs::remove_file(&jpeg).unwrap();
        let (summary, events) = fixture.sound_run();
        assert_eq!((summary.indexed, summary.missing + summary.pruned, summary.skipped), (1, 1, 1), "{events:?}");
        assert_eq!(fixture.role(&raw), Some(FileRole::Primary));
        assert_eq!(fixture.role(&fixture.path("a.mov")), None, "a video alone is no image");
        assert_ne!(fixture.id(&raw), first);
        assert_eq!(fixture.index.image(first).unwrap().is_some(), !prune);
        assert_eq!(fixture.index.len(), 2);
        // The JPEG is back: what it was is known unless it was forgotten.
        write_image(&jpeg, 1);
        fixture.file("a.mov", b"a video");
        let (summary, _) = fixture.sound_run();
        assert_eq!((summary.indexed, summary.paired), (usize::from(prune), 2));
        assert_eq!(fixture.companions(&jpeg), names(["a.cr2 raw", "a.mov motion"]));
        assert_eq!(fixture.id(&jpeg) == first, !prune);
        assert_eq!(fixture.index.len(), 2);
    }
}

#[test]
fn files_of_one_shot_move_together_and_apart() {
    let fixture = Fixture::new();
    let (jpeg, raw) = (fixture.image("old/a.jpg", 1), fixture.file("old/a.cr2", RAW));
    fixture.image("old/other.jpg", 2);
    fixture.sound_run();
    let id = fixture.id(&jpeg);
    fs::create_dir(fixture.path("new")).unwrap();
    let new = |name: &str| fixture.path("new").join(name);
    fs::rename(&jpeg, new("a.jpg")).unwrap();
    fs::rename(&raw, new("a.cr2")).unwrap();
    let (summary, events) = fixture.run_without_encoding();
    assert_eq!((summary.moved, summary.missing, summary.paired), (2, 0, 0), "{events:?}");
    assert!(events.contains(&moved(&raw, &new("a.cr2"))));
    assert_eq!((fixture.id(&new("a.jpg")), fixture.companions(&new("a.jpg"))), (id, names(["a.cr2 raw"])));
    assert_eq!(fixture.index.file(&raw).unwrap(), None);
    // Only the JPEG goes back.
    fs::rename(new("a.jpg"), &jpeg).unwrap();
    let (summary, events) = fixture.sound_run();
    assert_eq!((summary.moved, summary.indexed, summary.missing), (1, 1, 0), "{events:?}");
    assert_eq!((fixture.id(&jpeg), fixture.role(&new("a.cr2"))), (id, Some(FileRole::Primary)));
    assert_eq!(fixture.companions(&jpeg), names([]));
    assert_eq!(fixture.index.len(), 3);
}

#[test]
fn a_companion_that_goes_is_missing_or_forgotten_and_its_image_stays() {
    for prune in each([false, true]) {
        let mut fixture = Fixture::new();
        fixture.options.prune = prune;
        let (jpeg, raw) = (fixture.image("a.jpg", 1), fixture.file("a.cr2", RAW));
        fixture.sound_run();
        let id = fixture.id(&jpeg);
        fs::remove_file(&raw).unwrap();
        let (summary, _) = fixture.run_without_encoding();
        assert_eq!((summary.missing, summary.pruned), (usize::from(!prune), usize::from(prune)));
        assert_eq!((fixture.id(&jpeg), fixture.companions(&jpeg), fixture.index.len()), (id, names([]), 1));
        fixture.file("a.cr2", RAW);
        fixture.run_without_encoding();
        assert_eq!(fixture.companions(&jpeg), names(["a.cr2 raw"]));
        assert_eq!(fixture.index.verify(false).unwrap().problems, Vec::<String>::new());
    }
}

#[test]
fn both_are_kept_while_their_drive_is_away() {
    let mut fixture = Fixture::new();
    fixture.options.prune = true;
    let (jpeg, raw) = (fixture.image("a.jpg", 1), fixture.file("a.cr2", RAW));
    fixture.sound_run();
    let (photos, elsewhere) = (fixture.root.clone(), fixture.outside("elsewhere"));
    fs::rename(&photos, &elsewhere).unwrap();
    fs::create_dir(&photos).unwrap();
    let (summary, _) = fixture.run_without_encoding();
    assert_eq!((summary.missing, summary.pruned, summary.failed), (0, 0, 1));
    assert_eq!((fixture.companions(&jpeg), fixture.index.len()), (names(["a.cr2 raw"]), 1));
    fs::remove_dir(&photos).unwrap();
    fs::rename(&elsewhere, &photos).unwrap();
    let (summary, events) = fixture.run_without_encoding();
    assert_eq!(summary.unchanged, 2, "{events:?}");
    assert_eq!(fixture.role(&raw), Some(FileRole::Raw));
}

/// As a library that was made before there were pairs, and one that does without them for a while.
#[test]
fn pairing_is_switched_on_and_off() {
    let mut fixture = Fixture::new();
    fixture.options.pairs = Some(false);
    let (jpeg, raw) = (fixture.image("a.jpg", 1), fixture.file("a.cr2", RAW));
    let (edited, original) = (fixture.image("b-edited.jpg", 2), fixture.image("b.jpg", 3));
    fixture.file("b.mov", b"a video");
    let (summary, _) = fixture.sound_run();
    assert_eq!((summary.indexed, summary.paired, summary.skipped), (4, 0, 1));
    // It stays so.
    fixture.options.pairs = None;
    let mut fixture = fixture.reopened();
    let (summary, _) = fixture.run_without_encoding();
    assert_eq!((summary.unchanged, summary.skipped, fixture.index.len()), (4, 1, 4));

    fixture.options.pairs = Some(true);
    let (summary, events) = fixture.run_without_encoding();
    assert_eq!((summary.unchanged, summary.paired), (2, 3), "{events:?}");
    assert_eq!(fixture.index.len(), 2);
    assert_eq!(fixture.companions(&jpeg), names(["a.cr2 raw"]));
    assert_eq!(fixture.companions(&edited), names(["b.jpg original", "b.mov motion"]));
    fixture.options.pairs = None;
    assert_eq!(fixture.run_without_encoding().0.unchanged, 5);
    assert_eq!(fixture.index.verify(false).unwrap().problems, Vec::<String>::new());

    fixture.options.pairs = Some(false);
    let (summary, events) = fixture.sound_run();
    assert_eq!((summary.indexed, summary.unchanged, summary.skipped, summary.missing), (2, 2, 1, 0), "{events:?}");
    assert_eq!(fixture.index.len(), 4);
    for path in each([&jpeg, &raw, &edited, &original]) {
        assert_eq!(fixture.role(path), Some(FileRole::Primary));
    }
    assert_eq!(fixture.role(&fixture.path("b.mov")), None);
}

#[test]
fn a_companion_may_be_a_copy_of_another_images_file() {
    let fixture = Fixture::new();
    let copy = fixture.file("raws/a.cr2", RAW);
    let (jpeg, raw) = (fixture.image("shots/a.jpg", 1), fixture.file("shots/a.cr2", RAW));
    let second = fixture.file("shots/a.nef", OTHER_RAW);
    let (summary, events) = fixture.sound_run();
    assert_eq!((summary.indexed, summary.paired), (2, 2), "{events:?}");
    assert_eq!(fixture.companions(&jpeg), names(["a.cr2 raw", "a.nef raw"]));
    assert_ne!(fixture.id(&copy), fixture.id(&raw));
    // Without its JPEG it holds the image of its copy, and needs no encoding; the other raw file
    // does.
    fs::remove_file(&jpeg).unwrap();
    let before = fixture.encoder.images();
    let (_, events) = fixture.sound_run();
    assert!(events.contains(&FileEvent::Duplicate { path: raw.clone(), of: copy.clone() }), "{events:?}");
    assert_eq!((fixture.id(&raw), fixture.encoder.images()), (fixture.id(&copy), before + 1));
    assert_eq!(fixture.role(&second), Some(FileRole::Primary));
    // And with it again, the copy keeps the image.
    write_image(&jpeg, 1);
    fixture.sound_run();
    assert_eq!(fixture.companions(&jpeg), names(["a.cr2 raw", "a.nef raw"]));
    assert_eq!((fixture.role(&copy), fixture.index.len()), (Some(FileRole::Primary), 2));
}

#[test]
fn an_edited_image_with_the_bytes_of_its_original_keeps_it() {
    let fixture = Fixture::new();
    let (edited, original) = (fixture.image("IMG_E1234.JPG", 1), fixture.image("IMG_1234.JPG", 1));
    fixture.sound_run();
    assert_eq!(fixture.companions(&edited), names(["IMG_1234.JPG original"]));
    fs::remove_file(&edited).unwrap();
    fixture.run_without_encoding();
    assert_eq!((fixture.role(&original), fixture.index.len()), (Some(FileRole::Primary), 1));
    write_image(&edited, 1);
    fixture.run_without_encoding();
    assert_eq!((fixture.role(&original), fixture.role(&edited)), (Some(FileRole::Original), Some(FileRole::Primary)));
    assert_eq!(fixture.index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn where_the_primary_cannot_be_read_the_next_one_is_the_image() {
    let fixture = Fixture::new();
    let (broken, raw) = (fixture.file("a.jpg", b"no image"), fixture.file("a.cr2", RAW));
    fixture.file("a.mov", b"a video");
    fixture.file("b.jpg", b"no image");
    fixture.file("b.mov", b"a video");
    let (summary, events) = fixture.sound_run();
    assert_eq!((summary.indexed, summary.skipped, summary.paired), (1, 3, 1), "{events:?}");
    assert_eq!(fixture.companions(&raw), names(["a.mov motion"]));
    let (summary, events) = fixture.run_without_encoding();
    assert_eq!((summary.unchanged, summary.skipped), (2, 3), "{events:?}");
    // It is mended.
    write_image(&broken, 1);
    fixture.sound_run();
    assert_eq!(fixture.companions(&broken), names(["a.cr2 raw", "a.mov motion"]));
    // And is broken again.
    fs::write(&broken, b"no image again").unwrap();
    let (summary, events) = fixture.sound_run();
    assert_eq!((summary.indexed, summary.skipped), (1, 3), "{events:?}");
    assert_eq!((fixture.role(&raw), fixture.companions(&raw)), (Some(FileRole::Primary), names(["a.mov motion"])));
}

#[test]
fn sidecars_of_a_companion_tell_of_its_image() {
    let fixture = Fixture::new();
    let jpeg = fixture.image("a.jpg", 1);
    fixture.file("a.cr2", RAW);
    fixture.file("a.cr2.txt", b"a valley");
    fixture.run();
    assert_eq!(fixture.caption(&jpeg).as_deref(), Some("a valley"));
    let sidecar = fixture.file("a.cr2.txt", b"two valleys");
    touch(&sidecar, 50);
    fixture.run_without_encoding();
    assert_eq!(fixture.caption(&jpeg).as_deref(), Some("two valleys"));
    fs::remove_file(&sidecar).unwrap();
    fixture.run_without_encoding();
    assert_eq!(fixture.caption(&jpeg), None);
    assert_eq!(fixture.run_without_encoding().0.unchanged, 2);
}

#[test]
fn a_companion_that_is_asked_for_by_its_path_stays_one() {
    let mut fixture = Fixture::new();
    let (jpeg, raw) = (fixture.image("a.jpg", 1), fixture.file("a.cr2", RAW));
    fixture.run();
    let folder = std::mem::replace(&mut fixture.options.roots, vec![raw.clone()]);
    let (summary, _) = fixture.run_without_encoding();
    assert_eq!((summary.unchanged, fixture.role(&raw)), (1, Some(FileRole::Raw)));
    fixture.options.roots = vec![jpeg.clone()];
    fixture.run_without_encoding();
    assert_eq!(fixture.companions(&jpeg), names(["a.cr2 raw"]));
    fixture.options.roots = folder;
    assert_eq!(fixture.run_without_encoding().0.unchanged, 2);
}

#[test]
fn what_is_left_out_is_nobodys_companion() {
    let fixture = Fixture::new();
    let jpeg = fixture.image("a.jpg", 1);
    fixture.file("a.cr2", RAW);
    fixture.sound_run();
    fixture.file(".glimpseignore", b"*.cr2");
    let (summary, _) = fixture.run_without_encoding();
    assert_eq!((summary.unchanged, summary.missing), (1, 1));
    assert_eq!(fixture.companions(&jpeg), names([]));
}
