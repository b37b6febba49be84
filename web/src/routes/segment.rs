//! What every pixel of an image shows.

use actix_web::{HttpResponse, web};
use glimpse_engine::query::text_is_sound;
use glimpse_engine::{PixelConfig, ReasonCode, Refusal, SegmentOptions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::region_forms::{Asked, reach_image};
use crate::error::ApiError;
use crate::extract::Json;
use crate::state::{AppState, run_model};
use crate::wire::SegmentationView;

/// Most labels of a request: each is a map of the image.
const MAX_LABELS: usize = 200;
/// Longest side of the map that is worked at.
const MAX_SIZE: u32 = 1024;
/// Windows grow with the square of the detail.
const MAX_DETAIL: f32 = 4.0;

/// An image and labels: exactly one of `image` and `upload`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentForm {
    /// Number of an image of the library.
    image: Option<u64>,
    /// Key of an uploaded image, from `POST /api/v1/uploads`.
    upload: Option<String>,
    /// What pixels may show, in any language; without any, the most frequent keywords of the
    /// library.
    #[serde(default)]
    #[schema(max_items = 200)]
    labels: Vec<String>,
    /// Things one by one; otherwise all there is of a label is one segment.
    #[serde(default)]
    panoptic: bool,
    /// The labels that are stuff, of which there is one segment; words such as sky and grass unless
    /// said otherwise.
    #[schema(max_items = 200)]
    stuff: Option<Vec<String>>,
    /// Pixels along the longer side of the map that is worked at, 512 unless said otherwise.
    #[schema(minimum = 16, maximum = 1024)]
    size: Option<u32>,
    /// Smallest score of a pixel that has a label, 0 to 1; the usual cut is 0.5.
    #[schema(minimum = 0, maximum = 1)]
    min_score: Option<f32>,
    /// Windows along the shorter side of the image, 1 for a single look, 2 unless said otherwise.
    /// The time grows with the square.
    #[schema(minimum = 1, maximum = 4)]
    detail: Option<f32>,
    /// What masks are in pixels of.
    #[serde(default)]
    masks: MaskSize,
}

/// The size of masks.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaskSize {
    /// That of the upright image.
    #[default]
    Image,
    /// That of the map that is worked at: shorter answers, and as exact.
    Map,
    /// No masks.
    None,
}

impl SegmentForm {
    /// The options; `size` and texts in bounds.
    fn options(&mut self) -> Result<SegmentOptions, ApiError> {
        let stuff = self.stuff.take();
        for (name, texts) in [("labels", Some(&self.labels)), ("stuff", stuff.as_ref())] {
            let texts = texts.map_or(&[][..], Vec::as_slice);
            if texts.len() > MAX_LABELS {
                let message = format!("`{name}` has {} texts; {MAX_LABELS} is the most", texts.len());
                let refusal = Refusal::new(ReasonCode::TooManyLabels, message).at_most(MAX_LABELS);
                return Err(ApiError::from(refusal).hint("ask several times"));
            }
            texts.iter().try_for_each(|text| text_is_sound(text))?;
        }
        let usual = SegmentOptions::default();
        let pixels = PixelConfig { detail: self.detail.unwrap_or(usual.pixels.detail), ..usual.pixels };
        if !(1.0..=MAX_DETAIL).contains(&pixels.detail) {
            let detail = pixels.detail;
            return Err(ApiError::bad_request(format!("`detail` is {detail}; it goes from 1 to {MAX_DETAIL}")));
        }
        let size = self.size.unwrap_or(usual.size);
        if size > MAX_SIZE {
            return Err(ApiError::bad_request(format!("`size` is {size}; {MAX_SIZE} is the most")));
        }
        let (labels, panoptic) = (std::mem::take(&mut self.labels), self.panoptic);
        let min_score = self.min_score.unwrap_or(usual.min_score);
        let options = SegmentOptions { labels, panoptic, stuff, size, min_score, pixels, ..usual };
        options.validate()?;
        Ok(options)
    }
}

/// Segment an image
///
/// What every pixel shows: one of the labels, or none of them. Masks are runs as COCO has them. An
/// image of a library with regions is compared with the library, any other with itself.
#[utoipa::path(post, path = "/api/v1/segment", operation_id = "segment", tag = "regions",
    request_body(content = SegmentForm, example = json!({"image": 17, "labels": ["dog", "grass", "sky"], "panoptic": true})),
    responses((status = 200, description = "Labels, and segments with masks", body = SegmentationView)))]
pub async fn segment(state: web::Data<AppState>, Json(mut form): Json<SegmentForm>) -> Result<HttpResponse, ApiError> {
    let options = form.options()?;
    reach_image(&state, form.image).await?;
    let view = run_model(&state, move |state| {
        state.require_model()?;
        let asked = Asked::of(state, form.image, form.upload)?;
        let found = state.engine.segment(&asked.source, &options)?;
        let size = match form.masks {
            MaskSize::Image => Some((found.width, found.height)),
            MaskSize::Map => Some((found.map.width, found.map.height)),
            MaskSize::None => None,
        };
        Ok(SegmentationView::of(found, size))
    });
    Ok(HttpResponse::Ok().json(view.await?))
}
