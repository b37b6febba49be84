//! Work over the whole library: tags and near-duplicates.

use actix_web::{HttpResponse, web};
use glimpse_engine::{DuplicateOptions, EngineError, ErrorKind, Filter, TagOptions};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::forms::{FilterForm, checked_limit};
use crate::error::ApiError;
use crate::extract::{Json, QueryString};
use crate::state::{AppState, run_heavy};
use crate::wire::{GroupView, TaggedView};

/// Most labels of a request.
const MAX_LABELS: usize = 500;

/// Labels of the user's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagForm {
    /// Words or short phrases, in any language.
    #[schema(min_items = 1, max_items = 500)]
    labels: Vec<String>,
    /// Which images.
    #[serde(default)]
    filter: FilterForm,
    /// Most tags of an image, 5 unless said otherwise.
    #[schema(minimum = 1, maximum = 500)]
    max_tags: Option<usize>,
    /// Smallest score of a tag, 0 to 1; the usual cut is 0.5.
    #[schema(minimum = 0, maximum = 1)]
    min_score: Option<f32>,
    /// Most images of this answer, 100 unless said otherwise.
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Go on after the image with this number.
    after: Option<u64>,
}

/// Images and their tags, by number.
#[derive(Debug, Serialize, ToSchema)]
pub struct TagsView {
    /// The images that some label fits.
    images: Vec<TaggedView>,
    /// `after` of the next page; none at the end.
    next: Option<u64>,
}

/// Tag images
///
/// Which of the labels fit which images, each judged by itself as a search is. An image that no
/// label fits is left out. The library is tagged once; pages are read from that.
#[utoipa::path(post, path = "/api/v1/tag", operation_id = "tag", tag = "library",
    request_body(content = TagForm, example = json!({"labels": ["beach", "mountains", "city"]})),
    responses((status = 200, description = "The images with their tags", body = TagsView)))]
pub async fn tag(state: web::Data<AppState>, Json(form): Json<TagForm>) -> Result<HttpResponse, ApiError> {
    let limit = checked_limit(form.limit, 100, 1000)?;
    if form.labels.len() > MAX_LABELS {
        let message = format!("{} labels; {MAX_LABELS} is the most", form.labels.len());
        return Err(ApiError::bad_request(message).hint("ask several times"));
    }
    let usual = TagOptions::default();
    let options = TagOptions {
        filter: Filter::try_from(form.filter)?,
        max_tags: checked_limit(form.max_tags, usual.max_tags, MAX_LABELS)?,
        min_score: form.min_score.unwrap_or(usual.min_score),
    };
    if !(0.0..=1.0).contains(&options.min_score) {
        return Err(ApiError::bad_request("`min_score` goes from 0 to 1"));
    }
    let (labels, after) = (form.labels, form.after);
    let tags = run_heavy(&state, move |state| {
        state.require_model()?;
        let tagged = state.engine.tagged(&labels, &options)?;
        let from = after.map_or(0, |after| tagged.partition_point(|tagged| tagged.id.0 <= after));
        let mut images = Vec::new();
        let mut at = from;
        while at < tagged.len() && images.len() < limit {
            images.extend(still_there(TaggedView::read(&state.engine, &tagged[at]))?);
            at += 1;
        }
        let next = images.last().filter(|_| at < tagged.len()).map(|last| last.image.id.0);
        Ok(TagsView { images, next })
    });
    Ok(HttpResponse::Ok().json(tags.await?))
}

/// How alike counts as a duplicate, and where to go on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct DuplicatesForm {
    /// Smallest cosine within a group, 0.97 unless said otherwise.
    #[param(minimum = 0.8, maximum = 1)]
    min_cosine: Option<f32>,
    /// Most groups of this answer, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Groups to step over.
    #[param(value_type = Option<usize>)]
    offset: usize,
}

/// Groups of near-duplicates.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupsView {
    /// Largest group first; the best image of each first.
    groups: Vec<GroupView>,
    /// All groups.
    total: usize,
}

/// Near-duplicates
///
/// Groups of images that are nearly the same. Videos are, if they take about as long and each frame
/// of one is nearly that of the other. The whole library is compared once; pages are read from
/// that.
#[utoipa::path(get, path = "/api/v1/duplicates", operation_id = "duplicates", tag = "library", params(DuplicatesForm),
    responses((status = 200, description = "Groups of images that are nearly the same",
        body = GroupsView)))]
pub async fn duplicates(
    state: web::Data<AppState>,
    QueryString(form): QueryString<DuplicatesForm>,
) -> Result<HttpResponse, ApiError> {
    let limit = checked_limit(form.limit, 50, 1000)?;
    let offset = form.offset;
    let options = DuplicateOptions { min_cosine: form.min_cosine.unwrap_or(DuplicateOptions::default().min_cosine) };
    if !(0.8..=1.0).contains(&options.min_cosine) {
        return Err(ApiError::bad_request("`min_cosine` goes from 0.8 to 1; below that, images are merely alike"));
    }
    let view = run_heavy(&state, move |state| {
        let groups = state.engine.grouped(&options)?;
        let page = groups.iter().skip(offset).take(limit);
        let page = page.map(|group| still_there(GroupView::read(&state.engine, group)));
        let page = page.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(GroupsView { groups: page, total: groups.len() })
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// Leaves out what an image belongs to that was removed since the answer was made.
fn still_there<T>(read: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}
