//! Finding things in images, by name or by example: `GET` for the form as it is typed with whole
//! records, `POST` for the form in parts with tiles.

use std::path::PathBuf;

use actix_web::{HttpResponse, web};
use glimpse_engine::regions::MAX_OBJECTS;
use glimpse_engine::{
    Cursor, Depth, EngineError, ErrorKind, Filter, FindPage, FindQuery, Format, ImageId, QueryObject, Relation, Sort,
    StructuredQuery, Target,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::forms::{FilterForm, MAX_RECORDS, MAX_TILES, at_most, checked_limit, depth_of, flag};
use super::region_forms::{Asked, BoxForm, require_regions};
use super::search::stacks_of;
use crate::error::ApiError;
use crate::extract::{Json, QueryString};
use crate::state::{AppState, run_find, run_model};
use crate::wire::{BoxView, FoundTileView, FoundView, TileView, names};

/// Most boxes of a thing in an image.
const MAX_BOXES: usize = 63;
/// Most images of an answer whose boxes are made finer, each with a look at the image.
const MAX_FINE: usize = 50;

/// Most relations of a form: each thing to each.
const MAX_RELATIONS: usize = MAX_OBJECTS * MAX_OBJECTS;

/// Images that show what was asked, and where.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundPageView<T> {
    /// The query as it was understood; `thing` of a box is a place in its `things`.
    #[schema(value_type = names::StructuredQuery)]
    form: StructuredQuery,
    /// The images of this page, best first.
    hits: Vec<T>,
    /// Images at or above the cut in the whole result set; they come before weaker ones.
    accepted: usize,
    /// Those of them that are strong.
    strong: usize,
    /// Those of them that are likely.
    likely: usize,
    /// Images below the cut, of which `depth` says how many are given; they show all things less
    /// surely, or otherwise than asked. None where that is not known without looking at all.
    weaker: Option<usize>,
    /// What an image was asked to be like shows nothing in particular, as plain background does:
    /// more than half of all images are like it. None is accepted then.
    nothing_particular: bool,
    /// Images with regions that passed the filter.
    searched: usize,
    /// Images that passed the filter and have no regions, so that nothing can be found in them.
    without_regions: usize,
    /// `cursor` of the next page; none at the end.
    next: Option<String>,
}

/// A form in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TypedForm {
    /// The form as it is typed: `dog and ball`, `two or more dogs`, `dog left of ball, no cat`.
    #[param(max_length = 4096, example = "dog left of ball")]
    q: String,
    /// Language of the form's words, beside English: `de`, `fr`, `es`, `it`, `pt`, `ru`, `tr`,
    /// `ja`, `zh`, `ko`, `ar` or `he`.
    language: Option<String>,
    /// Smallest share of its image that a region covers, 0 to 1.
    #[serde(default)]
    #[param(value_type = Option<f32>, minimum = 0, maximum = 1)]
    min_area: f32,
    /// Most boxes of a thing in an image, 5 unless said otherwise.
    #[param(minimum = 1, maximum = 63)]
    max_boxes: Option<usize>,
    /// How far down the answer goes, `usual` unless said otherwise.
    #[param(value_type = Option<names::Depth>)]
    depth: Option<Depth>,
    /// The same as `depth=all`.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    all: bool,
    /// Order of the images, above and below the cut alike.
    #[serde(default)]
    #[param(value_type = Option<names::Sort>)]
    sort: Sort,
    /// Look at the images again for finer boxes; 50 at a time at most.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    fine: bool,
    /// Most images of this answer, 40 unless said otherwise.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Taken in or after this year, month, day or second.
    after: Option<String>,
    /// Taken before it.
    before: Option<String>,
    /// In this folder or below.
    #[param(value_type = Option<String>)]
    folder: Option<PathBuf>,
    /// Part of the camera's name.
    camera: Option<String>,
    /// Part of the lens's name.
    lens: Option<String>,
    /// A keyword, whatever its case.
    tag: Option<String>,
    /// A label that a region of it shows, whatever its case, where tags of regions are kept.
    region_tag: Option<String>,
    #[param(value_type = Option<names::Format>)]
    format: Option<Format>,
    /// Only favourites: `1` or `true`.
    #[serde(default, deserialize_with = "flag")]
    #[param(value_type = Option<bool>)]
    favourite: bool,
    /// Only hidden images, which all else leaves out: `1` or `true`.
    #[serde(default, deserialize_with = "flag")]
    #[param(value_type = Option<bool>)]
    hidden: bool,
    /// In this album, by its id.
    album: Option<String>,
}

impl TypedForm {
    /// What is asked for.
    pub fn into_query(self) -> Result<FindQuery, ApiError> {
        let filter = FilterForm {
            after: self.after,
            before: self.before,
            folders: self.folder.into_iter().collect(),
            cameras: self.camera.into_iter().collect(),
            lenses: self.lens.into_iter().collect(),
            tags: self.tag.into_iter().collect(),
            region_tags: self.region_tag.into_iter().collect(),
            formats: self.format.into_iter().collect(),
            place: None,
            favourite: self.favourite,
            hidden: self.hidden,
            album: self.album,
        };
        let (min_area, max_boxes, limit) = (self.min_area, self.max_boxes, self.limit);
        let depth = depth_of(self.depth, self.all);
        let bounds = Bounds { min_area, max_boxes, limit, cursor: self.cursor, depth, sort: self.sort, filter };
        let form = read_form(&self.q, self.language.as_deref())?;
        Ok(FindQuery { fine: self.fine, ..bounds.of(FindQuery::structured(form), 40, MAX_RECORDS)? })
    }
}

/// Find things
///
/// Images that show all that is asked for, each thing in a region of its own, with boxes and whole
/// records.
#[utoipa::path(get, path = "/api/v1/find", operation_id = "find_text", tag = "regions", params(TypedForm),
    responses((status = 200, description = "Images that show what was asked, with boxes and records",
        body = FoundPageView<FoundView>)))]
pub async fn typed(
    state: web::Data<AppState>,
    QueryString(form): QueryString<TypedForm>,
) -> Result<HttpResponse, ApiError> {
    let query = form.into_query()?;
    let page = run(&state, query, |state, query, page| {
        let hits = page.images.iter().map(|image| FoundView::read(&state.engine, image));
        let hits = hits.filter_map(still_there).collect::<Result<Vec<_>, _>>()?;
        Ok(view(query, page, hits))
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// A form as it is typed, with its words in English and another language.
fn read_form(text: &str, language: Option<&str>) -> Result<StructuredQuery, ApiError> {
    StructuredQuery::parse_in(text, language.unwrap_or("en")).map_err(ApiError::bad_form)
}

/// A form in a body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BuiltForm {
    /// A form as it is typed, in addition to what the other fields say; its things come after
    /// theirs.
    #[schema(max_length = 16384)]
    q: Option<String>,
    /// Language of the words of that form, beside English: `de`, `fr`, `es`, `it`, `pt`, `ru`,
    /// `tr`, `ja`, `zh`, `ko`, `ar` or `he`.
    language: Option<String>,
    /// What an image must show, as different regions of it.
    #[schema(value_type = Vec<names::QueryObject>, max_items = 8)]
    things: Vec<QueryObject>,
    /// What no region of it may show.
    #[schema(max_items = 8)]
    without: Vec<String>,
    /// How things lie to each other.
    #[schema(value_type = Vec<names::Relation>, max_items = 64)]
    relations: Vec<Relation>,
    /// Smallest share of its image that a region covers, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    min_area: f32,
    /// Most boxes of a thing in an image, 5 unless said otherwise.
    #[schema(minimum = 1, maximum = 63)]
    max_boxes: Option<usize>,
    /// How far down the answer goes, `usual` unless said otherwise.
    #[schema(value_type = Option<names::Depth>)]
    depth: Option<Depth>,
    /// The same as `"depth": "all"`.
    all: bool,
    /// Order of the images, above and below the cut alike.
    #[schema(value_type = names::Sort)]
    sort: Sort,
    /// Look at the images again for finer boxes; 50 at a time at most.
    fine: bool,
    /// Most images of this answer, 500 unless said otherwise.
    #[schema(minimum = 1, maximum = 5000)]
    limit: Option<usize>,
    /// `next` of the page before, with the query otherwise as it was.
    cursor: Option<String>,
    /// Conditions on stored facts, which must all hold.
    filter: FilterForm,
}

impl BuiltForm {
    /// What is asked for.
    pub fn into_query(self) -> Result<FindQuery, ApiError> {
        let (min_area, max_boxes, limit) = (self.min_area, self.max_boxes, self.limit);
        let depth = depth_of(self.depth, self.all);
        let bounds =
            Bounds { min_area, max_boxes, limit, cursor: self.cursor, depth, sort: self.sort, filter: self.filter };
        at_most("things", self.things.len(), MAX_OBJECTS)?;
        at_most("without", self.without.len(), MAX_OBJECTS)?;
        at_most("relations", self.relations.len(), MAX_RELATIONS)?;
        let parts = StructuredQuery { things: self.things, without: self.without, relations: self.relations };
        let whole = match self.q.filter(|q| !q.trim().is_empty()) {
            Some(q) => joined(parts, read_form(&q, self.language.as_deref())?),
            None => parts,
        };
        let usual = if self.fine { MAX_FINE } else { 500 };
        Ok(FindQuery { fine: self.fine, ..bounds.of(FindQuery::structured(whole), usual, MAX_TILES)? })
    }
}

/// Find things, in parts
///
/// Things with counts, what must not be there, and how things lie to each other. Gives images
/// without their details, and where they show what.
#[utoipa::path(post, path = "/api/v1/find", operation_id = "find", tag = "regions",
    request_body(content = BuiltForm, example = json!({"things": [{"text": "dog", "at_least": 2}, {"text": "ball"}], "relations": [{"first": 0, "is": "left-of", "second": 1}], "limit": 20})),
    responses((status = 200, description = "Images that show what was asked, with boxes, as tiles",
        body = FoundPageView<FoundTileView>)))]
pub async fn built(state: web::Data<AppState>, Json(form): Json<BuiltForm>) -> Result<HttpResponse, ApiError> {
    let query = form.into_query()?;
    Ok(HttpResponse::Ok().json(run(&state, query, tiles).await?))
}

/// Both forms: the places of the second one's things come after those of the first.
fn joined(mut form: StructuredQuery, more: StructuredQuery) -> StructuredQuery {
    let before = form.things.len();
    let later = |place: usize| place.saturating_add(before);
    let moved = |r: Relation| Relation { first: later(r.first), second: later(r.second), ..r };
    form.things.extend(more.things);
    form.without.extend(more.without);
    form.relations.extend(more.relations.into_iter().map(moved));
    form
}

/// An image and a part of it: exactly one of `image` and `upload`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LikeForm {
    /// Number of an image of the library.
    image: Option<u64>,
    /// Key of an uploaded image, from `POST /api/v1/uploads`.
    upload: Option<String>,
    /// The part to look for; all of it unless said otherwise.
    #[serde(rename = "box")]
    part: Option<BoxForm>,
    /// Smallest share of its image that a region covers, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    min_area: f32,
    /// Most boxes in an image, 5 unless said otherwise.
    #[schema(minimum = 1, maximum = 63)]
    max_boxes: Option<usize>,
    /// How far down the answer goes, `usual` unless said otherwise.
    #[schema(value_type = Option<names::Depth>)]
    depth: Option<Depth>,
    /// The same as `"depth": "all"`.
    all: bool,
    /// Order of the images, above and below the cut alike.
    #[schema(value_type = names::Sort)]
    sort: Sort,
    /// Most images of this answer, 500 unless said otherwise.
    #[schema(minimum = 1, maximum = 5000)]
    limit: Option<usize>,
    /// `next` of the page before, with the query otherwise as it was.
    cursor: Option<String>,
    /// Conditions on stored facts, which must all hold.
    filter: FilterForm,
}

impl LikeForm {
    /// It asks for an image that is not kept.
    pub fn names_upload(&self) -> bool {
        self.upload.is_some()
    }

    /// What is asked for. Reads the record of the image that is named.
    pub fn into_query(self, state: &AppState) -> Result<FindQuery, ApiError> {
        let (min_area, max_boxes, limit) = (self.min_area, self.max_boxes, self.limit);
        let depth = depth_of(self.depth, self.all);
        let bounds =
            Bounds { min_area, max_boxes, limit, cursor: self.cursor, depth, sort: self.sort, filter: self.filter };
        let asked = Asked::of(state, self.image, self.upload)?;
        let rect = asked.part(self.part)?;
        bounds.of(FindQuery::like(asked.source, rect), 500, MAX_TILES)
    }
}

/// Regions like one
///
/// Images with a region that looks like a part of an image, which may be one of the library or an
/// uploaded one.
#[utoipa::path(post, path = "/api/v1/similar", operation_id = "similar_regions", tag = "regions",
    request_body(content = LikeForm, example = json!({"image": 17, "box": {"x": 40, "y": 30, "width": 120, "height": 90}})),
    responses((status = 200, description = "Images with a part like it, with boxes, as tiles",
        body = FoundPageView<FoundTileView>)))]
pub async fn similar(state: web::Data<AppState>, Json(form): Json<LikeForm>) -> Result<HttpResponse, ApiError> {
    let page = run_model(&state, move |state| {
        let query = form.into_query(state)?;
        tiles(state, &query, found(state, &query)?)
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// What all questions about regions have in common.
struct Bounds {
    min_area: f32,
    max_boxes: Option<usize>,
    limit: Option<usize>,
    cursor: Option<String>,
    depth: Depth,
    sort: Sort,
    filter: FilterForm,
}

impl Bounds {
    fn of(self, query: FindQuery, usual: usize, most: usize) -> Result<FindQuery, ApiError> {
        let max_boxes = self.max_boxes.unwrap_or(query.max_boxes);
        if !(1..=MAX_BOXES).contains(&max_boxes) {
            return Err(ApiError::bad_request(format!("`max_boxes` is {max_boxes}; it goes from 1 to {MAX_BOXES}")));
        }
        Ok(FindQuery {
            filter: Filter::try_from(self.filter)?,
            min_area: self.min_area,
            max_boxes,
            sort: self.sort,
            limit: checked_limit(self.limit, usual, most)?,
            cursor: self.cursor.map(Cursor),
            depth: self.depth,
            ..query
        })
    }
}

/// Answers on a thread for finding; finer boxes where images are looked at.
async fn run<T: Send + 'static>(
    state: &web::Data<AppState>,
    query: FindQuery,
    show: fn(&AppState, &FindQuery, FindPage) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    if query.fine && query.limit > MAX_FINE {
        return Err(ApiError::bad_request(format!("`limit` is {}; with `fine` it goes to {MAX_FINE}", query.limit)));
    }
    let looks = query.fine;
    let work = move |state: &AppState| {
        let page = found(state, &query)?;
        show(state, &query, page)
    };
    if looks { run_model(state, work).await } else { run_find(state, work).await }
}

fn found(state: &AppState, query: &FindQuery) -> Result<FindPage, ApiError> {
    require_regions(state)?;
    state.require_model()?;
    Ok(state.engine.find(query)?)
}

fn view<T>(query: &FindQuery, page: FindPage, hits: Vec<T>) -> FoundPageView<T> {
    let form = match &query.target {
        Target::Structured(form) => form.clone(),
        Target::Example(_) => StructuredQuery::default(),
    };
    let FindPage { accepted, strong, weaker, nothing_particular, searched, without_regions, next, .. } = page;
    let (likely, next) = (accepted - strong, next.map(|cursor| cursor.0));
    FoundPageView { form, hits, accepted, strong, likely, weaker, nothing_particular, searched, without_regions, next }
}

fn tiles(state: &AppState, query: &FindQuery, page: FindPage) -> Result<FoundPageView<FoundTileView>, ApiError> {
    let shown: Vec<(ImageId, ImageId)> = page.images.iter().map(|image| (image.id, image.shown())).collect();
    let stacks = stacks_of(state, &shown)?;
    let hits = page.images.iter().zip(stacks).map(|(image, stack)| {
        let (of, standing) = ((image.id, image.frame.as_ref()), (image.score, image.strength));
        let tile = TileView::of(&state.engine, &state.thumbnail_indexer.placeholders, of, standing, stack)?;
        Ok(tile.map(|tile| FoundTileView {
            boxes: BoxView::all(&image.boxes, tile.width, tile.height),
            refined: image.refined,
            tile,
        }))
    });
    let hits = hits.filter_map(Result::transpose).collect::<Result<_, EngineError>>()?;
    Ok(view(query, page, hits))
}

/// Leaves out an image that was removed since it was found.
fn still_there<T>(read: Result<T, EngineError>) -> Option<Result<T, EngineError>> {
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        read => Some(read),
    }
}
