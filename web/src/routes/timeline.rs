//! The library by months, and the images of a month as columns: enough to lay out a page of any
//! length without asking for records.

use actix_web::{HttpResponse, web};
use glimpse_engine::{Filter, Month, TileFacts, seconds};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::forms::{FilterForm, checked_limit};
use crate::error::ApiError;
use crate::extract::Json;
use crate::state::{AppState, run_search};
use crate::thumbnails::version;
use crate::wire::Kind;

/// Most images of an answer.
const MAX_COLUMNS: usize = 100_000;
/// With more images than so many, a stand-in is only the mean colour: it would be most of the
/// answer.
const FULL_BLURS: usize = 5_000;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// Which images to count.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TimelineForm {
    /// Conditions on stored facts, which must all hold.
    filter: FilterForm,
}

/// The months in which images were taken.
#[derive(Serialize, ToSchema)]
pub struct TimelineView {
    /// Images in all months, and without a date.
    count: usize,
    /// Newest first; images without a date last. Only months that have images.
    months: Vec<MonthView>,
}

/// A month and its images.
#[derive(Serialize, ToSchema)]
pub struct MonthView {
    /// `2023-06`, on the cameras' clocks; none for images without a date.
    month: Option<String>,
    count: usize,
}

/// Images by month
///
/// How many of the images that pass a filter were taken in each month.
#[utoipa::path(post, path = "/api/v1/timeline", operation_id = "timeline", tag = "library",
    request_body(content = TimelineForm, example = json!({"filter": {"cameras": ["Canon"]}})),
    responses((status = 200, description = "Months with the number of their images", body = TimelineView)))]
pub async fn timeline(state: web::Data<AppState>, Json(form): Json<TimelineForm>) -> Result<HttpResponse, ApiError> {
    let filter = Filter::try_from(form.filter)?;
    let counts = run_search(&state, move |state| Ok(state.engine.timeline(&filter)?)).await?;
    let count = counts.iter().map(|month| month.images).sum();
    let month = |month: Option<Month>| month.map(|month| month.to_string());
    let months = counts.iter().map(|counted| MonthView { month: month(counted.month), count: counted.images });
    Ok(HttpResponse::Ok().json(TimelineView { count, months: months.collect() }))
}

/// Which images of which month.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TilesForm {
    /// Conditions on stored facts, which must all hold.
    filter: FilterForm,
    /// `2023-06`; none for images without a date.
    month: Option<String>,
    /// Leaves out so many at the start.
    offset: usize,
    /// Most images of this answer, as many as there may be unless said otherwise.
    #[schema(minimum = 1, maximum = 100_000)]
    limit: Option<usize>,
}

/// Images of a month, newest first, as columns of equal length: the first image is the first of
/// each.
#[derive(Default, Serialize, ToSchema)]
pub struct TilesView {
    /// Images of the month that pass the filter, of which this answer may have a part.
    count: usize,
    /// Numbers of the images.
    id: Vec<u64>,
    /// Upright widths in pixels.
    width: Vec<u32>,
    /// Upright heights in pixels.
    height: Vec<u32>,
    /// When they were taken, in seconds since 1970 on the camera's clock.
    taken: Vec<Option<i64>>,
    /// An image of this answer and of the same day that comes before it, and that it is a
    /// near-duplicate of.
    stack: Vec<Option<u64>>,
    /// BlurHashes to show while the images load, as far as they were made. An answer with more than
    /// 5,000 images has BlurHashes of one component, which is the mean colour.
    blur: Vec<Option<String>>,
    /// Numbers of those that are favourites.
    favourite: Vec<u64>,
    /// What to give to the thumbnail's `v`, so that browsers may keep the image.
    version: Vec<String>,
    /// Those that are videos or animations.
    moving: Vec<MovingView>,
}

/// A video or an animation.
#[derive(Serialize, ToSchema)]
pub struct MovingView {
    /// Number of the image.
    id: u64,
    /// What it is.
    kind: Kind,
    /// Its length in seconds.
    duration: f64,
}

impl MovingView {
    fn of(tile: &TileFacts) -> Option<Self> {
        let moment = tile.moment?;
        let (kind, duration) = (Kind::of(tile.format, tile.moment), seconds(moment.duration));
        Some(Self { id: tile.id.0, kind, duration })
    }
}

/// Tiles of a month
///
/// What it takes to lay out the images of a month, from memory: some 20 bytes an image where the
/// answer is compressed.
#[utoipa::path(post, path = "/api/v1/timeline/tiles", operation_id = "timeline_tiles", tag = "library",
    request_body(content = TilesForm, example = json!({"filter": {}, "month": "2023-06"})),
    responses((status = 200, description = "Columns, newest image first", body = TilesView)))]
pub async fn tiles(state: web::Data<AppState>, Json(form): Json<TilesForm>) -> Result<HttpResponse, ApiError> {
    let limit = checked_limit(form.limit, MAX_COLUMNS, MAX_COLUMNS)?;
    let month = form.month.map(|month| month.parse::<Month>()).transpose()?;
    let (filter, offset) = (Filter::try_from(form.filter)?, form.offset);
    let view = run_search(&state, move |state| {
        let tiles = state.engine.tiles_of_month(&filter, month)?;
        let part = tiles.get(offset.min(tiles.len())..).unwrap_or_default();
        let part = &part[..limit.min(part.len())];
        let view = TilesView { count: tiles.len(), ..columns(state, part, stacks(state, part)?) };
        Ok(serde_json::to_string(&view).unwrap_or_default()) // numbers and texts always have a JSON
    });
    Ok(HttpResponse::Ok().content_type("application/json").body(view.await?))
}

/// Near-duplicates of a day, from the vectors in memory. What is alike on different days stays on
/// its own day.
fn stacks(state: &AppState, tiles: &[TileFacts]) -> Result<Vec<Option<u64>>, ApiError> {
    let day = |tile: &TileFacts| tile.taken.map(|taken| taken.div_euclid(DAY));
    let mut stacks = Vec::with_capacity(tiles.len());
    for tiles in tiles.chunk_by(|tile, next| day(tile) == day(next)) {
        let ids: Vec<_> = tiles.iter().map(|tile| tile.id).collect();
        let stacked = state.engine.stacks(&ids, &glimpse_engine::DuplicateOptions::default())?;
        stacks.extend(stacked.into_iter().map(|first| first.map(|first| first.0)));
    }
    Ok(stacks)
}

fn columns(state: &AppState, tiles: &[TileFacts], stack: Vec<Option<u64>>) -> TilesView {
    let placeholders = &state.thumbnail_indexer.placeholders;
    let favourites = tiles.iter().filter(|tile| state.engine.is_favourite(&tile.content));
    let in_full = tiles.len() <= FULL_BLURS;
    let blur = |tile: &TileFacts| {
        let blur = placeholders.get(&tile.content)?;
        Some(if in_full { blur.as_str().to_owned() } else { blur.mean() })
    };
    TilesView {
        count: tiles.len(),
        id: tiles.iter().map(|tile| tile.id.0).collect(),
        width: tiles.iter().map(|tile| tile.width).collect(),
        height: tiles.iter().map(|tile| tile.height).collect(),
        taken: tiles.iter().map(|tile| tile.taken).collect(),
        stack,
        blur: tiles.iter().map(blur).collect(),
        favourite: favourites.map(|tile| tile.id.0).collect(),
        version: tiles.iter().map(|tile| version(&tile.content)).collect(),
        moving: tiles.iter().filter_map(MovingView::of).collect(),
    }
}
