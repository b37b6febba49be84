//! One image, part by part: where it shows what, its stored regions, heatmaps.

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use glimpse_engine::query::text_is_sound;
use glimpse_engine::regions::MAX_OBJECTS;
use glimpse_engine::{ContentHash, DenseConfig, ImageId, ReasonCode, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::images::ASK_AGAIN;
use super::region_forms::{Asked, reach_image, require_regions};
use crate::error::{ApiError, Code};
use crate::etag::matches;
use crate::extract::{Json, QueryString};
use crate::heat;
use crate::state::{AppState, reach, run_model, run_search};
use crate::thumbnails::Key;
use crate::wire::{BoxView, FileBytes};

/// Longer sides of heatmaps, in pixels.
const SIZES: [u32; 3] = [160, 320, 640];
/// Windows grow with the square of the detail.
const MAX_DETAIL: f32 = 4.0;

/// An image and texts: exactly one of `image` and `upload`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroundForm {
    /// Number of an image of the library.
    image: Option<u64>,
    /// Key of an uploaded image, from `POST /api/v1/uploads`.
    upload: Option<String>,
    /// What to look for, in any language.
    #[schema(min_items = 1, max_items = 8)]
    texts: Vec<String>,
    /// Boxes below the cut too.
    #[serde(default)]
    all: bool,
    /// Look closer, in windows: 1 for a single look, up to 4. The time grows with the square.
    #[schema(minimum = 1, maximum = 4)]
    detail: Option<f32>,
    /// Give the score of every place too.
    #[serde(default)]
    heatmap: bool,
}

/// Where an image shows what.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroundView {
    /// Upright width in pixels.
    width: u32,
    /// Upright height in pixels.
    height: u32,
    /// One for each text, in order.
    things: Vec<GroundedView>,
}

/// Where an image shows a thing.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroundedView {
    text: String,
    /// Best first; none if the image does not show it.
    boxes: Vec<BoxView>,
    /// The score of every place, if asked for.
    heatmap: Option<HeatmapView>,
}

/// How much every place of an image shows of a text.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeatmapView {
    rows: usize,
    cols: usize,
    /// `rows * cols` scores from 0 to 1, row by row.
    scores: Vec<f32>,
}

/// Ground texts in an image
///
/// Boxes and scores of each text in one image. There is no library to compare with, so scores are
/// less sure than those of finding.
#[utoipa::path(post, path = "/api/v1/ground", operation_id = "ground", tag = "regions",
    request_body(content = GroundForm, example = json!({"image": 17, "texts": ["dog", "ball"]})),
    responses((status = 200, description = "Boxes of each text, best first", body = GroundView)))]
pub async fn ground(state: web::Data<AppState>, Json(form): Json<GroundForm>) -> Result<HttpResponse, ApiError> {
    if !(1..=MAX_OBJECTS).contains(&form.texts.len()) {
        let text = format!("`texts` has {} texts; 1 to {MAX_OBJECTS} go", form.texts.len());
        return Err(Refusal::new(ReasonCode::TooManyThings, text).at_most(MAX_OBJECTS).into());
    }
    form.texts.iter().try_for_each(|text| text_is_sound(text))?;
    let detail = form.detail.unwrap_or(1.0);
    if !(1.0..=MAX_DETAIL).contains(&detail) {
        return Err(ApiError::bad_request(format!("`detail` is {detail}; it goes from 1 to {MAX_DETAIL}")));
    }
    reach_image(&state, form.image).await?;
    let view = run_model(&state, move |state| {
        state.require_model()?;
        let asked = Asked::of(state, form.image, form.upload)?;
        let config = DenseConfig { detail, ..DenseConfig::default() };
        let grounded = state.engine.ground(&asked.source, &form.texts, &config, form.all)?;
        let (width, height) = (grounded.width, grounded.height);
        let things = grounded.things.into_iter().enumerate().map(|(thing, mut found)| {
            found.boxes.iter_mut().for_each(|found| found.thing = thing);
            let heat = found.heatmap;
            GroundedView {
                text: found.text,
                boxes: BoxView::all(&found.boxes, width, height),
                heatmap: form.heatmap.then_some(HeatmapView { rows: heat.rows, cols: heat.cols, scores: heat.scores }),
            }
        });
        Ok(GroundView { width, height, things: things.collect() })
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// The stored regions of an image.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegionsView {
    /// Upright width in pixels.
    width: u32,
    /// Upright height in pixels.
    height: u32,
    /// Patches down.
    rows: usize,
    /// Patches across.
    cols: usize,
    /// The leaf of every patch, row by row.
    labels: Vec<u8>,
    /// Leaves first, then their merges.
    regions: Vec<RegionView>,
}

/// A region of an image, in pixels.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegionView {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
    /// Share of the image that it covers.
    area: f32,
    /// Its leaves: values in `labels`.
    leaves: Vec<u8>,
}

/// Regions of an image
///
/// As they were stored when the image was indexed; needs no model.
#[utoipa::path(get, path = "/api/v1/images/{id}/regions", operation_id = "image_regions", tag = "regions",
    params(("id" = u64, Path)),
    responses((status = 200, description = "The regions that the image was indexed with",
        body = RegionsView)))]
pub async fn stored(state: web::Data<AppState>, id: web::Path<u64>) -> Result<HttpResponse, ApiError> {
    let view = run_search(&state, move |state| {
        let record = state.engine.image(ImageId(*id))?;
        let map = state.engine.region_map(ImageId(*id))?.ok_or_else(|| {
            let error = ApiError::new(Code::NoRegions, format!("image {id} was indexed without regions"));
            error.hint("start an index job with `regions`")
        })?;
        let regions = (0..map.len()).map(|region| {
            let [x, y, width, height] = map.rect(region).pixels(record.width, record.height);
            let set = map.members()[region];
            let leaves = (0..u32::BITS as u8).filter(|leaf| set >> leaf & 1 == 1).collect();
            RegionView { x, y, width, height, area: map.area(region), leaves }
        });
        Ok(RegionsView {
            width: record.width,
            height: record.height,
            rows: map.rows(),
            cols: map.cols(),
            labels: map.labels().to_vec(),
            regions: regions.collect(),
        })
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// What to draw.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HeatmapForm {
    /// What to look for, in any language.
    #[param(min_length = 1, max_length = 4096)]
    text: String,
    /// Longer side in pixels: 160, 320 or 640; 640 unless said otherwise.
    #[serde(default = "usual_size")]
    #[param(value_type = Option<u32>)]
    size: u32,
}

fn usual_size() -> u32 {
    SIZES[2]
}

/// Heatmap of an image and a text
///
/// A transparent PNG to lay over the image: the score of every place, from dark blue over green
/// (0.5) to yellow.
#[utoipa::path(get, path = "/api/v1/images/{id}/heatmap", operation_id = "image_heatmap", tag = "regions", params(("id" = u64, Path), HeatmapForm),
    responses((status = 200, description = "A PNG to lay over the image",
        content_type = "image/png", body = FileBytes), (status = 304, description = "The copy that the client has is still right")))]
pub async fn heatmap(
    state: web::Data<AppState>,
    id: web::Path<u64>,
    QueryString(form): QueryString<HeatmapForm>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let HeatmapForm { text, size } = form;
    text_is_sound(&text)?;
    if !SIZES.contains(&size) {
        return Err(ApiError::bad_request(format!("`size` is one of {SIZES:?}, not {size}")));
    }
    let asked = request.headers().get(header::IF_NONE_MATCH).cloned();
    let id = ImageId(*id);
    let words = text.clone();
    let (name, known) = run_search(&state, move |state| {
        let name = name_of(state, &state.engine.image(id)?.content, &words)?;
        if asked.is_some_and(|asked| matches(&asked, &tag(&name, size))) {
            return Ok((name, Some(None)));
        }
        let drawn = state.thumbnails.in_memory(&(name.clone(), size));
        if drawn.is_none() {
            require_regions(state)?;
            state.require_model()?;
        }
        Ok((name, drawn.map(Some)))
    })
    .await?;
    let png = match known {
        Some(known) => known,
        None => Some(draw(&state, id, text, (name.clone(), size)).await?),
    };
    let mut response = if png.is_some() { HttpResponse::Ok() } else { HttpResponse::NotModified() };
    response.insert_header((header::ETAG, tag(&name, size))).insert_header((header::CACHE_CONTROL, ASK_AGAIN));
    Ok(match png {
        Some(png) => response.content_type("image/png").body(png),
        None => response.finish(),
    })
}

/// A heatmap that nobody has asked for yet.
async fn draw(state: &web::Data<AppState>, id: ImageId, text: String, key: Key) -> Result<Bytes, ApiError> {
    reach(state, id).await?;
    run_model(state, move |state| {
        let make = || {
            let record = state.engine.image(id)?;
            heat::draw(&state.engine.heatmap(id, &text)?, record.width, record.height, key.1)
        };
        state.thumbnails.get_or_make(key.clone(), make)
    })
    .await
}

/// A heatmap depends on the image, the text, the model, and the library that scores are calibrated
/// by.
fn name_of(state: &AppState, content: &ContentHash, text: &str) -> Result<String, ApiError> {
    let model = state.engine.model_info()?.map(|model| model.fingerprint).unwrap_or_default();
    let parts = format!("heatmap, version 2: {content} {model} {} {text}", state.engine.revision()?);
    Ok(ContentHash::of(parts.as_bytes()).to_string())
}

fn tag(name: &str, size: u32) -> String {
    format!("\"{name}-{size}\"")
}
