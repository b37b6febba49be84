//! Search: `GET` for the simple form, `POST` for the full one.

use std::path::PathBuf;

use actix_web::{HttpResponse, web};
use glimpse_engine::{Cursor, ErrorKind, Filter, Format, GeoBox, ImageId, Mode, Query, Sort, Source, Term};
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::state::{AppState, ask};
use crate::wire::{HitView, parse_date};

/// Most hits of one answer, fewer than the engine gives: each comes with its record.
const MAX_LIMIT: usize = 200;

/// `GET /api/v1/search?q=dog&like=17&after=2024-05&...`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimpleForm {
    q: Option<String>,
    like: Option<u64>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    sort: Sort,
    limit: Option<usize>,
    cursor: Option<String>,
    #[serde(default)]
    all: bool,
    after: Option<String>,
    before: Option<String>,
    folder: Option<PathBuf>,
    camera: Option<String>,
    format: Option<Format>,
}

/// `POST /api/v1/search`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FullForm {
    terms: Vec<TermForm>,
    mode: Mode,
    sort: Sort,
    limit: Option<usize>,
    cursor: Option<String>,
    all: bool,
    filter: FilterForm,
}

/// A term: its text, or the number of a picture.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TermForm {
    text: Option<String>,
    image: Option<u64>,
    #[serde(default = "one")]
    weight: f32,
}

fn one() -> f32 {
    1.0
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FilterForm {
    after: Option<String>,
    before: Option<String>,
    folders: Vec<PathBuf>,
    cameras: Vec<String>,
    formats: Vec<Format>,
    place: Option<GeoBox>,
}

/// A page of hits.
#[derive(Debug, Serialize)]
struct PageView {
    hits: Vec<HitView>,
    /// Hits above the cut in the whole result set.
    accepted: usize,
    /// Hits below the cut, given only with `all`.
    weaker: usize,
    /// Pictures that passed the filter.
    searched: usize,
    /// `cursor` of the next page.
    next: Option<String>,
}

/// `GET /api/v1/search`
pub async fn simple(state: web::Data<AppState>, form: web::Query<SimpleForm>) -> Result<HttpResponse, ApiError> {
    answer(&state, form.into_inner().into()).await
}

/// `POST /api/v1/search`
pub async fn full(state: web::Data<AppState>, form: web::Json<FullForm>) -> Result<HttpResponse, ApiError> {
    answer(&state, form.into_inner()).await
}

async fn answer(state: &web::Data<AppState>, form: FullForm) -> Result<HttpResponse, ApiError> {
    let query = Query::try_from(form)?;
    let page = ask(state, move |state| {
        let page = state.engine.search(&query)?;
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

impl From<SimpleForm> for FullForm {
    fn from(form: SimpleForm) -> Self {
        let text = form.q.filter(|text| !text.trim().is_empty());
        let text = text.map(|text| TermForm { text: Some(text), image: None, weight: 1.0 });
        let image = form.like.map(|id| TermForm { text: None, image: Some(id), weight: 1.0 });
        Self {
            terms: text.into_iter().chain(image).collect(),
            mode: form.mode,
            sort: form.sort,
            limit: form.limit,
            cursor: form.cursor,
            all: form.all,
            filter: FilterForm {
                after: form.after,
                before: form.before,
                folders: form.folder.into_iter().collect(),
                cameras: form.camera.into_iter().collect(),
                formats: form.format.into_iter().collect(),
                place: None,
            },
        }
    }
}

impl TryFrom<FullForm> for Query {
    type Error = ApiError;

    fn try_from(form: FullForm) -> Result<Self, ApiError> {
        let limit = form.limit.unwrap_or(40);
        if limit == 0 || limit > MAX_LIMIT {
            return Err(ApiError::bad_request(format!("`limit` is {limit}; it goes from 1 to {MAX_LIMIT}")));
        }
        Ok(Self {
            terms: form.terms.into_iter().map(Term::try_from).collect::<Result<_, _>>()?,
            filter: form.filter.try_into()?,
            mode: form.mode,
            sort: form.sort,
            limit,
            cursor: form.cursor.map(Cursor),
            all: form.all,
        })
    }
}

impl TryFrom<TermForm> for Term {
    type Error = ApiError;

    fn try_from(form: TermForm) -> Result<Self, ApiError> {
        let source = match (form.text, form.image) {
            (Some(text), None) => Source::Text(text),
            (None, Some(id)) => Source::Image(ImageId(id)),
            _ => return Err(ApiError::bad_request("a term has either `text` or `image`")),
        };
        Ok(Self { source, weight: form.weight })
    }
}

impl TryFrom<FilterForm> for Filter {
    type Error = ApiError;

    fn try_from(form: FilterForm) -> Result<Self, ApiError> {
        let date = |text: Option<String>| text.as_deref().map(parse_date).transpose();
        let wrong = |error: crate::wire::DateError| ApiError::bad_request(error.to_string());
        Ok(Self {
            taken_from: date(form.after).map_err(wrong)?,
            taken_before: date(form.before).map_err(wrong)?,
            folders: form.folders,
            cameras: form.cameras,
            formats: form.formats,
            place: form.place,
        })
    }
}
