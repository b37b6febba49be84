//! Favourites, albums, and searches that are kept.

use actix_web::{HttpResponse, web};
use glimpse_engine::{Album, Engine, FindQuery, ReasonCode, Refusal, SavedSearch, SearchToSave};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::find::{BuiltForm, LikeForm};
use super::forms::FullForm;
use crate::chosen::ChosenImages;
use crate::error::ApiError;
use crate::extract::LongJson;
use crate::state::{AppState, run_find, run_search};
use crate::wire::SavedQuery;

/// Which images become favourites, and which are none any more.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FavouritesForm {
    /// Numbers of images, 50,000 at most.
    #[schema(value_type = Vec<u64>, max_items = 50_000)]
    add: ChosenImages,
    /// Numbers of images, 50,000 at most.
    #[schema(value_type = Vec<u64>, max_items = 50_000)]
    remove: ChosenImages,
}

/// How many favourites there are.
#[derive(Serialize, ToSchema)]
pub struct FavouritesView {
    /// With those whose images are not in the library at the moment.
    count: usize,
}

/// Favourites
///
/// Makes images favourites, and others none any more. A favourite is a content: it stays one when
/// its file is moved, and when the library is made anew.
#[utoipa::path(post, path = "/api/v1/favourites", operation_id = "favourites", tag = "albums",
    request_body(content = FavouritesForm, example = json!({"add": [3, 7], "remove": [5]})),
    responses((status = 200, description = "How many there are now", body = FavouritesView)))]
pub async fn favourites(
    state: web::Data<AppState>,
    LongJson(form): LongJson<FavouritesForm>,
) -> Result<HttpResponse, ApiError> {
    let count = run_search(&state, move |state| Ok(state.engine.set_favourites(&form.add.0, &form.remove.0)?)).await?;
    Ok(HttpResponse::Ok().json(FavouritesView { count }))
}

/// All albums.
#[derive(Serialize, ToSchema)]
pub struct AlbumsView {
    /// By name.
    albums: Vec<AlbumView>,
    /// What could not be read of favourites and albums, in words; none if all is well.
    problem: Option<String>,
}

/// An album, or a saved search.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlbumView {
    /// Names it for good.
    id: String,
    name: String,
    /// Images that can be found. None for a saved search that cannot be asked now, as the model is
    /// not loaded.
    count: Option<usize>,
    /// The image that stands for it: the one that was chosen, else the first.
    cover: Option<u64>,
    /// What a saved search asks, if it is for images as a whole.
    #[schema(value_type = Option<FullForm>)]
    query: Option<Value>,
    /// What a saved search asks, if it is for things in images.
    #[schema(value_type = Option<BuiltForm>)]
    find: Option<Value>,
    /// What a saved search asks, if it is for regions like a part of an image.
    #[schema(value_type = Option<LikeForm>)]
    similar: Option<Value>,
    /// The same as an address of the page.
    address: Option<String>,
    /// Images that a saved search finds and that came since it was last opened.
    new: usize,
}

impl AlbumView {
    fn of(state: &AppState, album: &Album) -> Result<Self, ApiError> {
        let engine: &Engine = &state.engine;
        let images = engine.images_of(album)?;
        let asked = album.search.as_ref().map(|search| SavedQuery::read(engine, search)).transpose()?.flatten();
        let (count, new) = match (&album.search, &asked) {
            (None, _) => (Some(images.len()), 0),
            (Some(search), Some(asked)) => saved(state, search, asked.query.clone())?,
            (Some(_), None) => (None, 0),
        };
        let regions = album.search.as_ref().is_some_and(|search| search.regions);
        let (asked, address) = asked.map_or((None, None), |asked| (Some(asked.query), asked.address));
        let (mut query, mut find, mut similar) = (None, None, None);
        match asked {
            Some(body) if regions && is_like(&body) => similar = Some(body),
            Some(body) if regions => find = Some(body),
            body => query = body,
        }
        Ok(Self {
            id: album.id.clone(),
            name: album.name.clone(),
            count,
            cover: engine.cover_of(album, &images)?.map(|cover| cover.0),
            query,
            find,
            similar,
            address,
            new,
        })
    }
}

/// How many images a saved search finds, and how many of them are new.
fn saved(state: &AppState, search: &SavedSearch, query: Value) -> Result<(Option<usize>, usize), ApiError> {
    if state.require_model().is_err() {
        return Ok((None, 0));
    }
    // A search of another version of this program, or for an image that is gone, has no number.
    let counted = if search.regions {
        let query = region_query(state, query).ok();
        query.and_then(|query| state.engine.saved_find_count(search, &query).ok())
    } else {
        let query = serde_json::from_value::<FullForm>(query).ok();
        let query = query.and_then(|form| form.into_query(1, usize::MAX, &state.uploads).ok());
        query.and_then(|query| state.engine.saved_count(search, &query).ok())
    };
    Ok(counted.map_or((None, 0), |counted| (Some(counted.images), counted.new)))
}

/// A saved search for regions is for things, or for regions like one, which names an image.
fn is_like(body: &Value) -> bool {
    body.get("image").is_some() || body.get("upload").is_some()
}

/// What a saved search for regions asks: the body of `POST /api/v1/find`, or of
/// `POST /api/v1/similar`.
fn region_query(state: &AppState, body: Value) -> Result<FindQuery, ApiError> {
    let unreadable = |error: serde_json::Error| ApiError::bad_request(error.to_string());
    let query = if is_like(&body) {
        let asked: LikeForm = serde_json::from_value(body).map_err(unreadable)?;
        if asked.names_upload() {
            return Err(upload_is_not_kept());
        }
        asked.into_query(state)?
    } else {
        serde_json::from_value::<BuiltForm>(body).map_err(unreadable)?.into_query()?
    };
    query.validate()?;
    Ok(query)
}

fn upload_is_not_kept() -> ApiError {
    let error = ApiError::bad_request("an image that was uploaded is not kept, so a search for it cannot be");
    error.because(ReasonCode::UploadNotKept).hint("search with an image of the library instead")
}

/// Answers where views of albums are made: if one of them asks for things in images, on a thread
/// that may wait for all regions to be read.
async fn run_albums<T: Send + 'static>(
    state: &web::Data<AppState>,
    asks_regions: bool,
    work: impl FnOnce(&AppState) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let any = |state: &AppState| {
        let albums = state.engine.albums()?;
        Ok(albums.iter().any(|album| album.search.as_ref().is_some_and(|search| search.regions)))
    };
    if asks_regions || run_search(state, any).await? {
        run_find(state, work).await
    } else {
        run_search(state, work).await
    }
}

/// Albums
///
/// All albums and saved searches, with the numbers of their images.
#[utoipa::path(get, path = "/api/v1/albums", operation_id = "albums", tag = "albums",
    responses((status = 200, description = "The albums, by name", body = AlbumsView)))]
pub async fn list(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let view = run_albums(&state, false, |state| {
        let albums = state.engine.albums()?;
        let albums = albums.iter().map(|album| AlbumView::of(state, album)).collect::<Result<_, _>>()?;
        Ok(AlbumsView { albums, problem: state.engine.collections_problem()? })
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// An album to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlbumForm {
    /// One line.
    #[schema(min_length = 1, max_length = 400)]
    name: String,
    /// Numbers of its images in their order, 50,000 at most.
    #[serde(default)]
    #[schema(value_type = Vec<u64>, max_items = 50_000, required = false)]
    images: ChosenImages,
    /// Makes it a saved search, which has no images of its own: a body of `POST /api/v1/search`.
    #[schema(value_type = Option<FullForm>)]
    query: Option<Value>,
    /// Makes it a saved search for things in images: a body of `POST /api/v1/find`.
    #[schema(value_type = Option<BuiltForm>)]
    find: Option<Value>,
    /// Makes it a saved search for regions like a part of an image of the library: a body of
    /// `POST /api/v1/similar`.
    #[schema(value_type = Option<LikeForm>)]
    similar: Option<Value>,
    /// The same as an address of the page.
    #[schema(max_length = 65_536)]
    address: Option<String>,
}

/// Make an album
///
/// Of images, or of a search that is kept and fills itself.
#[utoipa::path(post, path = "/api/v1/albums", operation_id = "create_album", tag = "albums",
    request_body(content = NewAlbumForm, example = json!({"name": "Spain", "images": [3, 7]})),
    responses((status = 201, description = "The album", body = AlbumView)))]
pub async fn create(
    state: web::Data<AppState>,
    LongJson(form): LongJson<NewAlbumForm>,
) -> Result<HttpResponse, ApiError> {
    let asks_regions = form.find.is_some() || form.similar.is_some();
    let view = run_albums(&state, asks_regions, move |state| {
        let is_search = form.query.is_some() || asks_regions;
        if is_search && !form.images.0.is_empty() {
            let text = "a saved search fills itself; give `images`, or what it asks";
            return Err(Refusal::new(ReasonCode::FillsItself, text).into());
        }
        let album = match (form.query, form.find, form.similar) {
            (None, None, None) => state.engine.create_album(&form.name, &form.images.0)?,
            (None, Some(body), None) if is_like(&body) => {
                return Err(ApiError::bad_request("regions like one are asked for by `similar`, not by `find`"));
            }
            (None, None, Some(body)) if !is_like(&body) => {
                return Err(ApiError::bad_request("`similar` names an image; give `image`, and the `box` in it"));
            }
            (None, Some(body), None) | (None, None, Some(body)) => {
                region_query(state, body.clone())?;
                state.engine.save_search(&form.name, to_save(body, true, form.address))?
            }
            (Some(query), None, None) => {
                let asked: FullForm =
                    serde_json::from_value(query.clone()).map_err(|error| ApiError::bad_request(error.to_string()))?;
                if asked.names_upload() {
                    return Err(upload_is_not_kept());
                }
                asked.into_query(1, usize::MAX, &state.uploads)?;
                state.engine.save_search(&form.name, to_save(query, false, form.address))?
            }
            _ => return Err(ApiError::bad_request("give one of `query`, `find` and `similar`")),
        };
        AlbumView::of(state, &album)
    });
    Ok(HttpResponse::Created().json(view.await?))
}

fn to_save(query: Value, regions: bool, address: Option<String>) -> SearchToSave {
    let (asked, saved) = (query.to_string(), SavedQuery { query, address });
    SearchToSave { query: asked, regions, images: saved.images(), address: saved.address }
}

/// What to change of an album.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlbumForm {
    #[schema(min_length = 1, max_length = 400)]
    name: Option<String>,
    /// The image that stands for it.
    cover: Option<u64>,
}

/// Change an album
#[utoipa::path(post, path = "/api/v1/albums/{id}", operation_id = "change_album", tag = "albums",
    params(("id" = String, Path)),
    request_body(content = AlbumForm, example = json!({"name": "Spain 2023", "cover": 7})),
    responses((status = 200, description = "The album", body = AlbumView)))]
pub async fn change(
    state: web::Data<AppState>,
    id: web::Path<String>,
    LongJson(form): LongJson<AlbumForm>,
) -> Result<HttpResponse, ApiError> {
    let view = run_albums(&state, false, move |state| {
        let cover = form.cover.map(glimpse_engine::ImageId);
        AlbumView::of(state, &*state.engine.change_album(&id, form.name, cover)?)
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// Remove an album
///
/// No image is touched.
#[utoipa::path(delete, path = "/api/v1/albums/{id}", operation_id = "remove_album", tag = "albums",
    params(("id" = String, Path)), responses((status = 204, description = "It is gone")))]
pub async fn remove(state: web::Data<AppState>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    run_search(&state, move |state| Ok(state.engine.remove_album(&id)?)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What to change of the images of an album.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlbumImagesForm {
    /// Numbers of images that come behind the others, 50,000 at most.
    #[schema(value_type = Vec<u64>, max_items = 50_000)]
    add: ChosenImages,
    /// Numbers of images that are taken out, 50,000 at most.
    #[schema(value_type = Vec<u64>, max_items = 50_000)]
    remove: ChosenImages,
    /// Numbers of images in the order that they get, behind `after` or else before all others;
    /// 50,000 at most.
    #[schema(value_type = Vec<u64>, max_items = 50_000)]
    order: ChosenImages,
    /// The image of the album that those of `order` come behind.
    after: Option<u64>,
}

/// Change the images of an album
#[utoipa::path(post, path = "/api/v1/albums/{id}/images", operation_id = "change_album_images", tag = "albums",
    params(("id" = String, Path)),
    request_body(content = AlbumImagesForm, example = json!({"add": [3, 7], "remove": [5]})),
    responses((status = 200, description = "The album", body = AlbumView)))]
pub async fn images(
    state: web::Data<AppState>,
    id: web::Path<String>,
    LongJson(form): LongJson<AlbumImagesForm>,
) -> Result<HttpResponse, ApiError> {
    let view = run_search(&state, move |state| {
        let (add, remove, order) = (&form.add.0, &form.remove.0, &form.order.0);
        let after = form.after.map(glimpse_engine::ImageId);
        AlbumView::of(state, &*state.engine.change_album_images(&id, add, remove, order, after)?)
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// Open a saved search
///
/// Says that it was looked at: what it finds now is not `new` any more.
#[utoipa::path(post, path = "/api/v1/albums/{id}/seen", operation_id = "album_seen", tag = "albums",
    params(("id" = String, Path)), responses((status = 200, description = "The album", body = AlbumView)))]
pub async fn seen(state: web::Data<AppState>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let view = run_albums(&state, false, move |state| AlbumView::of(state, &*state.engine.album_seen(&id)?));
    Ok(HttpResponse::Ok().json(view.await?))
}
