//! Search: `GET` for the simple form with whole records, `POST` for the full one with tiles.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use glimpse_engine::{Depth, DuplicateOptions, ErrorKind, ImageId, Mode, Page, Query, Source, StructuredQuery, Term};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::forms::{FullForm, MAX_RECORDS, MAX_TILES, SimpleForm, checked_limit, depth_of};
use crate::error::ApiError;
use crate::extract::{Json, QueryString};
use crate::state::{AppState, run_search};
use crate::wire::{HitView, TileView, names};

/// A page of hits.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageView<T> {
    /// The hits of this page, best first or in the order asked for.
    hits: Vec<T>,
    /// Hits at or above the cut in the whole result set; they come before weaker ones.
    accepted: usize,
    /// Those of them that are strong.
    strong: usize,
    /// Those of them that are likely.
    likely: usize,
    /// Images below the cut; `depth` says how many of them are given.
    weaker: usize,
    /// Images that passed the filter.
    searched: usize,
    /// Images to search with that are not in the library any more, so that they were left out.
    gone: usize,
    /// Images that are left out, since somebody said that they do not show what was asked for
    /// (`/feedback`).
    said_wrong: usize,
    /// `cursor` of the next page; none at the end. A result set stays as it is while it is paged.
    next: Option<String>,
    /// The form for `/find` that the text amounts to, if it asks about things in English: `two
    /// dogs`, `dog left of ball`.
    find: Option<String>,
}

impl<T> PageView<T> {
    fn of(query: &Query, page: Page, hits: Vec<T>) -> Self {
        let Page { accepted, strong, weaker, searched, gone, said_wrong, next, .. } = page;
        let find = match &query.terms[..] {
            [Term { source: Source::Text(text), weight }] if *weight > 0.0 => StructuredQuery::suggested(text, "en"),
            _ => None,
        };
        let (likely, next, find) = (accepted - strong, next.map(|cursor| cursor.0), find.map(|form| form.to_string()));
        Self { hits, accepted, strong, likely, weaker, searched, gone, said_wrong, next, find }
    }
}

/// Search in words
///
/// Gives hits with their whole records.
#[utoipa::path(get, path = "/api/v1/search", operation_id = "search_text", tag = "search", params(SimpleForm),
    responses((status = 200, description = "Hits with their records", body = PageView<HitView>)))]
pub async fn simple(
    state: web::Data<AppState>,
    QueryString(form): QueryString<SimpleForm>,
) -> Result<HttpResponse, ApiError> {
    let page = run_search(&state, move |state| {
        let query = FullForm::from(form).into_query(40, MAX_RECORDS, &state.uploads)?;
        let page = found(state, &query)?;
        let mut hits = Vec::with_capacity(page.hits.len());
        for hit in &page.hits {
            match HitView::read(&state.engine, hit) {
                Ok(hit) => hits.push(hit),
                Err(error) if error.kind() == ErrorKind::NotFound => {} // removed since it was found
                Err(error) => return Err(error.into()),
            }
        }
        Ok(PageView::of(&query, page, hits))
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Search with everything
///
/// Text, uploaded images and images of the library in any mix, with weights, filters and order.
/// Gives hits without their details: many at a time, so that a page can lay them all out.
/// `GET /api/v1/images` gives the details.
#[utoipa::path(post, path = "/api/v1/search", operation_id = "search", tag = "search",
    request_body(content = FullForm, example = json!({"terms": [{"text": "a red boat"}, {"text": "fog", "weight": -0.5}], "limit": 20})),
    responses((status = 200, description = "Hits as tiles", body = PageView<TileView>)))]
pub async fn full(state: web::Data<AppState>, Json(form): Json<FullForm>) -> Result<HttpResponse, ApiError> {
    let page = run_search(&state, move |state| tiles(state, &form.into_query(500, MAX_TILES, &state.uploads)?));
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Where to go on among similar images.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct SimilarForm {
    /// Most hits of this answer, 40 unless said otherwise.
    #[param(minimum = 1, maximum = 5000)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How far down the answer goes, `usual` unless said otherwise.
    #[param(value_type = Option<names::Depth>)]
    depth: Option<Depth>,
    /// The same as `depth=all`.
    #[param(value_type = Option<bool>)]
    all: bool,
}

/// Similar images
///
/// Images that look like one of the library, from stored vectors: needs no model.
#[utoipa::path(get, path = "/api/v1/images/{id}/similar", operation_id = "similar_images", tag = "search", params(("id" = u64, Path), SimilarForm),
    responses((status = 200, description = "Images that look like it, as tiles",
        body = PageView<TileView>)))]
pub async fn similar(
    state: web::Data<AppState>,
    id: web::Path<u64>,
    QueryString(form): QueryString<SimilarForm>,
) -> Result<HttpResponse, ApiError> {
    let query = Query {
        limit: checked_limit(form.limit, 40, MAX_TILES)?,
        cursor: form.cursor.map(glimpse_engine::Cursor),
        depth: depth_of(form.depth, form.all),
        ..Query::default().plus(Source::Image(ImageId(*id)), 1.0)
    };
    Ok(HttpResponse::Ok().json(run_search(&state, move |state| tiles(state, &query)).await?))
}

/// Answers, unless that would mean to wait for the model.
fn found(state: &AppState, query: &Query) -> Result<Page, ApiError> {
    let needs_model = |term: &Term| !matches!(term.source, Source::Image(_));
    if query.mode != Mode::Words && query.terms.iter().any(needs_model) {
        state.require_model()?;
    }
    Ok(state.engine.search(query)?)
}

/// Which hits are near-duplicates of better ones: each is an image, and the frame of it that is
/// shown. Frames are compared, images are named.
pub(super) fn stacks_of(state: &AppState, shown: &[(ImageId, ImageId)]) -> Result<Vec<Option<ImageId>>, ApiError> {
    let frames: Vec<ImageId> = shown.iter().map(|(_, frame)| *frame).collect();
    let images: HashMap<ImageId, ImageId> = shown.iter().map(|(image, frame)| (*frame, *image)).collect();
    let stacks = state.engine.stacks(&frames, &DuplicateOptions::default())?;
    Ok(stacks.into_iter().map(|stack| stack.and_then(|frame| images.get(&frame).copied())).collect())
}

fn tiles(state: &AppState, query: &Query) -> Result<PageView<TileView>, ApiError> {
    let page = found(state, query)?;
    let shown: Vec<(ImageId, ImageId)> =
        page.hits.iter().map(|hit| (hit.id, hit.frame.as_ref().map_or(hit.id, |frame| frame.id))).collect();
    let stacks = stacks_of(state, &shown)?;
    let hits = TileView::read(&state.engine, &state.thumbnail_indexer.placeholders, &page.hits, &stacks)?;
    Ok(PageView::of(query, page, hits))
}
