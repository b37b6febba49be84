//! Which files a walk finds.

use glimpse_nonempty::each;

use super::*;
use crate::{Reason, ReasonCode};

/// Paths of all candidates below the root, sorted.
fn candidates(fixture: &Fixture) -> Vec<String> {
    let mut paths = Vec::new();
    let sink = |found| {
        if let find::walk::Found::Candidate(candidate) = found {
            let path = candidate.path.strip_prefix(&fixture.root).unwrap_or(&candidate.path);
            paths.push(path.to_str().unwrap().to_owned());
        }
        true
    };
    assert!(
        find::walk::Walker::new(&fixture.options.roots, fixture.options.hidden, &fixture.options.devices, sink)
            .following_links(fixture.options.follow_links)
            .run()
            .complete
    );
    paths.sort();
    paths
}

#[test]
fn images_are_told_by_their_names() {
    let fixture = Fixture::new();
    for name in ["a.JPG", "b.jpeg", "c.webp", "d.tiff", "e.HEIC", "f.txt", "g", "h.jpg.part", "jpg", "i.mp4"] {
        File::create(fixture.path(name)).unwrap();
    }
    fs::create_dir(fixture.path("folder.jpg")).unwrap();
    assert_eq!(candidates(&fixture), ["a.JPG", "b.jpeg", "c.webp", "d.tiff", "e.HEIC", "i.mp4"]);
}

#[test]
fn what_no_decoder_reads_is_named() {
    let fixture = Fixture::new();
    let good = fixture.image("good.png", 1);
    // Its bytes are those of an image, as the preview in a raw file is.
    fs::copy(fixture.image("preview.tif", 2), fixture.path("IMG_1.CR2")).unwrap();
    fs::remove_file(fixture.path("preview.tif")).unwrap();
    for name in ["IMG_2.nef", "a.dng", "clips/b.MOV", "clips/c.mp4", ".hidden.mp4", "d.ts", "e.pdf"] {
        fs::create_dir_all(fixture.path("clips")).unwrap();
        File::create(fixture.path(name)).unwrap();
    }
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.skipped), (1, 5), "{events:?}");
    assert!(events.contains(&indexed(&good)));
    let kinds = [
        ("IMG_1.CR2", "a camera raw file of a kind"),
        ("IMG_2.nef", "empty"),
        ("a.dng", "empty"),
        ("clips/b.MOV", "empty"),
    ];
    for (name, kind) in each(kinds) {
        let told = |event: &FileEvent| match event {
            FileEvent::Skipped { path, reason } => *path == fixture.path(name) && reason.text.contains(kind),
            _ => false,
        };
        assert!(events.iter().any(told), "{name}: {events:?}");
    }
}

/// Two views of a scene, or a film after the image, in one file.
#[test]
fn the_first_image_of_a_jpeg_that_holds_more_is_read() {
    let fixture = Fixture::new();
    let [left, right] = [1, 2].map(|seed| fs::read(fixture.image("view.jpg", seed)).unwrap());
    fs::remove_file(fixture.path("view.jpg")).unwrap();
    let film = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42".to_vec();
    for (name, tail) in [("a.mpo", &right), ("b.JPS", &right), ("c.insp", &film), ("d.jpg", &film)] {
        fs::write(fixture.path(name), [&left[..], tail, name.as_bytes()].concat()).unwrap();
    }
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.skipped, summary.failed), (4, 0, 0), "{events:?}");
}

#[test]
fn hidden_files_are_found_when_asked_for() {
    let mut fixture = Fixture::new();
    ["a.png", ".b.png", ".c/d.png"].iter().for_each(|name| drop(fixture.image(name, 1)));
    assert_eq!(candidates(&fixture), ["a.png"]);
    fixture.options.hidden = true;
    assert_eq!(candidates(&fixture), [".b.png", ".c/d.png", "a.png"]);
    // What was found so is not lost by a run that does not look there.
    fixture.run();
    fixture.options.hidden = false;
    assert_eq!(fixture.run().0.missing, 0);
}

/// Synology, QNAP, Windows, and desktops by the rules of freedesktop.org.
#[test]
fn folders_that_systems_keep_for_themselves_are_left_out_unless_named() {
    let mut fixture = Fixture::new();
    fixture.options.hidden = true;
    let kept = ["a.png", ".b/c.png", "@eaDirectory/d.png", "recycle/e.png"];
    let systems = [
        "@eaDir/a.png/SYNOPHOTO_THUMB_M.png",
        "sub/@EADIR/f.png",
        "#recycle/g.png",
        "$RECYCLE.BIN/S-1-5/h.png",
        ".Trash-1000/files/i.png",
        ".Trashes/501/j.png",
        ".thumbnails/normal/k.png",
        ".@__thumb/s800l.png",
        "lost+found/m.png",
    ];
    kept.iter().chain(&systems).enumerate().for_each(|(n, name)| drop(fixture.image(name, n as u32)));
    assert_eq!(candidates(&fixture), [".b/c.png", "@eaDirectory/d.png", "a.png", "recycle/e.png"]);
    // An ignore file may ask for one, and who names one gets it.
    fs::write(fixture.path(".glimpseignore"), "!/#recycle\n").unwrap();
    assert!(candidates(&fixture).contains(&"#recycle/g.png".to_owned()));
    fixture.options.roots = vec![fixture.path("lost+found")];
    assert_eq!(candidates(&fixture), ["lost+found/m.png"]);
}

#[test]
fn ignore_files_hold_below_their_folder_and_take_images_out_again() {
    let fixture = Fixture::new();
    let names = ["keep.png", "out.png", "a/out.png", "b/c/d.png", "b/c/e.png"];
    let paths = names.map(|name| fixture.image(name, 1));
    assert_eq!(fixture.run().0.missing, 0);
    fs::write(fixture.path(".glimpseignore"), "/out.png\nb/c/*\n").unwrap();
    fs::write(fixture.path("b/.glimpseignore"), "!e.png\n").unwrap();
    fs::write(fixture.path(".gitignore"), "keep.png\n").unwrap();
    assert_eq!(candidates(&fixture), ["a/out.png", "b/c/e.png", "keep.png"]);
    let (summary, events) = fixture.run();
    assert_eq!(summary.missing, 2);
    assert!(events.contains(&missing(&paths[1])) && events.contains(&missing(&paths[3])));
}

#[test]
fn an_ignore_file_above_the_root_holds_too() {
    let mut fixture = Fixture::new();
    ["a/x.png", "a/y.png"].iter().for_each(|name| drop(fixture.image(name, 1)));
    fs::write(fixture.path(".glimpseignore"), "x.png").unwrap();
    fixture.options.roots = vec![fixture.path("a")];
    assert_eq!(candidates(&fixture), ["a/y.png"]);
}

#[test]
fn nested_and_repeated_roots_are_walked_once() {
    let mut fixture = Fixture::new();
    ["a.png", "sub/b.png", ".hidden/c.png"]
        .iter()
        .enumerate()
        .for_each(|(i, name)| drop(fixture.image(name, i as u32)));
    let root = fixture.root.clone();
    fixture.options.roots =
        vec![root.join("sub"), root.clone(), root.join("sub/../sub"), root.join(".hidden"), root.join("a.png")];
    let (summary, _) = fixture.run();
    assert_eq!((summary.indexed, summary.unchanged, summary.duplicate), (3, 0, 0));
    assert_eq!(fixture.index.manifest().roots.len(), 3);
}

#[test]
fn a_root_that_is_no_image_is_named() {
    let mut fixture = Fixture::new();
    let note = fixture.path("note.txt");
    fs::write(&note, "words").unwrap();
    fixture.options.roots = vec![note.clone()];
    let (_, events) = fixture.run();
    assert!(
        matches!(&events[..], [FileEvent::Skipped { path, reason }] if *path == note && reason.text.contains("words"))
    );
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn loops_end() {
        let fixture = Fixture::new();
        fixture.image("a/b/c.png", 1);
        symlink(fixture.path("a"), fixture.path("a/b/up")).unwrap();
        symlink(fixture.path("."), fixture.path("root")).unwrap();
        fs::create_dir(fixture.path(".x")).unwrap();
        symlink(fixture.path(".x"), fixture.path(".x/x")).unwrap();
        symlink(fixture.path(".x"), fixture.path("x")).unwrap();
        assert_eq!(candidates(&fixture), ["a/b/c.png"]);
    }

    #[test]
    fn a_target_that_is_found_anyway_is_not_found_twice() {
        let fixture = Fixture::new();
        let image = fixture.image("real/a.png", 1);
        symlink(fixture.path("real"), fixture.path("also")).unwrap();
        symlink(image, fixture.path("b.png")).unwrap();
        assert_eq!(candidates(&fixture), ["real/a.png"]);
    }

    #[test]
    fn a_target_elsewhere_is_found_once_by_the_link() {
        let mut fixture = Fixture::new();
        fixture.options.follow_links = true;
        write_image(&fixture.outside("album/a.png"), 1);
        write_image(&fixture.outside("album/deep/b.png"), 2);
        fixture.image(".store/c.png", 3); // as git-annex does
        symlink(fixture.outside("album"), fixture.path("album")).unwrap();
        symlink(fixture.path(".store/c.png"), fixture.path("c.png")).unwrap();
        assert_eq!(candidates(&fixture), ["album/a.png", "album/deep/b.png", "c.png"]);
        symlink(fixture.outside("album/deep"), fixture.path("deep")).unwrap();
        symlink(fixture.outside("album"), fixture.path("second")).unwrap();
        assert_eq!(candidates(&fixture).len(), 3);
    }

    #[test]
    fn a_link_out_of_the_root_is_named_and_not_followed_unless_asked() {
        let mut fixture = Fixture::new();
        write_image(&fixture.outside("album/a.png"), 1);
        write_image(&fixture.outside("b.png"), 2);
        let good = fixture.image(".store/c.png", 3);
        symlink(fixture.outside("album"), fixture.path("album")).unwrap();
        symlink(fixture.outside("b.png"), fixture.path("b.png")).unwrap();
        symlink(good, fixture.path("c.png")).unwrap();
        let (summary, events) = fixture.run();
        assert_eq!((summary.indexed, summary.skipped), (1, 2), "{events:?}");
        let named = |event: &&FileEvent| matches!(event, FileEvent::Skipped { reason, .. } if reason.text.contains("--follow-links"));
        assert_eq!(events.iter().filter(named).count(), 2, "{events:?}");
        fixture.options.follow_links = true;
        assert_eq!(fixture.run().0.indexed, 2);
        // What was found by the links once is not taken for gone when they are not followed.
        fixture.options.follow_links = false;
        assert_eq!(fixture.run().0.missing, 0);
        for link in ["album/a.png", "b.png"] {
            assert!(!fixture.index.file(&fixture.path(link)).unwrap().unwrap().missing, "{link}");
        }
    }

    #[test]
    fn links_to_nowhere_are_named_and_the_rest_goes_on() {
        let fixture = Fixture::new();
        let good = fixture.image("good.png", 1);
        symlink(fixture.path("gone.png"), fixture.path("dangling.png")).unwrap();
        symlink(fixture.path("itself.png"), fixture.path("itself.png")).unwrap();
        symlink(fixture.path("gone"), fixture.path("no-image")).unwrap();
        let (summary, events) = fixture.run();
        assert_eq!((summary.indexed, summary.failed), (1, 2), "{events:?}");
        assert!(events.contains(&indexed(&good)));
        let nowhere = FileEvent::Failed {
            path: fixture.path("dangling.png"),
            reason: Reason::new(ReasonCode::BrokenLink, "a link to nowhere"),
        };
        assert!(events.contains(&nowhere), "{events:?}");
    }

    #[test]
    fn pipes_and_sockets_are_never_opened() {
        let fixture = Fixture::new();
        let good = fixture.image("good.png", 1);
        let _socket = std::os::unix::net::UnixListener::bind(fixture.path("socket.png")).unwrap();
        let made = std::process::Command::new("mkfifo")
            .args([fixture.path("pipe.png"), fixture.path("good.txt")])
            .status()
            .is_ok_and(|status| status.success());
        assert!(made, "mkfifo is part of every unix");
        assert_eq!(fixture.run().1, [indexed(&good)]);
    }

    #[test]
    fn names_need_not_be_unicode() {
        use std::os::unix::ffi::OsStrExt;
        let fixture = Fixture::new();
        let path = fixture.root.join(std::ffi::OsStr::from_bytes(b"caf\xE9.png"));
        fs::rename(fixture.image("a.png", 1), &path).unwrap();
        assert_eq!(fixture.run().1, [indexed(&path)]);
        assert_eq!(fixture.run().1, [unchanged(&path)]);
    }
}
