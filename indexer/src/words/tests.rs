#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Seek, SeekFrom, Write};

use glimpse_nonempty::each;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn captioned(id: u64, caption: &str) -> WordDocument {
    WordDocument {
        id: ImageId(id),
        file_names: Vec::new(),
        folders: Vec::new(),
        camera: None,
        taken: None,
        place: None,
        caption: Some(caption.to_owned()),
        keywords: Vec::new(),
    }
}

fn count(index: &WordIndex) -> usize {
    index.ids().unwrap().len()
}

fn filled(documents: &[WordDocument]) -> (TempDir, WordIndex) {
    let dir = tempfile::tempdir().unwrap();
    let index = WordIndex::open_or_create(&dir.path().join("words")).unwrap();
    documents.iter().for_each(|document| index.put(document).unwrap());
    index.commit(1).unwrap();
    (dir, index)
}

fn found(index: &WordIndex, text: &str) -> Vec<u64> {
    index.search(text, 10, None).unwrap().iter().map(|hit| hit.id.0).collect()
}

#[test]
fn finds_any_part_of_a_run_without_spaces() {
    let (_dir, index) = filled(&[
        captioned(1, "夕暮れの東京タワーと桜"),
        captioned(2, "京都の寺"),
        captioned(3, "서울의 밤하늘"),
        captioned(4, "上海的夜景很美"),
    ]);
    for (text, expected) in [
        ("東京", &[1][..]),
        ("京タ", &[1]),
        ("タワー", &[1]),
        ("桜", &[1]),
        ("京", &[2, 1]),
        ("京都", &[2]),
        ("夜景", &[4]),
        ("海的夜景很", &[4]),
        ("밤하늘", &[3]),
        ("하늘", &[3]),
        ("景夜", &[]),
        ("東京都", &[]),
    ] {
        let mut expected = expected.to_vec();
        let mut found = found(&index, text);
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn finds_words_of_many_scripts_however_they_are_spelt() {
    let (_dir, index) = filled(&[
        captioned(1, "Un café à Genève"),
        captioned(2, "شاطِئُ البَحر عند الغروب"),
        captioned(3, "समुद्र तट पर सूर्यास्त"),
        captioned(4, "แมวดำนอนบนโซฟา"),
        captioned(5, "Große Straße im Schnee"),
        captioned(6, "Пляж вечером"),
        captioned(7, "חוף הים"),
    ]);
    for (texts, id) in [
        (&["cafe", "café", "CAFÉ", "cafe\u{301}", "geneve"][..], 1),
        (&["البحر", "شاطئ", "الغروب"], 2),
        (&["समुद्र", "सूर्यास्त"], 3),
        (&["แมว", "โซฟา", "แมวดำ"], 4),
        (&["strasse", "grosse", "SCHNEE"], 5),
        (&["пляж", "ВЕЧЕРОМ"], 6),
        (&["הים"], 7),
    ] {
        each(texts).for_each(|text| assert_eq!(found(&index, text), [id], "{text}"));
    }
}

#[test]
fn finds_files_folders_cameras_dates_and_places() {
    let document = WordDocument {
        id: ImageId(9),
        file_names: vec!["IMG_2041.JPG".to_owned(), "SunsetBeach07.jpeg".to_owned()],
        folders: vec!["Holidays 2023".to_owned(), "Île de Ré".to_owned()],
        camera: Some("FUJIFILM X-T30 II".to_owned()),
        taken: Some(1_689_292_800), // 2023-07-14
        place: Some(crate::Place { latitude: 46.2044, longitude: -1.3661 }),
        caption: None,
        keywords: vec!["sea side".to_owned()],
    };
    let (_dir, index) = filled(&[document, captioned(1, "nothing of the kind")]);
    for text in [
        "img_2041",
        "IMG_2041.JPG",
        "img2041",
        "2041",
        "img",
        "sunset",
        "SunsetBeach",
        "beach 07",
        "holidays",
        "ile",
        "ré",
        "fujifilm",
        "x-t30",
        "XT30",
        "2023",
        "july 2023",
        "14 July 2023",
        "july 14",
        "2023-07",
        "2023-07-14",
        "juillet",
        "июля",
        "friday",
        "2023年7月",
        "7월",
        "46.20",
        "-1.37",
        "\"sea side\"",
    ] {
        // `XT30` has no such parts anywhere, but its number has.
        assert_eq!(found(&index, text), [9], "{text}");
    }
    for text in ["2024", "august", "\"side sea\"", "2023-08-14 \"2023-08\""] {
        assert_eq!(found(&index, text), [0u64; 0], "{text}");
    }
}

#[test]
fn all_words_before_some_words_and_quotes_bind() {
    let (_dir, index) = filled(&[
        captioned(1, "red car"),
        captioned(2, "red house by the sea, red roof, red door"),
        captioned(3, "a car, and much further on something red"),
        captioned(4, "the car"),
        captioned(5, "the car of the car dealer"),
    ]);
    let all = found(&index, "red car");
    assert_eq!(all.len(), 5);
    assert_eq!(all[0], 1);
    assert_eq!(all[1], 3);
    assert_eq!(found(&index, "\"red car\""), [1]);
    assert_eq!(found(&index, "“red car”"), [1]);
    assert_eq!(found(&index, "\"red car"), all, "a quote without a partner is no quote");
    assert_eq!(found(&index, "zebra red"), found(&index, "red"));
}

#[test]
fn replaces_removes_and_filters() {
    let (_dir, index) = filled(&[captioned(1, "cat"), captioned(2, "cat cat"), captioned(3, "cat dog")]);
    index.put(&captioned(1, "dog")).unwrap();
    index.remove(ImageId(2)).unwrap();
    index.remove(ImageId(77)).unwrap();
    assert_eq!(count(&index), 3, "not before the commit");
    index.commit(2).unwrap();
    assert_eq!(found(&index, "cat"), [3]);
    assert_eq!(found(&index, "dog"), [1, 3]);
    assert_eq!(index.ids().unwrap(), [ImageId(1), ImageId(3)].into_iter().collect());
    let allowed: IdSet = [ImageId(3)].into_iter().collect();
    assert_eq!(index.search("dog", 10, Some(&allowed)).unwrap()[0].id, ImageId(3));
    assert_eq!(index.search("dog", 1, None).unwrap().len(), 1);
    assert_eq!(index.search("dog", 0, None).unwrap(), []);
    index.check().unwrap();
}

#[test]
fn equal_scores_come_in_order_of_id() {
    let documents: Vec<_> = [8, 3, 5, 1].iter().map(|&id| captioned(id, "same words")).collect();
    assert_eq!(found(&filled(&documents).1, "same"), [1, 3, 5, 8]);
}

#[test]
fn what_was_not_committed_is_gone_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let index = WordIndex::open_or_create(dir.path()).unwrap();
    assert_eq!(index.committed_revision(), 0);
    index.put(&captioned(1, "kept")).unwrap();
    index.commit(41).unwrap();
    index.put(&captioned(2, "lost")).unwrap();
    index.remove(ImageId(1)).unwrap();
    drop(index);
    let index = WordIndex::open_or_create(dir.path()).unwrap();
    assert_eq!((index.committed_revision(), count(&index)), (41, 1));
    assert_eq!(found(&index, "kept"), [1]);
    // Goes on where it was.
    index.put(&captioned(2, "again")).unwrap();
    index.commit(42).unwrap();
    index.close_writer().unwrap();
    index.put(&captioned(3, "a new writer")).unwrap();
    index.commit(43).unwrap();
    assert_eq!((index.committed_revision(), count(&index)), (43, 3));
}

#[test]
fn reading_needs_no_writer() {
    let (dir, index) = filled(&[captioned(1, "word")]);
    // This one holds the writer's lock; another opens and reads all the same.
    let reader = WordIndex::open_or_create(&dir.path().join("words")).unwrap();
    assert_eq!(found(&reader, "word"), found(&index, "word"));
    assert!(matches!(reader.put(&captioned(2, "two writers")), Err(IndexError::Store { .. })));
}

#[test]
fn what_cannot_be_read_is_made_anew() {
    let damages: [fn(&Path); 4] = [
        |dir| std::fs::write(dir.join("meta.json"), "{").unwrap(),
        |dir| std::fs::write(dir.join(FORMAT_FILE), "glimpse words 0, tantivy 0.1").unwrap(),
        |dir| std::fs::remove_file(dir.join(FORMAT_FILE)).unwrap(),
        |dir| {
            for entry in std::fs::read_dir(dir).unwrap().flatten() {
                if entry.path().extension().is_some_and(|extension| extension != "json" && extension != "lock") {
                    std::fs::write(entry.path(), "cut").unwrap();
                }
            }
        },
    ];
    for damage in each(damages) {
        let (dir, index) = filled(&[captioned(1, "word")]);
        drop(index);
        damage(&dir.path().join("words"));
        let index = WordIndex::open_or_create(&dir.path().join("words")).unwrap();
        assert_eq!((index.committed_revision(), count(&index)), (0, 0));
        index.put(&captioned(1, "word")).unwrap();
        index.commit(7).unwrap();
        assert_eq!(found(&index, "word"), [1]);
    }
}

#[test]
fn a_flipped_bit_is_noticed() {
    let (dir, index) = filled(&[captioned(1, "many words to have something to damage")]);
    index.close_writer().unwrap();
    let postings = std::fs::read_dir(dir.path().join("words")).unwrap().flatten().map(|entry| entry.path());
    let postings = postings.into_iter().find(|path| path.extension().is_some_and(|e| e == "idx")).unwrap();
    let mut bytes = std::fs::read(&postings).unwrap();
    bytes[3] ^= 1;
    std::fs::write(&postings, bytes).unwrap();
    let error = index.check().unwrap_err().to_string();
    assert!(error.contains("checksum") && error.contains("verify --repair"), "{error}");
    drop(index);
    let index = WordIndex::open_or_create(&dir.path().join("words")).unwrap();
    assert_eq!((index.committed_revision(), count(&index)), (0, 0), "made anew");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Every image is found by every substring of its run of characters.
    #[test]
    fn every_substring_of_a_run_is_found(run in "[一-鿋ぁ-んァ-ヶ가-힣]{1,12}", from in 0usize..12, to in 1usize..13) {
        let (_dir, index) = filled(&[captioned(1, &run)]);
        let chars: Vec<char> = run.chars().collect();
        let from = from.min(chars.len() - 1);
        let part: String = chars[from..to.clamp(from + 1, chars.len())].iter().collect();
        prop_assert_eq!(found(&index, &part), [1], "{} in {}", part, run);
    }
}

#[test]
fn no_question_fails() {
    let (_dir, index) = filled(&[captioned(1, "ordinary words")]);
    let long = "word ".repeat(100_000);
    let deep = "(".repeat(10_000);
    for text in [
        "",
        " ",
        "\"",
        "\"\"",
        "a:b",
        "caption:words AND (",
        "*",
        "?",
        "~",
        "^",
        "\\",
        "+-!",
        "[a TO b]",
        "NOT",
        "\u{0}",
        "\u{202e}txet",
        &long,
        &deep,
        "\u{d7fb}",
        "🎉",
    ] {
        let _ = found(&index, text);
    }
    proptest!(|(text in ".{0,60}")| { let _ = found(&index, &text); });
}

/// A word index of several segments with deletes, closed.
fn of_several_segments() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let index = WordIndex::open_or_create(&dir.path().join("words")).unwrap();
    for commit in 0..5 {
        (0..40).for_each(|id| index.put(&captioned(commit * 30 + id, &format!("red boat {id} of {commit}"))).unwrap());
        index.commit(commit + 1).unwrap();
    }
    index.close_writer().unwrap();
    dir
}

/// Ways in which a file goes bad.
const DAMAGES: [fn(&mut Vec<u8>, usize); 4] = [
    |bytes, at| bytes[at] ^= 4,
    |bytes, at| bytes.iter_mut().skip(at).take(64).for_each(|byte| *byte ^= 0xa5),
    |bytes, at| drop(bytes.splice(at..at, vec![0x5a; 512])),
    |bytes, at| bytes.truncate(at),
];

/// Damages each file of a closed index in several ways, each in another place, and opens it.
fn for_each_damage(check: impl Fn(&WordIndex, &str)) {
    let sound = of_several_segments();
    for entry in std::fs::read_dir(sound.path().join("words")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        for (way, damage) in DAMAGES.iter().enumerate() {
            let copy = tempfile::tempdir().unwrap();
            let dir = copy.path().join("words");
            std::fs::create_dir(&dir).unwrap();
            for file in std::fs::read_dir(sound.path().join("words")).unwrap() {
                let file = file.unwrap();
                std::fs::copy(file.path(), dir.join(file.file_name())).unwrap();
            }
            let mut bytes = std::fs::read(dir.join(&name)).unwrap();
            if bytes.is_empty() {
                continue;
            }
            let at = bytes.len() * (2 * way + 1) / 8;
            damage(&mut bytes, at);
            std::fs::write(dir.join(&name), bytes).unwrap();
            check(&WordIndex::open_or_create(&dir).unwrap(), &format!("{name} at {at} in way {way}"));
        }
    }
}

#[test]
fn a_damaged_index_is_begun_anew_or_whole() {
    for_each_damage(|index, what| {
        let anew = index.committed_revision() == 0;
        assert_eq!(count(index), if anew { 0 } else { 160 }, "{what}");
        assert_eq!(index.search("boat", 500, None).unwrap().len(), count(index), "{what}");
        // It is written to and merged as ever.
        (0..40).for_each(|id| index.put(&captioned(id, "green boat")).unwrap());
        index.commit(9).unwrap();
        index.close_writer().unwrap();
        index.check().unwrap();
        assert_eq!(index.search("green", 500, None).unwrap().len(), 40, "{what}");
    });
}

/// What goes bad while the index is open is noticed before segments are merged, and the index can
/// be begun anew.
#[test]
fn damage_under_an_open_index_is_an_error_and_no_panic() {
    let dir = of_several_segments();
    let index = WordIndex::open_or_create(&dir.path().join("words")).unwrap();
    for entry in std::fs::read_dir(dir.path().join("words")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "term" || kind == "store") {
            let middle = std::fs::metadata(&path).unwrap().len() / 2;
            let mut file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
            let mut byte = [0];
            file.seek(SeekFrom::Start(middle)).unwrap();
            file.read_exact(&mut byte).unwrap();
            file.seek(SeekFrom::Start(middle)).unwrap();
            file.write_all(&[byte[0] ^ 1]).unwrap();
        }
    }
    assert!(!index.is_doubtful());
    let failed = (0..20).find_map(|revision| {
        index.put(&captioned(500 + revision, "blue boat")).unwrap();
        index.commit(10 + revision).err()
    });
    assert!(matches!(failed, Some(IndexError::Corrupt { .. })), "{failed:?}");
    assert!(index.is_doubtful());
    index.renew().unwrap();
    assert_eq!((index.committed_revision(), count(&index), index.is_doubtful()), (0, 0, false));
    index.put(&captioned(1, "red boat")).unwrap();
    index.commit(40).unwrap();
    assert_eq!(found(&index, "boat"), [1]);
}
