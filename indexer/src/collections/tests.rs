use std::fs;

use glimpse_nonempty::{each, if_any};
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use super::*;

fn content(n: u8) -> ContentHash {
    ContentHash([n; 16])
}

fn contents(numbers: &[u8]) -> Vec<ContentHash> {
    numbers.iter().copied().map(content).collect()
}

fn album(name: &str, images: &[u8]) -> NewAlbum {
    NewAlbum { name: name.into(), images: contents(images), search: None }
}

fn search() -> SavedSearch {
    let query = r#"{"terms":[]}"#.into();
    SavedSearch { query, regions: false, address: Some("?q=stop".into()), images: None, seen: None }
}

/// Favourites 1 and 3, 7 hidden, 2 with a tag, 2 and 3 no stop signs, an album of 2, 4 and 1, and a
/// saved search.
fn kept() -> (TempDir, Collections, String) {
    let dir = tempdir().unwrap();
    let kept = Collections::open(dir.path());
    assert_eq!(kept.set_favourites(&contents(&[1, 2, 3, 3]), &[]).unwrap(), 3);
    assert_eq!(kept.set_favourites(&[], &contents(&[2, 9])).unwrap(), 2);
    assert_eq!(kept.set_hidden(&contents(&[7, 8]), &[]).unwrap(), 2);
    assert_eq!(kept.set_hidden(&contents(&[7]), &contents(&[8, 9])).unwrap(), 1);
    let images = [(content(2), vec![]), (content(4), vec!["Beach".to_owned()])];
    assert_eq!(kept.set_tags(&images, &["beach".into()], &[]).unwrap(), [(content(2), vec![])]);
    let said = FeedbackChange { right: contents(&[1, 2]), wrong: contents(&[2, 3]), unsaid: contents(&[1]) };
    kept.give_feedback(" Stop  SIGN ", &said).unwrap();
    let spain = kept.create(album(" Spain ", &[1, 2, 1])).unwrap();
    assert_eq!((spain.name.as_str(), spain.images.len()), ("Spain", 2));
    let change =
        AlbumImages { add: contents(&[4, 2, 5]), remove: contents(&[5]), order: contents(&[2, 4]), after: None };
    assert_eq!(kept.change_images(&spain.id, &change).unwrap().images, contents(&[2, 4, 1]));
    kept.create(NewAlbum { name: "stop signs".into(), search: Some(search()), ..NewAlbum::default() }).unwrap();
    let change = AlbumChange { name: Some("España".into()), cover: Some(content(4)), seen: None };
    let id = kept.change(&spain.id, &change).unwrap().id.clone();
    (dir, kept, id)
}

fn same(a: &Collections, b: &Collections) -> bool {
    *a.data.read() == *b.data.read()
}

#[test]
fn what_was_acknowledged_is_there_after_a_restart() {
    let (dir, kept, id) = kept();
    let again = Collections::open(dir.path());
    assert!(same(&kept, &again) && again.problem().is_none());
    assert!(again.is_favourite(&content(3)) && !again.is_favourite(&content(2)));
    assert!(again.is_hidden(&content(7)) && !again.is_hidden(&content(8)));
    assert_eq!(again.tags_of(&content(2)), ["beach"]);
    let said = again.feedback("stop sign");
    assert_eq!((said.right, said.wrong), (vec![], contents(&[2, 3])));
    let names: Vec<String> = again.albums().iter().map(|album| album.name.clone()).collect();
    assert_eq!(names, ["España", "stop signs"]);
    again.remove(&id).unwrap();
    assert!(matches!(Collections::open(dir.path()).album(&id), Err(CollectionsError::NoSuchAlbum(_))));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(dir.path().join(journal::NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn searches_of_older_programs_are_read_and_older_ones_read_ours() {
    let (dir, kept, _) = kept();
    let path = dir.path().join(journal::NAME);
    assert!(!fs::read_to_string(&path).unwrap().contains("regions"), "a search for images is written as ever");
    let asked = SavedSearch { regions: true, ..search() };
    kept.create(NewAlbum { name: "two dogs".into(), search: Some(asked.clone()), ..NewAlbum::default() }).unwrap();
    let again = Collections::open(dir.path());
    let found = |name: &str| again.albums().iter().find(|album| album.name == name).unwrap().search.clone();
    assert_eq!((found("two dogs"), found("stop signs")), (Some(asked), Some(search())));
}

#[test]
fn what_is_said_last_of_an_answer_counts_and_nothing_is_left_of_what_is_unsaid() {
    let (dir, kept, _) = kept();
    let right = FeedbackChange { right: contents(&[3]), ..FeedbackChange::default() };
    let said = kept.give_feedback("stop sign", &right).unwrap();
    assert_eq!((said.right, said.wrong), (contents(&[3]), contents(&[2])));
    assert!(kept.feedback("Stop\tSign") == kept.feedback("stop sign") && kept.feedback("stop").is_empty());

    let unsaid = FeedbackChange { unsaid: contents(&[2, 3, 9]), ..FeedbackChange::default() };
    assert!(kept.give_feedback("stop sign", &unsaid).unwrap().is_empty());
    assert!(!kept.has_feedback() && !Collections::open(dir.path()).has_feedback());
    let length = fs::metadata(dir.path().join(journal::NAME)).unwrap().len();
    kept.give_feedback("stop sign", &unsaid).unwrap();
    assert_eq!(fs::metadata(dir.path().join(journal::NAME)).unwrap().len(), length, "nothing changed");

    for text in each(["", " \n ", &"x".repeat(1_001)]) {
        assert!(matches!(kept.give_feedback(text, &right), Err(CollectionsError::Refused(_))), "{text}");
    }
}

#[test]
fn images_of_an_album_are_moved_behind_others() {
    let dir = tempdir().unwrap();
    let kept = Collections::open(dir.path());
    let id = kept.create(album("five", &[1, 2, 3, 4, 5])).unwrap().id.clone();
    let moves = [
        (&[4u8][..], Some(1u8), [1, 4, 2, 3, 5]),
        (&[1, 4], Some(5), [2, 3, 5, 1, 4]),
        (&[4, 5], None, [4, 5, 2, 3, 1]),
        (&[2], Some(2), [2, 4, 5, 3, 1]),
        (&[9, 1], Some(9), [1, 2, 4, 5, 3]),
        (&[], Some(3), [1, 2, 4, 5, 3]),
    ];
    for (order, after, expected) in each(moves) {
        let change = AlbumImages { order: contents(order), after: after.map(content), ..AlbumImages::default() };
        assert_eq!(kept.change_images(&id, &change).unwrap().images, contents(&expected), "{order:?} {after:?}");
        assert!(same(&kept, &Collections::open(dir.path())));
    }
}

#[test]
fn nothing_is_written_before_the_first_change() {
    let dir = tempdir().unwrap();
    let kept = Collections::open(dir.path());
    assert_eq!(kept.set_favourites(&[], &contents(&[1])).unwrap(), 0);
    assert!(kept.create(album(" ", &[])).is_err());
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none());
}

#[test]
fn a_cut_at_any_byte_keeps_every_line_before_it() {
    let (dir, _, _) = kept();
    let path = dir.path().join(journal::NAME);
    let whole = fs::read(&path).unwrap();
    for cut in each(0..whole.len()) {
        fs::write(&path, &whole[..cut]).unwrap();
        let lines = whole[..cut].iter().filter(|&&byte| byte == b'\n').count().saturating_sub(1);
        let mut expected = change::Data::default();
        let (_, all) = journal::Journal::open(&path);
        for line in std::str::from_utf8(&whole).unwrap().lines().skip(1).take(lines) {
            expected.apply(serde_json::from_str(&line[9..]).unwrap());
        }
        // A line without its end may be whole all the same.
        let complete = whole[cut] == b'\n' && cut > 0;
        assert!(all == expected || complete, "cut at {cut}");
        let reopened = Collections::open(dir.path());
        reopened.set_favourites(&contents(&[77]), &[]).unwrap();
        assert!(Collections::open(dir.path()).is_favourite(&content(77)), "cut at {cut}");
        assert!(same(&reopened, &Collections::open(dir.path())), "cut at {cut}");
    }
}

#[test]
fn damage_costs_the_line_that_it_hit_and_is_said() {
    let (dir, kept, id) = kept();
    let path = dir.path().join(journal::NAME);
    let whole = fs::read(&path).unwrap();
    let lines: Vec<&[u8]> = whole.split_inclusive(|&byte| byte == b'\n').collect();
    for hit in each(0..lines.len()) {
        let mut lines: Vec<Vec<u8>> = lines.iter().map(|line| line.to_vec()).collect();
        let middle = lines[hit].len() / 2;
        lines[hit][middle] ^= 1;
        fs::write(&path, lines.concat()).unwrap();
        let damaged = Collections::open(dir.path());
        assert!(damaged.problem().unwrap().contains("1 change"), "line {hit}");
        match hit {
            0 => assert!(same(&damaged, &kept)),
            1 => assert_eq!(damaged.favourites().len(), 0, "they were added there"),
            2 => assert_eq!(damaged.favourites().len(), 3),
            3 => assert!(damaged.hidden().is_empty(), "they were hidden there"),
            4 => assert!(damaged.is_hidden(&content(8))),
            5 => assert!(damaged.tags_of(&content(2)).is_empty()),
            6 => assert!(!damaged.has_feedback()),
            7 => assert_eq!(damaged.album(&id).unwrap().images, contents(&[2, 4]), "what came later is kept"),
            _ => assert_eq!(damaged.favourites().len(), 2),
        }
        damaged.mend().unwrap();
        assert!(damaged.problem().is_none());
        let mended = Collections::open(dir.path());
        assert!(same(&mended, &damaged) && mended.problem().is_none(), "line {hit}");
        assert_eq!(fs::read(dir.path().join("collections.damaged")).unwrap(), lines.concat());
    }
}

#[test]
fn a_newer_file_is_left_alone() {
    let dir = tempdir().unwrap();
    let path = dir.path().join(journal::NAME);
    fs::write(&path, "glimpse collections 2\nsomething new\n").unwrap();
    let kept = Collections::open(dir.path());
    assert!(kept.problem().unwrap().contains("update glimpse"));
    let refused = kept.set_favourites(&contents(&[1]), &[]).unwrap_err();
    assert!(matches!(refused, CollectionsError::Unwritable { .. }) && !kept.is_favourite(&content(1)));
    assert_eq!(fs::read_to_string(&path).unwrap(), "glimpse collections 2\nsomething new\n");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (_dir, kept, id) = kept();
    let refused = |new: NewAlbum| matches!(kept.create(new), Err(CollectionsError::Refused(_)));
    assert!(refused(album(" ", &[])) && refused(album("a\nb", &[])) && refused(album(&"a".repeat(401), &[])));
    assert!(refused(NewAlbum { search: Some(search()), ..album("both", &[1]) }));
    let long = SavedSearch { query: " ".repeat(MAX_SEARCH + 1), ..search() };
    assert!(refused(NewAlbum { search: Some(long), ..album("long", &[]) }));
    let saved = kept.albums().iter().find(|album| album.search.is_some()).unwrap().id.clone();
    let add = AlbumImages { add: contents(&[1]), ..AlbumImages::default() };
    assert!(matches!(kept.change_images(&saved, &add), Err(CollectionsError::Refused(_))));
    assert!(matches!(kept.change_images("none", &add), Err(CollectionsError::NoSuchAlbum(_))));
    let empty = AlbumChange { name: Some(String::new()), ..AlbumChange::default() };
    assert!(kept.change(&id, &empty).is_err());
    assert_eq!(kept.album(&id).unwrap().name, "España");
}

#[test]
fn a_long_journal_is_written_anew() {
    let dir = tempdir().unwrap();
    let kept = Collections::open(dir.path());
    let many: Vec<_> = (0..5_000u32).map(|n| ContentHash::of(&n.to_le_bytes())).collect();
    for _ in 0..8 {
        kept.set_favourites(&many, &[]).unwrap();
        kept.set_favourites(&[], &many[1..]).unwrap();
    }
    let bytes = fs::metadata(dir.path().join(journal::NAME)).unwrap().len();
    assert!(bytes < 1_500_000, "{bytes}");
    assert!(same(&kept, &Collections::open(dir.path())));
    assert_eq!(kept.favourites().len(), 1);
}

proptest! {
    #[test]
    fn any_changes_are_read_as_they_were_made(
        steps in proptest::collection::vec((0u8..4, proptest::collection::vec(0u8..8, 0..6)), 0..20)
    ) {
        let dir = tempdir().unwrap();
        let kept = Collections::open(dir.path());
        for (kind, numbers) in if_any(steps) {
            let (images, albums) = (contents(&numbers), kept.albums());
            match (kind, albums.first()) {
                (0, _) => drop(kept.set_favourites(&images, &contents(&[3]))),
                (1, Some(album)) => drop(kept.change_images(&album.id, &AlbumImages {
                    add: images.clone(), remove: contents(&[2]), after: images.first().copied(), order: images[images.len().min(1)..].to_vec(),
                })),
                (2, Some(album)) => drop(kept.remove(&album.id)),
                _ => drop(kept.create(NewAlbum { name: format!("{numbers:?}"), images, search: None })),
            }
            prop_assert!(same(&kept, &Collections::open(dir.path())));
        }
    }
}

#[test]
fn tags_are_given_once_and_only_those_can_be_taken() {
    let dir = tempdir().unwrap();
    let kept = Collections::open(dir.path());
    let tags = |tags: &[&str]| tags.iter().map(ToString::to_string).collect::<Vec<_>>();
    let set = |keywords: &[&str], add: &[&str], remove: &[&str]| {
        kept.set_tags(&[(content(1), tags(keywords))], &tags(add), &tags(remove)).unwrap()
    };
    assert_eq!(set(&["Strand"], &[" sea ", "SEA", "strand", "Über"], &[]), [(content(1), vec![])]);
    assert_eq!(kept.tags_of(&content(1)), ["sea", "Über"]);
    let revision = kept.revision();
    assert_eq!(set(&[], &["über"], &["strand"]), [], "there is nothing to change");
    assert_eq!(kept.revision(), revision);
    assert_eq!(set(&[], &["lake"], &["ÜBER"]), [(content(1), tags(&["Über"]))]);
    assert_eq!(kept.tags_of(&content(1)), ["sea", "lake"]);
    set(&[], &[], &["sea", "lake"]);
    assert!(kept.tags_of(&content(1)).is_empty() && kept.data.read().tags.is_empty());
    let long = "x".repeat(201);
    let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    for wrong in each([tags(&[" "]), tags(&["two\nlines"]), tags(&[&long]), many]) {
        let refused = kept.set_tags(&[(content(1), vec![])], &wrong, &[]);
        assert!(matches!(refused, Err(CollectionsError::Refused(_))), "{wrong:?}");
    }
    for part in 0..2 {
        let some: Vec<String> = (0..50).map(|n| format!("{part}-{n}")).collect();
        kept.set_tags(&[(content(1), vec![])], &some, &[]).unwrap();
    }
    let refused = kept.set_tags(&[(content(1), vec![])], &tags(&["one more"]), &[]);
    assert!(matches!(refused, Err(CollectionsError::Refused(_))));
}
