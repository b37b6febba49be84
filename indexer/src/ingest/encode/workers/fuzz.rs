//! Batches and answers as anybody may send them.

use glimpse_encoder::dense::{DenseConfig, DenseProfile, Views};
use glimpse_encoder::testing::FakeEncoder;
use glimpse_encoder::{Checked, Encode};
use glimpse_fuzz::Target;
use image::RgbImage;

use super::{answer, answer_texts, wire};
use crate::ingest::encode::model::{Ask, Model};
use crate::ingest::pipeline::item::Wants;

const DIM: usize = 8;

fn encoder() -> FakeEncoder {
    FakeEncoder::new(DIM)
}

/// One image with regions, in windows if there is `detail`.
fn views(profile: &DenseProfile) -> Views {
    let image = RgbImage::from_fn(20, 10, |x, y| image::Rgb([x as u8 * 12, y as u8 * 25, 90]));
    profile.views(&encoder(), &image).unwrap()
}

fn profile(detail: f32) -> DenseProfile {
    DenseProfile { config: DenseConfig { detail, ..DenseConfig::default() }, registers: Vec::new() }
}

const WANTS: Wants = Wants { regions: true, caption: true };

#[test]
fn worker_request() {
    let seed = |detail: f32| {
        let profile = profile(detail);
        let views = views(&profile);
        let batch = [Ask { wants: WANTS, views: &views }, Ask { wants: Wants::default(), views: &views }];
        wire::request(&encoder().info().fingerprint, &profile, Some("en"), &batch).unwrap()
    };
    let encoder = encoder();
    Target::new("worker-request").seeds([seed(1.0), seed(2.0)]).run(|input| match answer(&encoder, input) {
        Ok(_) => Ok("encoded".to_owned()),
        Err(error) => Err(error.to_string().chars().take(60).collect()),
    });
}

#[test]
fn worker_answer() {
    let (encoder, profile) = (encoder(), profile(1.0));
    let views = views(&profile);
    let batch = [Ask { wants: Wants { regions: true, caption: false }, views: &views }];
    let checked = Checked(&encoder as &dyn Encode);
    let encoded = Model { encoder: &checked, profile: &profile, captions: None }.encode(&batch).unwrap();
    let seed = wire::answer(&encoded).unwrap();
    Target::new("worker-answer").seed(seed).run(|input| match wire::read_answer(input, &batch, DIM) {
        Ok(made) => Ok(format!("{} regions", made[0].regions.as_ref().map_or(0, |regions| regions.vectors.len()))),
        Err(error) => Err(error.chars().take(40).collect()),
    });
}

#[test]
fn worker_texts() {
    let encoder = encoder();
    let seed = wire::texts_request(&encoder.info().fingerprint, &["red", "grün 球"]).unwrap();
    Target::new("worker-texts").seed(seed).run(|input| match answer_texts(&encoder, input) {
        Ok(answer) => Ok(format!("{} bytes", answer.len())),
        Err(error) => Err(error.to_string().chars().take(60).collect()),
    });
}
