//! Answers about videos: each is named once, at the frame that answers best.

use std::fs::File;

use image::codecs::gif::GifEncoder;
use image::{Delay, Frame, Rgba, RgbaImage};
use tempfile::TempDir;

use super::*;
use crate::{FindQuery, Source, StructuredQuery};

/// Red, green and blue for three seconds each.
fn gif(path: &Path) {
    gif_of(path, &[RED, GREEN, BLUE], 64);
}

/// Each colour for three seconds.
fn gif_of(path: &Path, colours: &[[u8; 3]], side: u32) {
    let mut encoder = GifEncoder::new(File::create(path).unwrap());
    for &[r, g, b] in colours {
        let image = RgbaImage::from_pixel(side, side, Rgba([r, g, b, 255]));
        encoder.encode_frame(Frame::from_parts(image, 0, 0, Delay::from_numer_denom_ms(3000, 1))).unwrap();
    }
}

/// The animation among images of other colours, some of them blue.
fn library() -> (Engine, ImageId, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let photos = home.path().join("photos");
    for n in 0..30u8 {
        save(&photos, &format!("crowd {n}.png"), [n * 7, 250 - n * 3, 90 + n]);
    }
    save(&photos, "blue.png", BLUE);
    let path = photos.join("moving.gif");
    gif(&path);
    let engine = Engine::with_encoder(Settings::at(home.path().join("home")), Arc::new(FakeEncoder::new(DIM))).unwrap();
    index(&engine, &photos);
    let id = engine.image_at(&path).unwrap().unwrap();
    (engine, id, home)
}

#[test]
fn a_search_names_a_video_once_at_its_best_frame() {
    let (engine, id, _home) = library();
    assert_eq!(engine.count().unwrap(), 32);
    let frames = engine.frames(id).unwrap();
    assert_eq!(
        frames.iter().map(|frame| (frame.start, frame.end)).collect::<Vec<_>>(),
        [(0.0, 3.0), (3.0, 6.0), (6.0, 9.0)]
    );
    for (text, place) in each([("red", 0), ("green", 1), ("blue", 2)]) {
        let query = Query { depth: Depth::All, mode: Mode::Semantic, limit: 100, ..Query::text(text) };
        let page = engine.search(&query).unwrap();
        assert_eq!((page.hits.len(), page.searched, page.accepted + page.weaker), (32, 32, 32));
        let of_video: Vec<_> = page.hits.iter().filter(|hit| hit.id == id).collect();
        assert_eq!(of_video.len(), 1);
        let frame = of_video[0].frame.as_ref().unwrap();
        assert_eq!((frame.id, frame.start, frame.duration), (frames[place].id, frames[place].start, 9.0), "{text}");
        assert!(page.hits.iter().filter(|hit| hit.id != id).every(|hit| hit.frame.is_none()));
    }
    let all = engine.search(&Query { limit: 100, ..Query::default() }).unwrap();
    assert_eq!(all.hits.len(), 32);
    // What is like a frame is not its own video.
    let query = Query { depth: Depth::All, limit: 100, ..Query::default().plus(Source::Image(frames[2].id), 1.0) };
    let like = engine.search(&query).unwrap();
    assert_eq!((like.hits.len(), like.hits.iter().any(|hit| hit.id == id)), (31, false));
    let blue = engine.search(&Query { mode: Mode::Words, ..Query::text("blue") }).unwrap().hits[0].id;
    assert_eq!(like.hits[0].id, blue);
}

#[test]
fn things_are_found_in_frames() {
    let (engine, id, _home) = library();
    let frames = engine.frames(id).unwrap();
    let form = StructuredQuery::parse("blue").unwrap();
    for fine in each([false, true]) {
        let query = FindQuery { depth: Depth::All, limit: 100, fine, ..FindQuery::structured(form.clone()) };
        let page = engine.find(&query).unwrap();
        assert_eq!((page.searched, page.images.len()), (32, 32));
        let found: Vec<_> = page.images.iter().filter(|image| image.id == id).collect();
        assert_eq!((found.len(), found[0].shown()), (1, frames[2].id));
        assert_eq!(found[0].frame.as_ref().map(|frame| frame.start), Some(6.0));
    }
    let [first, third] = [0, 2].map(|place| engine.heatmap(frames[place].id, "blue").unwrap());
    assert_ne!(first, third, "each is a map of its own frame");
    assert!(engine.region_map(frames[1].id).unwrap().is_some());
}

#[test]
fn a_video_is_a_copy_of_one_that_shows_the_same_throughout() {
    let home = tempfile::tempdir().unwrap();
    let photos = home.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    save(&photos, "red.png", RED);
    for (name, colours, size) in each([
        ("small.gif", [RED, GREEN, BLUE], 48),
        ("large.gif", [RED, GREEN, BLUE], 64),
        ("other.gif", [RED, GREEN, GREEN], 64),
        ("begins.gif", [RED, BLUE, GREEN], 32),
    ]) {
        gif_of(&photos.join(name), &colours, size);
    }
    gif_of(&photos.join("short.gif"), &[RED, GREEN], 64);
    let engine = Engine::with_encoder(Settings::at(home.path().join("home")), Arc::new(FakeEncoder::new(DIM))).unwrap();
    index(&engine, &photos);
    let groups = engine.duplicates(&DuplicateOptions { min_cosine: 0.999 }).unwrap();
    let names = |ids: &[ImageId]| {
        let names = ids.iter().map(|&id| engine.files_of(id).unwrap()[0].path.file_name().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    // The order of shots does not count, what is shown and how long it takes does.
    let named: Vec<_> = groups.iter().map(|group| names(&group.images)).collect();
    assert_eq!(named, [["large.gif", "small.gif", "begins.gif"]]);
}

#[test]
fn a_frame_stands_for_its_video_where_files_are_meant() {
    let (engine, id, _home) = library();
    let frame = engine.frames(id).unwrap()[1].id;
    let (record, whole) = (engine.image(frame).unwrap(), engine.image(id).unwrap());
    assert_eq!((record.id, record.bytes, record.format), (frame, whole.bytes, whole.format));
    assert_ne!(record.content, whole.content);
    assert_eq!(engine.original(frame).unwrap().path(), engine.original(id).unwrap().path());
    engine.set_favourites(&[frame], &[]).unwrap();
    assert_eq!(engine.favourites().unwrap(), [id]);
    assert!(engine.is_favourite_image(frame));
    let tagged = engine.tag(&["red".into(), "blue".into()], &TagOptions { min_score: 0.0, ..TagOptions::default() });
    let tagged = tagged.unwrap();
    assert_eq!(tagged.len(), 32);
    let tags = &tagged.iter().find(|tagged| tagged.id == id).unwrap().tags;
    assert_eq!(tags.len(), 2, "each label once: {tags:?}");
    let trashed = engine.trash(&[frame], false, |path| std::fs::remove_file(path)).unwrap();
    assert_eq!((trashed.moved.len(), trashed.failed.len()), (1, 0));
    assert_eq!(engine.count().unwrap(), 31);
    let gone = engine.search(&Query { depth: Depth::All, limit: 100, ..Query::text("red") }).unwrap();
    assert!(gone.hits.iter().every(|hit| hit.id != id));
}
