//! Every format that was ever released still opens: `formats/vN/` holds a small library as it was
//! written then.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use glimpse_encoder::dense::{RegionMap, Regions};
use glimpse_encoder::image_file::Format;
use glimpse_encoder::{Embedding, ModelInfo, Scoring, dot};
use glimpse_indexer::regions::{RegionId, RegionShape};
use glimpse_indexer::{
    ContentHash, FileRecord, FileRole, GeoBox, ImageId, ImageRecord, Index, IndexOptions, Library, Moment, Place,
};
use glimpse_nonempty::each;

const DIM: usize = 16;

fn model() -> ModelInfo {
    ModelInfo {
        name: "example".to_owned(),
        fingerprint: "0123456789abcdef".to_owned(),
        image_fingerprint: None,
        adapter: None,
        model_type: "siglip".to_owned(),
        dim: DIM,
        image_size: Some(64),
        max_patches: None,
        patch_size: 16,
        text_length: 64,
        vocab_size: 100,
        scoring: Scoring { scale: 10.0, bias: -10.0 },
        backend: "none".to_owned(),
    }
}

/// What a library of an index format holds: image formats that it was the first to know.
fn images(format: u32) -> [ImageRecord; 3] {
    let plain = |n: u8, format| ImageRecord {
        id: ImageId(n.into()),
        ..ImageRecord::bare(ContentHash::of(&[n]), (640 + u32::from(n), 480), format, 1000)
    };
    let full = ImageRecord {
        taken: Some(1_689_335_000),
        camera: Some("Fujifilm X100V".to_owned()),
        place: Some(Place { latitude: 46.558_6, longitude: 7.835_6 }),
        caption: Some("Ein Tal im Nebel".to_owned()),
        keywords: vec!["谷".to_owned(), "Lauterbrunnen".to_owned()],
        ..plain(1, Format::WebP)
    };
    match format {
        1 => [plain(0, Format::Jpeg), full, plain(2, Format::Png)],
        2 => [plain(0, Format::Raw), full, plain(2, Format::Jxl)],
        _ => {
            let moment = Moment { video: None, start: 0, end: 4_000_000, duration: 9_000_000, complete: false };
            let video = ImageRecord { moment: Some(moment), ..plain(0, Format::Mp4) };
            [video, full, plain(2, Format::Mkv)]
        }
    }
}

/// The files that hold the images.
fn files() -> [FileRecord; 4] {
    let file = |image: u64, path: &str| FileRecord {
        path: PathBuf::from(path),
        image: ImageId(image),
        role: FileRole::Primary,
        bytes: 1000,
        modified: 1_700_000_000_123_456_789,
        changed: 0,
        sidecar_modified: 0,
        missing: false,
    };
    let missing = FileRecord { missing: true, ..file(2, "/photos/old/gone.png") };
    let tagged = FileRecord { sidecar_modified: 1_700_000_001, ..file(1, "/photos/schöne Täler/霧.webp") };
    [file(0, "/photos/a.jpg"), tagged, missing, file(0, "/photos/copy of a.jpg")]
}

/// Files that belong to an image of format 2.
fn companions() -> [FileRecord; 2] {
    let companion = |path: &str, role| FileRecord { path: path.into(), role, changed: 7, ..files()[0].clone() };
    [companion("/photos/a.dng", FileRole::Raw), companion("/photos/a.mov", FileRole::Motion)]
}

fn vector(n: u64) -> Vec<f32> {
    let values: Vec<f32> = (0..DIM).map(|i| ((n * 31 + i as u64 * 7) % 17) as f32 - 8.0).collect();
    let length = dot(&values, &values).sqrt();
    values.iter().map(|v| v / length).collect()
}

/// Two leaves side by side, and both.
fn regions(n: u64) -> Regions {
    let map = RegionMap::new(2, 4, [0, 0, 1, 1].repeat(2), vec![1, 2, 3]).unwrap();
    Regions { map, vectors: (0..3).map(|region| Embedding::new(vector(20 + 3 * n + region)).unwrap()).collect() }
}

fn check_regions(index: &Index) {
    let found = index.regions().unwrap();
    assert_eq!((found.len(), found.images()), (6, 2));
    for (n, region) in each((0..2).flat_map(|n| (0..3).map(move |region| (n, region)))) {
        let id = RegionId { image: ImageId(n), region };
        assert_eq!(found.nearest(&vector(20 + 3 * n + u64::from(region)), 1, None).unwrap()[0].id, id);
        let map = &regions(n).map;
        assert_eq!(index.region_map(ImageId(n)).unwrap().as_ref(), Some(map));
        assert_eq!(found.shapes(ImageId(n)).unwrap()[usize::from(region)], RegionShape::of(map, region.into()));
    }
}

fn write(home: &Path) {
    let options = IndexOptions { regions_from: 1, ..IndexOptions::default() };
    let index = Library::with_options(home, options).open_for(&model(), false).unwrap();
    index.add_root("/photos".into()).unwrap();
    for file in files() {
        let (n, record) = (file.image.0, images(Index::FORMAT)[file.image.0 as usize].clone());
        match n {
            2 => index.add(record, &vector(n), file).unwrap(),
            _ => index.add_with_regions(record, &vector(n), &regions(n), file).unwrap(),
        };
    }
    companions().into_iter().for_each(|file| index.put_file(file).unwrap());
    // An image that was there once: its number stays used.
    let past = ImageRecord { content: ContentHash::of(b"past"), ..images(Index::FORMAT)[0].clone() };
    index.add(past, &vector(9), FileRecord { path: "/photos/past.jpg".into(), ..files()[0].clone() }).unwrap();
    index.remove_file(Path::new("/photos/past.jpg")).unwrap();
    index.finish().unwrap();
    drop(index);
    // Derived from the store, and not part of its format.
    std::fs::remove_dir_all(home.join("gen-0001/words")).unwrap();
    std::fs::remove_file(home.join("lock")).unwrap();
}

fn check(index: &Arc<Index>, format: u32) {
    assert_eq!(index.manifest().format, format);
    assert_eq!(index.manifest().model, model());
    assert_eq!(index.manifest().roots, [Path::new("/photos")]);
    for record in each(images(format)) {
        assert_eq!(index.image(record.id).unwrap().as_ref(), Some(&record));
        assert_eq!(index.by_content(&record.content).unwrap(), Some(record.id));
        let cosine = dot(&index.vector(record.id).unwrap(), &vector(record.id.0));
        assert!(cosine > 0.9999, "{cosine}");
    }
    for file in each(files()) {
        assert_eq!(index.file(&file.path).unwrap().as_ref(), Some(&file));
    }
    let copies: Vec<_> = index.files_of(ImageId(0)).unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(copies, [Path::new("/photos/a.jpg"), Path::new("/photos/copy of a.jpg")]);
    let belonging = if format == 1 { Vec::new() } else { companions().to_vec() };
    assert_eq!(index.companions_of(ImageId(0)).unwrap(), belonging);
    assert_eq!(index.len(), 2, "one image is missing");
    let alps = GeoBox { south: 45.0, west: 6.0, north: 48.0, east: 10.0 };
    let there = index.select(&glimpse_indexer::Filter { place: Some(alps), ..Default::default() });
    assert_eq!(there.iter().collect::<Vec<_>>(), [ImageId(1)]);
    let by_words = index.words("谷 lauterbrunnen", 5, None).unwrap();
    assert_eq!(by_words.iter().map(|hit| hit.id).collect::<Vec<_>>(), [ImageId(1)]);
    assert_eq!(index.nearest(&vector(1), 1, None).unwrap()[0].id, ImageId(1));
    if format >= 4 {
        check_regions(index);
    }
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn formats() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats")
}

#[test]
fn format_1_opens_and_can_be_written() {
    let home = tempfile::tempdir().unwrap();
    copy(&formats().join("v1"), home.path());
    let library = Library::at(home.path());
    let index = library.open().unwrap();
    check(&index, 1);
    let record = ImageRecord { content: ContentHash::of(b"new"), ..images(1)[0].clone() };
    let id =
        index.add(record, &vector(5), FileRecord { path: "/photos/new.jpg".into(), ..files()[0].clone() }).unwrap();
    assert_eq!(id, ImageId(4), "behind the number of the image that was removed");
    assert_eq!(index.manifest().format, 1, "older programs read it still");
    let record = ImageRecord { content: ContentHash::of(b"raw"), format: Format::Raw, ..images(1)[0].clone() };
    index.add(record.clone(), &vector(6), FileRecord { path: "/photos/new.dng".into(), ..files()[0].clone() }).unwrap();
    assert_eq!(index.manifest().format, 2, "older programs do not know this image's format");
    let id = index.by_content(&record.content).unwrap().unwrap();
    assert_eq!(index.image(id).unwrap().unwrap().format, Format::Raw);
    let record = ImageRecord { content: ContentHash::of(b"video"), format: Format::Mp4, ..images(1)[0].clone() };
    index.add(record, &vector(7), FileRecord { path: "/photos/new.mp4".into(), ..files()[0].clone() }).unwrap();
    assert_eq!(index.manifest().format, 3, "nor that of a video");
    index.finish().unwrap();
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_companion_makes_a_library_one_of_format_2() {
    let home = tempfile::tempdir().unwrap();
    copy(&formats().join("v1"), home.path());
    let index = Library::at(home.path()).open().unwrap();
    assert_eq!(index.manifest().format, 1);
    index.put_file(companions()[0].clone()).unwrap();
    assert_eq!(index.manifest().format, 2, "older programs do not know this record of a file");
    assert_eq!(index.companions_of(ImageId(0)).unwrap(), companions()[..1]);
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn format_2_opens_and_can_be_written() {
    let home = tempfile::tempdir().unwrap();
    copy(&formats().join("v2"), home.path());
    let index = Library::at(home.path()).open().unwrap();
    check(&index, 2);
    let moment = Moment { video: None, start: 0, end: 1, duration: 2, complete: true };
    let record = ImageRecord { content: ContentHash::of(b"new"), moment: Some(moment), ..images(1)[0].clone() };
    index.add(record, &vector(5), FileRecord { path: "/photos/new.gif".into(), ..files()[0].clone() }).unwrap();
    assert_eq!(index.manifest().format, 3, "older programs know of no frames");
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn format_3_opens_and_can_be_written() {
    let home = tempfile::tempdir().unwrap();
    copy(&formats().join("v3"), home.path());
    let options = IndexOptions { regions_from: 1, ..IndexOptions::default() };
    let index = Library::with_options(home.path(), options).open().unwrap();
    check(&index, 3);
    (0..2).for_each(|n| index.put_regions(ImageId(n), &regions(n)).unwrap());
    assert_eq!(index.manifest().format, 3, "older programs read them still");
    index.finish().unwrap();
    assert_eq!(index.manifest().format, 4, "older programs would miss what is in files alone");
    check(&index, 4);
}

/// A change of format comes with an example of the new one, which this test makes.
#[test]
fn the_format_of_this_program_has_an_example() {
    let example = formats().join(format!("v{}", Index::FORMAT));
    if !example.exists() {
        write(&example);
        panic!("made {}: look at it and commit it", example.display());
    }
    let home = tempfile::tempdir().unwrap();
    write(home.path());
    check(&Library::at(home.path()).open().unwrap(), Index::FORMAT);
    // As it was written once.
    let home = tempfile::tempdir().unwrap();
    copy(&example, home.path());
    check(&Library::at(home.path()).open().unwrap(), Index::FORMAT);
}
