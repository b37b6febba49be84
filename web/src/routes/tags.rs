//! Keywords of the library.

use std::path::PathBuf;

use actix_web::{HttpResponse, web};
use glimpse_engine::{Filter, Format};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::forms::{FilterForm, checked_limit, flag};
use crate::error::ApiError;
use crate::extract::QueryString;
use crate::state::{AppState, run_search};
use crate::wire::names;

/// Most keywords of an answer.
const MAX_TAGS: usize = 10_000;

/// Whose keywords.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct TagListForm {
    /// Taken in or after this year, month, day or second.
    after: Option<String>,
    /// Taken before it.
    before: Option<String>,
    /// In this folder or below.
    #[param(value_type = Option<String>)]
    folder: Option<PathBuf>,
    /// Part of the camera's name.
    camera: Option<String>,
    /// A label that a region of it shows, whatever its case, where tags of regions are kept.
    region_tag: Option<String>,
    #[param(value_type = Option<names::Format>)]
    format: Option<Format>,
    /// Only favourites: `1` or `true`.
    #[serde(deserialize_with = "flag")]
    #[param(value_type = Option<bool>)]
    favourite: bool,
    /// Only hidden images, which all else leaves out: `1` or `true`.
    #[serde(deserialize_with = "flag")]
    #[param(value_type = Option<bool>)]
    hidden: bool,
    /// In this album, by its id.
    album: Option<String>,
    /// Most keywords of this answer, 500 unless said otherwise.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<usize>,
}

/// Keywords.
#[derive(Serialize, ToSchema)]
pub struct TagListView {
    /// Most frequent first.
    tags: Vec<TagCountView>,
    /// Where they come from.
    source: TagSource,
}

/// Where keywords come from: from XMP, IPTC, EXIF and sidecars.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TagSource {
    /// People or their programs wrote them.
    Keywords,
}

/// A keyword and its images.
#[derive(Serialize, ToSchema)]
pub struct TagCountView {
    /// As it was first written; what differs in case alone is the same.
    tag: String,
    /// How many images have it.
    images: usize,
    /// The newest of them.
    cover: u64,
}

/// Keywords
///
/// The keywords of the images that pass a filter, each with the number of its images and the newest
/// one.
#[utoipa::path(get, path = "/api/v1/tags", operation_id = "keywords", tag = "library", params(TagListForm),
    responses((status = 200, description = "Keywords, most frequent first", body = TagListView)))]
pub async fn tags(
    state: web::Data<AppState>,
    QueryString(form): QueryString<TagListForm>,
) -> Result<HttpResponse, ApiError> {
    let limit = checked_limit(form.limit, 500, MAX_TAGS)?;
    let filter = Filter::try_from(FilterForm {
        after: form.after,
        before: form.before,
        folders: form.folder.into_iter().collect(),
        cameras: form.camera.into_iter().collect(),
        region_tags: form.region_tag.into_iter().collect(),
        formats: form.format.into_iter().collect(),
        favourite: form.favourite,
        hidden: form.hidden,
        album: form.album,
        ..FilterForm::default()
    })?;
    let mut counts = run_search(&state, move |state| Ok(state.engine.tags_of(&filter)?)).await?;
    counts.truncate(limit);
    let tags =
        counts.into_iter().map(|count| TagCountView { tag: count.tag, images: count.images, cover: count.newest.0 });
    Ok(HttpResponse::Ok().json(TagListView { tags: tags.collect(), source: TagSource::Keywords }))
}
