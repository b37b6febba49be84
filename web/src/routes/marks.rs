//! What people mark images with, beside favourites: hiding them, and tags of their own.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::chosen::ChosenImages;
use crate::error::ApiError;
use crate::extract::LongJson;
use crate::state::{AppState, run_search};

/// Which images are hidden, and which are shown again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HiddenForm {
    /// Numbers of images, 50,000 at most.
    #[schema(value_type = Vec<u64>, max_items = 50_000)]
    add: ChosenImages,
    /// Numbers of images, 50,000 at most.
    #[schema(value_type = Vec<u64>, max_items = 50_000)]
    remove: ChosenImages,
}

/// How many images are hidden.
#[derive(Serialize, ToSchema)]
pub struct HiddenView {
    /// With those that are not in the library at the moment.
    count: usize,
}

/// Hidden images
///
/// Hides images, and shows others again. A hidden image is left out of every search and list, of
/// albums, counts and the map, unless a filter asks for hidden ones. It is a content that is
/// hidden: it stays so when its file is moved, and when the library is made anew.
#[utoipa::path(post, path = "/api/v1/hidden", operation_id = "hidden", tag = "albums",
    request_body(content = HiddenForm, example = json!({"add": [3, 7], "remove": [5]})),
    responses((status = 200, description = "How many are hidden now", body = HiddenView)))]
pub async fn hidden(
    state: web::Data<AppState>,
    LongJson(form): LongJson<HiddenForm>,
) -> Result<HttpResponse, ApiError> {
    let count = run_search(&state, move |state| Ok(state.engine.set_hidden(&form.add.0, &form.remove.0)?)).await?;
    Ok(HttpResponse::Ok().json(HiddenView { count }))
}

/// Tags for images.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagsForm {
    /// Numbers of images, 50,000 at most.
    #[schema(value_type = Vec<u64>, min_items = 1, max_items = 50_000)]
    images: ChosenImages,
    /// Tags that they get: one line of 200 bytes at most each. Those that they have in any case of
    /// letters, also from their files, are not given again.
    #[serde(default)]
    #[schema(max_items = 50)]
    add: Vec<String>,
    /// Tags that are taken away, if a user of this program gave them.
    #[serde(default)]
    #[schema(max_items = 50)]
    remove: Vec<String>,
}

/// What became of the tags.
#[derive(Serialize, ToSchema)]
pub struct TagsChangedView {
    /// Images that have other tags now.
    changed: usize,
}

/// Tags of one's own
///
/// Gives images tags, and takes away such that were given so. They count as keywords wherever these
/// do, and stay with the content of an image when its file is moved, and when the library is made
/// anew; files are not touched.
#[utoipa::path(post, path = "/api/v1/tags", operation_id = "set_tags", tag = "albums",
    request_body(content = TagsForm, example = json!({"images": [3, 7], "add": ["beach"], "remove": ["city"]})),
    responses((status = 200, description = "How many images have other tags now", body = TagsChangedView)))]
pub async fn tags(state: web::Data<AppState>, LongJson(form): LongJson<TagsForm>) -> Result<HttpResponse, ApiError> {
    let set = move |state: &AppState| Ok(state.engine.set_tags(&form.images.0, &form.add, &form.remove)?);
    let changed = run_search(&state, set).await?;
    Ok(HttpResponse::Ok().json(TagsChangedView { changed }))
}
