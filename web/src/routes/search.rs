//! Search: `GET` for the simple form with whole records, `POST` for the full one with tiles.

use actix_web::{HttpResponse, web};
use glimpse_engine::{DuplicateOptions, ErrorKind, ImageId, Mode, Page, Query, Source, Term};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::forms::{FullForm, MAX_RECORDS, MAX_TILES, SimpleForm, checked_limit};
use crate::error::ApiError;
use crate::extract::Json;
use crate::state::{AppState, ask};
use crate::wire::{HitView, TileView};

/// A page of hits.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageView<T> {
    /// The hits of this page, best first or in the order asked for.
    hits: Vec<T>,
    /// Hits above the cut in the whole result set.
    accepted: usize,
    /// Pictures below the cut; they are given only with `all`.
    weaker: usize,
    /// Pictures that passed the filter.
    searched: usize,
    /// `cursor` of the next page; none at the end. A result set stays as it is while it is paged.
    next: Option<String>,
}

/// Search in words
///
/// Gives hits with their whole records.
#[utoipa::path(get, path = "/api/v1/search", tag = "search", params(SimpleForm),
    responses((status = 200, body = PageView<HitView>), (status = "default", body = ApiError)))]
pub async fn simple(state: web::Data<AppState>, form: web::Query<SimpleForm>) -> Result<HttpResponse, ApiError> {
    let page = ask(&state, move |state| {
        let query = FullForm::from(form.into_inner()).into_query(40, MAX_RECORDS, &state.uploads)?;
        let page = found(state, &query)?;
        let mut hits = Vec::with_capacity(page.hits.len());
        for hit in &page.hits {
            match HitView::read(&state.engine, hit) {
                Ok(hit) => hits.push(hit),
                Err(error) if error.kind() == ErrorKind::NotFound => {} // removed since it was found
                Err(error) => return Err(error.into()),
            }
        }
        let next = page.next.map(|cursor| cursor.0);
        Ok(PageView { hits, accepted: page.accepted, weaker: page.weaker, searched: page.searched, next })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Search with everything
///
/// Text, uploaded pictures and pictures of the library in any mix, with weights, filters and order. Gives hits without
/// their details: many at a time, so that a page can lay them all out. `GET /api/v1/images` gives the details.
#[utoipa::path(post, path = "/api/v1/search", tag = "search", request_body = FullForm,
    responses((status = 200, body = PageView<TileView>), (status = "default", body = ApiError)))]
pub async fn full(state: web::Data<AppState>, Json(form): Json<FullForm>) -> Result<HttpResponse, ApiError> {
    let page = ask(&state, move |state| tiles(state, &form.into_query(500, MAX_TILES, &state.uploads)?));
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Where to go on among similar pictures.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct SimilarForm {
    /// Most hits of this answer, 40 unless said otherwise.
    #[param(minimum = 1, maximum = 5000)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// The weak tail below the cut too.
    #[param(value_type = Option<bool>)]
    all: bool,
}

/// Similar pictures
///
/// Pictures that look like one of the library, from stored vectors: needs no model.
#[utoipa::path(get, path = "/api/v1/images/{id}/similar", tag = "search", params(("id" = u64, Path), SimilarForm),
    responses((status = 200, body = PageView<TileView>), (status = "default", body = ApiError)))]
pub async fn similar(
    state: web::Data<AppState>,
    id: web::Path<u64>,
    form: web::Query<SimilarForm>,
) -> Result<HttpResponse, ApiError> {
    let form = form.into_inner();
    let query = Query {
        limit: checked_limit(form.limit, 40, MAX_TILES)?,
        cursor: form.cursor.map(glimpse_engine::Cursor),
        all: form.all,
        ..Query::default().plus(Source::Image(ImageId(*id)), 1.0)
    };
    Ok(HttpResponse::Ok().json(ask(&state, move |state| tiles(state, &query)).await?))
}

/// Answers, unless that would mean to wait for the model.
fn found(state: &AppState, query: &Query) -> Result<Page, ApiError> {
    let needs_model = |term: &Term| !matches!(term.source, Source::Image(_));
    if query.mode != Mode::Words && query.terms.iter().any(needs_model) {
        state.require_model()?;
    }
    Ok(state.engine.search(query)?)
}

fn tiles(state: &AppState, query: &Query) -> Result<PageView<TileView>, ApiError> {
    let page = found(state, query)?;
    let ids: Vec<ImageId> = page.hits.iter().map(|hit| hit.id).collect();
    let stacks = state.engine.stacks(&ids, &DuplicateOptions::default())?;
    let hits = TileView::read(&state.engine, &state.keeper.placeholders, &page.hits, &stacks)?;
    let next = page.next.map(|cursor| cursor.0);
    Ok(PageView { hits, accepted: page.accepted, weaker: page.weaker, searched: page.searched, next })
}
