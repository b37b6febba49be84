use image::{Rgb, RgbImage};

use super::*;
use crate::testing::FakeEncoder;

/// Two red cells of four by four on blue, in the upper left.
fn image() -> RgbImage {
    RgbImage::from_fn(128, 128, |x, y| if x < 64 && y < 64 { Rgb([220, 20, 20]) } else { Rgb([20, 20, 220]) })
}

fn regions(config: DenseConfig) -> (Regions, FakeEncoder) {
    let encoder = FakeEncoder::new(32);
    let profile = DenseProfile { config, registers: Vec::new() };
    let views = profile.views(&encoder, &image()).unwrap();
    let grid = profile.encode(&encoder, &[views]).unwrap().remove(0).grid;
    (profile.segment(&encoder, &[&grid]).unwrap().remove(0), encoder)
}

#[test]
fn a_text_finds_its_region() {
    let (regions, encoder) = regions(DenseConfig::default());
    assert_eq!(regions.vectors.len(), regions.map.len());
    let text = &encoder.encode_texts(&["red"]).unwrap()[0];
    let best = (0..regions.map.len())
        .max_by(|&a, &b| text.cosine(&regions.vectors[a]).total_cmp(&text.cosine(&regions.vectors[b])))
        .unwrap();
    let quarter = Rect { left: 0.0, top: 0.0, right: 0.5, bottom: 0.5 };
    assert_eq!(quarter.intersection(&regions.map.rect(best)), regions.map.rect(best));
    assert_eq!(regions.map.rect(regions.map.len() - 1), Rect::WHOLE);
    assert_eq!(regions.map.area(regions.map.len() - 1), 1.0);
}

#[test]
fn the_grid_of_the_whole_image_is_kept_beside_that_of_its_windows() {
    let encoder = FakeEncoder::new(32);
    let of = |detail: f32| {
        let profile = DenseProfile { config: DenseConfig { detail, ..DenseConfig::default() }, registers: Vec::new() };
        let views = profile.views(&encoder, &image()).unwrap();
        profile.encode(&encoder, &[views]).unwrap().remove(0)
    };
    let (coarse, fine) = (of(1.0), of(2.0));
    assert_eq!((coarse.grid.rows, fine.grid.rows), (4, 8));
    assert_eq!((coarse.whole(), fine.whole()), (&coarse.grid, &coarse.grid));
}

#[test]
fn grids_grow_up_to_the_limit_of_detail() {
    let encoder = FakeEncoder::new(32);
    let rows = |detail: f32| {
        let profile = DenseProfile { config: DenseConfig { detail, ..DenseConfig::default() }, registers: Vec::new() };
        let views = profile.views(&encoder, &RgbImage::new(600, 600)).unwrap();
        profile.encode(&encoder, &[views]).unwrap().remove(0).grid.rows
    };
    let limit = detail_limit(encoder.info());
    assert_eq!(limit, MAX_SIDE as f32 / 4.0);
    assert!(rows(limit - 1.0) < rows(limit));
    assert_eq!((rows(limit), rows(2.0 * limit)), (MAX_SIDE, MAX_SIDE));
    assert_eq!(detail_limit(&crate::ModelInfo { image_size: None, ..encoder.info().clone() }), 1.0);
}

#[test]
fn windows_give_a_finer_grid_of_the_same_image() {
    let (coarse, _) = regions(DenseConfig::default());
    let (fine, encoder) = regions(DenseConfig { detail: 2.0, ..DenseConfig::default() });
    assert_eq!((coarse.map.rows(), coarse.map.cols()), (4, 4));
    assert_eq!((fine.map.rows(), fine.map.cols()), (8, 8));
    assert_eq!(encoder.images(), 1 + 9, "the whole and three by three windows");
    let red = (0..fine.map.len()).find(|&region| fine.map.rect(region).right == 0.5 && fine.map.area(region) == 0.25);
    assert!(red.is_some(), "the red quarter is a region");
}

#[test]
fn a_map_that_does_not_fit_is_none() {
    assert!(RegionMap::new(1, 2, vec![0, 1], vec![1, 2, 3]).is_some());
    assert!(RegionMap::new(1, 3, vec![0, 1], vec![1]).is_none(), "a cell without a label");
    assert!(RegionMap::new(1, 2, vec![0, 32], vec![1]).is_none(), "a leaf beyond the bits");
    assert!(RegionMap::new(1, 2, vec![0, 1], vec![4]).is_none(), "a leaf without cells");
    assert!(RegionMap::new(1, 2, vec![0, 1], vec![0]).is_none(), "a region without leaves");
    assert!(RegionMap::new(0, 0, vec![], vec![]).is_none());
}

#[test]
fn noise_images_tell_no_registers_where_there_are_none() {
    let profile = DenseProfile::of(&FakeEncoder::new(8), DenseConfig::default()).unwrap();
    assert!(profile.registers.is_empty());
}
