use std::io::Cursor;
use std::sync::Arc;

use glimpse_encoder::dense::PixelConfig;
use glimpse_encoder::testing::FakeEncoder;
use glimpse_nonempty::{Every as _, each};
use image::{ImageFormat, Rgb, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::fixture::{BLUE, GREEN, RED};
use crate::{ErrorKind, Settings};

/// Wide enough that words which name no colour lie apart from all colours.
const WIDE: usize = 512;

fn engine() -> (Engine, Arc<FakeEncoder>, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let encoder = Arc::new(FakeEncoder::new(WIDE));
    (Engine::with_encoder(Settings::at(home.path()), encoder.clone()).unwrap(), encoder, home)
}

/// Blue, with red in two corners and a green band, all as wide as patches: the model has four a
/// side, and what is finer runs together.
fn image() -> Source {
    let colour = |x: u32, y: u32| match (x, y) {
        (..40 | 120.., ..30) => RED,
        (_, 90..) => GREEN,
        _ => BLUE,
    };
    let mut png = Cursor::new(Vec::new());
    RgbImage::from_fn(160, 120, |x, y| Rgb(colour(x, y))).write_to(&mut png, ImageFormat::Png).unwrap();
    Source::Bytes(png.into_inner().into())
}

fn asked(labels: &[&str]) -> SegmentOptions {
    SegmentOptions { labels: labels.iter().map(|&label| label.to_owned()).collect(), ..SegmentOptions::default() }
}

/// The label at a pixel.
fn at(segmentation: &Segmentation, x: u32, y: u32) -> &str {
    match segmentation.map.labels[(y * segmentation.map.width + x) as usize] {
        0 => "-",
        label => &segmentation.labels[usize::from(label) - 1].name,
    }
}

#[test]
fn pixels_have_the_label_that_they_show() {
    let (engine, ..) = engine();
    let found = engine.segment(&image(), &asked(&["red", "green", "blue", "unicorn"])).unwrap();
    assert_eq!((found.width, found.height, found.map.width, found.map.height), (160, 120, 160, 120));
    assert_eq!(
        [(20, 15), (140, 15), (80, 105), (80, 45)].map(|(x, y)| at(&found, x, y)),
        ["red", "red", "green", "blue"]
    );
    assert!(!found.map.labels.contains(&4), "what is not there");
    assert!(found.map.confidence.iter().every(|sure| (0.0..=1.0).contains(sure)));
    let of_red = found.segments.iter().find(|segment| segment.label == 0).unwrap();
    assert!((of_red.area - 2400.0 / 19200.0).abs() < 0.05, "{of_red:?}");
    assert!(!of_red.is_thing && of_red.rect.right - of_red.rect.left > 0.6, "both squares: {of_red:?}");
}

#[test]
fn what_was_not_asked_for_is_none() {
    let (engine, ..) = engine();
    let found = engine.segment(&image(), &asked(&["red"])).unwrap();
    assert_eq!([(20, 15), (80, 105), (80, 45)].map(|(x, y)| at(&found, x, y)), ["red", "-", "-"]);
    assert!(found.unlabelled() > 0.7);
    let none = engine.segment(&image(), &asked(&["unicorn"])).unwrap();
    assert_eq!((none.segments.len(), none.unlabelled()), (0, 1.0));
}

#[test]
fn things_are_told_apart_and_stuff_is_not() {
    let (engine, ..) = engine();
    let options = SegmentOptions { panoptic: true, ..asked(&["red", "green", "blue"]) };
    let found = engine.segment(&image(), &options).unwrap();
    let count = |label: usize| found.segments.iter().filter(|segment| segment.label == label).count();
    assert_eq!(count(0), 2, "{:?}", found.segments);
    let merged = SegmentOptions { stuff: Some(vec!["Red".into()]), ..options };
    let found = engine.segment(&image(), &merged).unwrap();
    let of_red: Vec<_> = found.segments.iter().filter(|segment| segment.label == 0).collect();
    assert!(matches!(of_red[..], [one] if !one.is_thing), "{of_red:?}");
    assert!(found.labels[1].is_thing && !found.labels[0].is_thing);
}

#[test]
fn masks_and_segments_are_those_of_the_map_in_any_size() {
    let (engine, ..) = engine();
    let options = SegmentOptions { panoptic: true, size: 80, ..asked(&["red", "green", "blue"]) };
    let found = engine.segment(&image(), &options).unwrap();
    assert_eq!((found.map.width, found.map.height), (80, 60));
    let masks = found.masks(160, 120);
    assert_eq!(masks.len(), found.segments.len());
    for (mask, segment) in each(masks.iter().zip(&found.segments)) {
        assert_eq!((mask.width(), mask.height()), (160, 120));
        assert!((mask.area() as f32 / 19200.0 - segment.area).abs() < 1e-6, "an even multiple of the map");
        assert_eq!(mask.rect(), segment.rect);
    }
    assert_eq!(found.stretched(&found.map.labels, 160, 120).len(), 19200);
    let sizes: Vec<f32> = found.segments.iter().map(|segment| segment.area).collect();
    assert!(sizes.windows(2).every(|pair| pair[0] >= pair[1]), "largest first: {sizes:?}");
}

#[test]
fn other_labels_need_no_other_look() {
    let (engine, encoder, _home) = engine();
    engine.segment(&image(), &asked(&["red"])).unwrap();
    let looks = encoder.images();
    engine.segment(&image(), &asked(&["green", "blue"])).unwrap();
    assert_eq!(encoder.images(), looks);
    let closer = SegmentOptions { pixels: PixelConfig { detail: 3.0, ..PixelConfig::default() }, ..asked(&["red"]) };
    engine.segment(&image(), &closer).unwrap();
    assert!(encoder.images() > looks);
}

#[test]
fn what_makes_no_sense_is_said() {
    let (engine, ..) = engine();
    let wrong = [
        asked(&[]),
        asked(&["red", " "]),
        SegmentOptions { size: 0, ..asked(&["red"]) },
        SegmentOptions { min_score: 2.0, ..asked(&["red"]) },
        SegmentOptions { min_area: -1.0, ..asked(&["red"]) },
        SegmentOptions { pixels: PixelConfig { detail: f32::NAN, ..PixelConfig::default() }, ..asked(&["red"]) },
    ];
    for options in each(wrong) {
        let error = engine.segment(&image(), &options).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
    }
    let error = engine.segment(&Source::Bytes(b"no image".to_vec().into()), &asked(&["red"])).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
}
