//! Finding over real files, with a model that knows colours.

mod kept;
mod tagged;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use glimpse_encoder::testing::FakeEncoder;
use glimpse_indexer::Among;
use glimpse_nonempty::{Every as _, each, if_any};
use image::{Rgb, RgbImage};
use tempfile::TempDir;

use super::candidates::candidates_from;
use super::nearest::NearestRegions;
use super::*;
use crate::calibrate::CUT;
use crate::fixture::{BLUE, DIM, GREEN, RED};
use crate::query::{FEW, FIRST_SCREEN};
use crate::{
    DenseConfig, Depth, Engine, EngineError, FileEvent, Filter, ImageId, IngestOptions, Observer, Rect, RegionChoice,
    RegionOptions, Settings, Source, Strength,
};

struct Silent;

impl Observer for Silent {
    fn found(&mut self, _: usize, _: bool) {}
    fn event(&mut self, _: &FileEvent) {}
}

/// Wide enough that words which name no colour lie apart from all colours.
const WIDE: usize = 512;

/// A library of images of four by four patches.
struct World {
    engine: Engine,
    folder: PathBuf,
    _home: TempDir,
}

impl World {
    /// A crowd in shades of green, and images by name whose patches are given by letters, row by
    /// row; dots are green.
    fn of(images: &[(&str, &str)]) -> Self {
        Self::with(images, RegionOptions::default(), FakeEncoder::new(WIDE))
    }

    fn with(images: &[(&str, &str)], regions: RegionOptions, encoder: FakeEncoder) -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("photos");
        std::fs::create_dir(&folder).unwrap();
        for i in 0..30u8 {
            let shade = |x: u32, y: u32| Rgb([20 + i / 2, 150 + (x / 16) as u8 * 5, 20 + (y / 16) as u8 * (i % 7)]);
            RgbImage::from_fn(64, 64, shade).save(folder.join(format!("crowd-{i}.png"))).unwrap();
        }
        for (name, cells) in images {
            draw(&folder.join(format!("{name}.png")), cells);
        }
        let encoder = Arc::new(encoder);
        let world = Self {
            engine: Engine::with_encoder(Settings::at(home.path()), encoder).unwrap(),
            folder: folder.canonicalize().unwrap(),
            _home: home,
        };
        world.index(regions);
        world.calibrate();
        world
    }

    /// Colours lie otherwise than the photographs of a real model, so the numbers of scores are
    /// their own.
    fn calibrate(&self) {
        let numbers = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/regions/tests/calibration.json");
        let library = self.engine.settings().library_dir();
        std::fs::copy(numbers, library.join(crate::calibrate::CALIBRATION_FILE)).unwrap();
    }

    fn index(&self, regions: RegionOptions) {
        let options = IngestOptions { roots: vec![self.folder.clone()], regions, ..IngestOptions::default() };
        self.engine.index(&options, &AtomicBool::new(false), &mut Silent).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.png"))
    }

    fn id(&self, name: &str) -> ImageId {
        self.engine.image_at(&self.path(name)).unwrap().unwrap()
    }

    /// What is found at or above the cut.
    fn find(&self, text: &str) -> FindPage {
        self.ask(text, Depth::Strict)
    }

    fn ask(&self, text: &str, depth: Depth) -> FindPage {
        self.engine.find(&FindQuery { depth, limit: 100, ..FindQuery::text(text).unwrap() }).unwrap()
    }

    /// Names of the images found, sorted.
    fn names(&self, page: &FindPage) -> Vec<String> {
        let name = |image: &FoundImage| {
            let path = self.engine.files_of(image.id).unwrap().remove(0).path;
            path.file_stem().unwrap().to_string_lossy().into_owned()
        };
        let mut names: Vec<String> = page.images.iter().map(name).collect();
        names.sort();
        names
    }
}

fn draw(path: &Path, cells: &str) {
    let cells: Vec<char> = cells.chars().filter(|c| !c.is_whitespace()).collect();
    let colour = |x: u32, y: u32| match cells[(y / 16 * 4 + x / 16) as usize] {
        'r' => Rgb(RED),
        'b' => Rgb(BLUE),
        _ => Rgb(GREEN),
    };
    RgbImage::from_fn(64, 64, colour).save(path).unwrap();
}

fn world() -> World {
    World::of(&[
        ("red", "rr.. rr.. .... ...."),
        ("both", "rr.. rr.. ..bb ..bb"),
        ("blue", ".... .... bb.. bb.."),
        ("other", "..bb ..bb rr.. rr.."),
    ])
}

#[test]
fn a_thing_is_found_with_its_box_and_an_absent_one_is_not() {
    let world = world();
    let page = world.find("red");
    assert_eq!(world.names(&page), ["both", "other", "red"]);
    let red = page.images.iter().find(|image| image.id == world.id("red")).unwrap();
    assert_eq!(red.boxes.len(), 1, "{:?}", red.boxes);
    assert_eq!(red.boxes[0].rect, Rect { left: 0.0, top: 0.0, right: 0.5, bottom: 0.5 });
    assert!(red.score >= 0.5 && red.boxes[0].score == red.score);
    assert_eq!((page.accepted, page.without_regions, page.next.clone()), (3, 0, None));
    let absent = "zebra|lorem ipsum|キリン|umbrella|ship|χελώνα|a small house|nothing|cup|слон|tree|dog";
    let found = absent.split('|').filter(|absent| !world.find(absent).images.is_empty()).count();
    assert!(found <= 1, "{found} of 12 absent things were found");
}

#[test]
fn images_are_found_however_few_regions_are_asked_for_at_first() {
    let world = world();
    let index = world.engine.serving().unwrap();
    let regions = index.regions().unwrap();
    let encoder = world.engine.encoder_for(&index).unwrap();
    let scorer = |text: &str| world.engine.scorer(&index, &*regions, encoder.as_ref(), text).unwrap();
    let (red, blue, green) = (scorer("red"), scorer("blue"), scorer("green"));
    let allowed = index.select(&Filter::default());
    for (things, form) in
        [(vec![red.clone()], "red"), (vec![green, red.clone(), blue.clone()], "green and red and blue")]
    {
        for least in [CUT, 0.2] {
            let query = FindQuery { depth: Depth::All, limit: 100, ..FindQuery::text(form).unwrap() };
            let mut found = world.engine.find(&query).unwrap().images;
            found.retain(|image| image.score >= least);
            assert!(!found.is_empty());
            for first in [1, 2, 7, 4096] {
                let nearest = NearestRegions::new(&*regions, &Among::images(Some(&allowed)));
                let images = candidates_from(first, &nearest, &things, least).unwrap();
                assert!(found.iter().every(|image| images.contains(&image.id)), "{form}, {first}, {least}");
            }
        }
    }
}

#[test]
fn below_the_cut_a_thing_has_one_box() {
    let world = world();
    let page = world.ask("blue", Depth::All);
    let weaker: Vec<_> = page.images.iter().filter(|image| image.score < CUT).collect();
    assert_eq!((Some(weaker.len()), page.images.len()), (page.weaker, page.accepted + weaker.len()));
    assert!(!weaker.is_empty() && weaker.iter().every(|image| image.boxes.len() == 1), "{weaker:?}");
    assert_eq!(world.find("blue").weaker, page.weaker, "told before it is asked for");
}

#[test]
fn an_answer_is_never_empty_where_there_are_regions() {
    let world = world();
    for text in ["zebra", "red inside blue", "two or more red", "zebra left of umbrella", "exactly 3 blue"] {
        let page = world.ask(text, Depth::Usual);
        assert!(page.accepted < FEW && page.images.len() == FIRST_SCREEN, "{text}: {page:?}");
        let (sure, weaker) = page.images.split_at(page.accepted);
        assert!(if_any(sure).all(|image| image.score >= CUT), "{text}: {sure:?}");
        assert!(if_any(weaker).all(|image| image.strength == Strength::Weak && !image.boxes.is_empty()), "{text}");
        assert!(if_any(weaker.windows(2)).all(|pair| pair[0].score >= pair[1].score), "{text}: best first");
        let all = world.ask(text, Depth::All);
        assert_eq!((all.images.len(), all.accepted), (34, page.accepted), "{text}");
        assert_eq!((page.weaker, all.weaker), (Some(34 - page.accepted), Some(34 - page.accepted)), "{text}");
        assert_eq!(page.images, all.images[..FIRST_SCREEN], "{text}: the same ones come first");
    }
}

#[test]
fn images_that_show_all_things_otherwise_than_asked_come_closest() {
    let world = world();
    let names = |page: &FindPage, range: std::ops::Range<usize>| {
        let mut names = world.names(&FindPage { images: page.images[range].to_vec(), ..page.clone() });
        names.sort();
        names
    };
    let page = world.ask("red inside blue", Depth::Usual);
    assert_eq!((page.accepted, names(&page, 0..2)), (0, vec!["both".to_owned(), "other".to_owned()]));
    let page = world.ask("two or more red", Depth::Usual);
    assert_eq!((page.accepted, names(&page, 0..3)), (0, ["both", "other", "red"].map(str::to_owned).to_vec()));
}

#[test]
fn what_is_ruled_out_is_not_among_the_weaker_ones() {
    let world = world();
    for depth in [Depth::Usual, Depth::All] {
        let page = world.ask("red and no blue", depth);
        assert_eq!((page.accepted, page.images[0].id), (1, world.id("red")));
        let names = world.names(&page);
        assert!(["both", "other", "blue"].iter().every(|name| !names.iter().any(|found| found == name)), "{names:?}");
        let told = if depth == Depth::All { Some(page.images.len() - 1) } else { None };
        assert_eq!(page.weaker, told, "unknown until all were looked at");
    }
}

#[test]
fn strict_answers_end_at_the_cut_and_filters_hold_at_any_depth() {
    let world = world();
    let strict = world.ask("red", Depth::Strict);
    assert_eq!((strict.images.len(), strict.accepted), (3, 3));
    assert_eq!(strict.strong, strict.images.iter().filter(|image| image.strength == Strength::Strong).count());
    let elsewhere = Filter { folders: vec!["/elsewhere".into()], ..Filter::default() };
    let filtered = FindQuery { filter: elsewhere, depth: Depth::All, ..FindQuery::text("red").unwrap() };
    let page = world.engine.find(&filtered).unwrap();
    assert_eq!((page.images.len(), page.weaker), (0, Some(0)));
}

#[test]
fn a_damaged_file_is_named() {
    let world = world();
    let path = world.path("damaged");
    std::fs::write(&path, b"\x89PNG\r\n\x1a\n and no more").unwrap();
    let ground = world.engine.ground(&Source::File(path.clone()), &["red".into()], &DenseConfig::default(), false);
    let like = world.engine.find(&FindQuery::like(Source::File(path.clone()), Rect::WHOLE));
    for error in [ground.map(drop).unwrap_err(), like.map(drop).unwrap_err()] {
        assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
        assert_eq!(error.kind(), crate::ErrorKind::BadRequest);
    }
}

#[test]
fn forms_combine_things() {
    let world = world();
    let found = |text: &str| world.names(&world.find(text));
    assert_eq!(found("red and blue"), ["both", "other"]);
    assert_eq!(found("red and no blue"), ["red"]);
    assert_eq!(found("red left of blue"), ["both", "other"]);
    assert_eq!(found("red above blue"), ["both"]);
    assert_eq!(found("blue above red"), ["other"]);
    assert_eq!(found("red inside blue"), [] as [&str; 0]);
    assert_eq!(found("two or more red"), [] as [&str; 0]);
    let page = world.find("red and blue");
    let things: Vec<usize> = page.images[0].boxes.iter().map(|found| found.thing).collect();
    assert_eq!(things, [0, 1]);
}

#[test]
fn things_are_counted() {
    let world = World::of(&[("two", "rr.. .... ...r ...r"), ("one", "rr.. .... .... ....")]);
    let names = world.names(&world.find("red"));
    assert_eq!(names, ["one", "two"]);
    assert_eq!(world.names(&world.find("exactly one red")), ["one"]);
    assert_eq!(world.names(&world.find("2+ red")), ["two"]);
}

#[test]
fn pages_go_on_and_bounds_hold() {
    let world = world();
    let query = FindQuery { limit: 2, depth: Depth::Strict, ..FindQuery::text("red").unwrap() };
    let first = world.engine.find(&query).unwrap();
    let second = world.engine.find(&FindQuery { cursor: first.next.clone(), ..query.clone() }).unwrap();
    assert_eq!((first.images.len(), second.images.len(), second.next), (2, 1, None));
    assert!(first.images.iter().every(|image| image.id != second.images[0].id));
    let other = FindQuery { cursor: first.next, ..FindQuery::text("blue").unwrap() };
    assert!(matches!(world.engine.find(&other), Err(EngineError::BadRequest(_))));

    let large = FindQuery { min_area: 0.3, depth: Depth::All, ..FindQuery::text("red").unwrap() };
    let large = world.engine.find(&large).unwrap();
    assert!(
        large.images.iter().flat_map(|image| &image.boxes).every(|found| found.area >= 0.3),
        "a quarter is too small"
    );
    let elsewhere = Filter { folders: vec!["/elsewhere".into()], ..Filter::default() };
    let filtered = FindQuery { filter: elsewhere, ..FindQuery::text("red").unwrap() };
    assert_eq!(world.engine.find(&filtered).unwrap().searched, 0);
    for nonsense in [
        FindQuery { limit: 0, ..query.clone() },
        FindQuery { min_area: f32::NAN, ..query.clone() },
        FindQuery { max_boxes: 0, ..query.clone() },
        FindQuery::like(Source::Image(ImageId(0)), Rect { right: 0.0, ..Rect::WHOLE }),
        FindQuery::structured(StructuredQuery::default()),
    ] {
        let error = world.engine.find(&nonsense).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::BadRequest, "{nonsense:?}");
    }
}

#[test]
fn a_drawn_box_finds_regions_like_it() {
    let world = world();
    let corner = Rect { left: 0.0, top: 0.5, right: 0.5, bottom: 1.0 };
    let like = |image| FindQuery { depth: Depth::All, limit: 2, ..FindQuery::like(image, corner) };
    let page = world.engine.find(&like(Source::Image(world.id("blue")))).unwrap();
    assert_eq!(world.names(&page), ["both", "other"], "the best two, not itself");
    assert_eq!(page.images[0].boxes[0].area, 0.25);
    // Three corners are equally blue, and come in the order of their numbers.
    let outside = FindQuery { limit: 3, ..like(Source::File(world.path("blue"))) };
    let outside = world.engine.find(&outside).unwrap();
    assert!(world.names(&outside).contains(&"blue".to_owned()), "a file is no image of the library");
}

#[test]
fn a_box_on_background_finds_nothing_sure() {
    let world = world();
    let blue = Source::Image(world.id("blue"));
    let like = |rect| world.engine.find(&FindQuery::like(blue.clone(), rect)).unwrap();
    // Most of the library is green.
    let green = like(Rect { left: 0.5, top: 0.0, right: 1.0, bottom: 0.5 });
    assert_eq!((green.accepted, green.strong), (0, 0));
    assert!(!green.images.is_empty() && green.images.iter().every(|image| image.strength == Strength::Weak));
    let thing = like(Rect { left: 0.0, top: 0.5, right: 0.5, bottom: 1.0 });
    assert!(!thing.nothing_particular, "{} of {}", thing.accepted, thing.searched);
}

#[test]
fn a_closer_look_keeps_what_was_found() {
    let world = world();
    let coarse = world.find("red");
    let query = FindQuery { fine: true, depth: Depth::Strict, ..FindQuery::text("red").unwrap() };
    let fine = world.engine.find(&query).unwrap();
    for (coarse, fine) in each(coarse.images.iter().zip(&fine.images)) {
        assert_eq!((coarse.id, coarse.score), (fine.id, fine.score));
        assert!(coarse.boxes[0].rect.iou(&fine.boxes[0].rect) > 0.5);
    }
    let heatmap = world.engine.heatmap(world.id("red"), "red").unwrap();
    assert_eq!((heatmap.rows, heatmap.cols), (64, 64), "a score for each pixel of a small image");
    let at = |row: usize, col: usize| heatmap.scores[row * heatmap.cols + col];
    assert!(at(8, 8) > 0.5 && at(56, 56) < 0.5, "{} {}", at(8, 8), at(56, 56));
    assert!(coarse.images.iter().every(|image| !image.refined) && fine.images.iter().every(|image| image.refined));
    std::fs::remove_file(world.path("red")).unwrap();
    std::fs::write(world.path("both"), b"no image any more").unwrap();
    let fine = world.engine.find(&query).unwrap();
    assert_eq!(fine.images.len(), 3);
    for image in each(fine.images) {
        let same = coarse.images.iter().find(|coarse| coarse.id == image.id).unwrap();
        let readable = image.id == world.id("other");
        assert!(
            image.refined == readable && (readable || image.boxes == same.boxes),
            "an image that is gone keeps its boxes"
        );
    }
}

#[test]
fn images_are_looked_at_as_closely_as_they_were_indexed() {
    let choice = RegionChoice { detail: Some(2.0), ..RegionChoice::default() };
    let of = [("red", "rr.. rr.. .... ....")];
    let world = World::with(&of, RegionOptions { choice, ..RegionOptions::default() }, FakeEncoder::new(DIM));
    assert_eq!(world.engine.region_map(world.id("red")).unwrap().unwrap().rows(), 8);
    let features = world.engine.image_features(world.id("red")).unwrap();
    let stored = world.engine.region_map(world.id("red")).unwrap().unwrap();
    let rects: Vec<Rect> = (0..stored.len()).map(|region| stored.rect(region)).collect();
    assert_eq!(features.regions().collect::<Vec<_>>(), rects);
    for (text, reach) in each([("red", 0.5), ("blue", 1.0)]) {
        let grounding = features.ground(&world.engine.phrase(text).unwrap()).unwrap().unwrap();
        let (x, y) = grounding.peak;
        assert!(x > 0.0 && y > 0.0 && x < reach && y < reach, "{text} at {x}, {y}");
    }

    // A second run that does not say how goes on in the same way; one that asks for another is told
    // of the remedy.
    draw(&world.path("more"), "..rr .... .... ....");
    world.index(RegionOptions::default());
    assert_eq!(world.engine.region_map(world.id("more")).unwrap().unwrap().rows(), 8);
    let roots = vec![world.folder.clone()];
    let other = |rebuild| {
        let choice = RegionChoice { detail: Some(1.0), ..RegionChoice::default() };
        let regions = RegionOptions { choice, rebuild, ..RegionOptions::default() };
        let options = IngestOptions { roots: roots.clone(), regions, ..IngestOptions::default() };
        world.engine.index(&options, &AtomicBool::new(false), &mut Silent)
    };
    let refused = other(false).unwrap_err();
    assert!(refused.kind() == crate::ErrorKind::NotReady && refused.to_string().contains("--rebuild-regions"));
    other(true).unwrap();
    assert_eq!(world.engine.region_map(world.id("red")).unwrap().unwrap().rows(), 4);
    assert_eq!(world.names(&world.find("red")), ["more", "red"]);
}

#[test]
fn another_model_makes_regions_as_the_library_had_them() {
    let choice = RegionChoice { detail: Some(2.0), ..RegionChoice::default() };
    let World { engine, folder, _home: home } = World::with(
        &[("red", "rr.. rr.. .... ....")],
        RegionOptions { choice, ..RegionOptions::default() },
        FakeEncoder::new(DIM),
    );
    drop(engine);
    let encoder = Arc::new(FakeEncoder::new(DIM).named("newer"));
    let engine = Engine::with_encoder(Settings::at(home.path()), encoder).unwrap();
    let world = World { engine, folder, _home: home };
    world.index(RegionOptions::default());
    assert_eq!(world.engine.stats().unwrap().1.name, "newer");
    assert_eq!(world.engine.region_map(world.id("red")).unwrap().unwrap().rows(), 8);
}

#[test]
fn boxes_come_from_one_source_on_all_pages() {
    let images = [
        ("one", "rr.. rr.. .... ...."),
        ("two", ".rr. .rr. .... ...."),
        ("three", "..rr ..rr .... ...."),
        ("four", ".... rr.. rr.. ...."),
    ];
    let encoder = FakeEncoder::new(24).with_decoder();
    let World { engine, .. } = &World::with(&images, RegionOptions::default(), encoder);
    for fine in [false, true] {
        let query = FindQuery { fine, depth: Depth::All, limit: 2, ..FindQuery::text("red").unwrap() };
        let first = engine.find(&query).unwrap();
        let second = engine.find(&FindQuery { cursor: first.next.clone(), ..query.clone() }).unwrap();
        let both: Vec<_> = first.images.iter().chain(&second.images).collect();
        assert_eq!(both.len(), 4);
        assert!(both.iter().every(|image| image.refined == fine), "{both:?}");
    }
}

#[test]
fn finding_is_given_up() {
    let world = world();
    let cancel = crate::Cancel::new();
    cancel.cancel();
    for fine in [false, true] {
        let query = FindQuery { fine, depth: Depth::Strict, ..FindQuery::text("red and blue").unwrap() };
        let stopped = cancel.scope(|| world.engine.find(&query)).unwrap_err();
        assert_eq!(stopped.kind(), crate::ErrorKind::Cancelled);
        assert_eq!(world.engine.find(&query).unwrap().images.len(), 2, "nothing half-done is remembered");
    }
    let query = FindQuery { fine: true, ..FindQuery::text("red and blue").unwrap() };
    assert!(cancel.scope(|| world.engine.find(&query)).is_err(), "also while a remembered page is looked at closely");
}

#[test]
fn one_image_is_grounded_without_a_library() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("one.png");
    draw(&path, ".... .rr. .rr. ....");
    let engine = Engine::with_encoder(Settings::at(home.path()), Arc::new(FakeEncoder::new(DIM))).unwrap();
    let texts = ["red".to_owned(), "zebra".to_owned()];
    let ground = |texts: &[String]| engine.ground(&Source::File(path.clone()), texts, &DenseConfig::default(), false);
    let grounded = ground(&texts).unwrap();
    assert_eq!((grounded.width, grounded.height, grounded.things.len()), (64, 64, 2));
    let middle = Rect { left: 0.25, top: 0.25, right: 0.75, bottom: 0.75 };
    let heat = &grounded.things[0].heatmap;
    let best = (0..heat.scores.len()).max_by(|&a, &b| heat.scores[a].total_cmp(&heat.scores[b])).unwrap();
    let (row, col) = (best / heat.cols, best % heat.cols);
    assert!((12..52).contains(&row) && (12..52).contains(&col), "{row} {col}: a quarter of a patch off at most");
    assert!(
        grounded.things[0].boxes.iter().every(|found| found.rect.iou(&middle) > 0.4),
        "{:?}",
        grounded.things[0].boxes
    );
    assert!(grounded.things[1].boxes.is_empty(), "{:?}", grounded.things[1].boxes);
    assert!(matches!(ground(&[" ".into()]), Err(EngineError::Refused(_))));
}

#[test]
fn a_library_without_regions_says_what_to_do() {
    let world = World::of(&[]);
    let home = tempfile::tempdir().unwrap();
    let encoder = Arc::new(FakeEncoder::new(DIM));
    let engine = Engine::with_encoder(Settings::at(home.path()), encoder).unwrap();
    let bare = World { engine, folder: world.folder.clone(), _home: home };
    draw(&bare.path("red"), "rrrr rrrr .... ....");
    bare.index(RegionOptions { make: false, ..RegionOptions::default() });
    bare.calibrate();
    let error = bare.engine.find(&FindQuery::text("red").unwrap()).unwrap_err().to_string();
    assert!(error.contains("glimpse index --regions"), "{error}");
    bare.index(RegionOptions { refill: true, ..RegionOptions::default() });
    assert_eq!(bare.names(&bare.find("red")), ["red"]);
}
