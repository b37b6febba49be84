//! What the library holds: facets, folders, numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use actix_web::{HttpResponse, web};
use glimpse_engine::Filter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::forms::{FilterForm, flag};
use crate::error::ApiError;
use crate::extract::QueryString;
use crate::state::{AppState, run_search};
use crate::wire::paths::shown;
use crate::wire::{StatsView, format_taken, names};

/// Most keywords of an answer, and most labels: a library can have as many as it has images.
const MAX_TAGS: usize = 500;

/// What images to count.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct FacetsForm {
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
    format: Option<glimpse_engine::Format>,
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
}

/// What there is to filter by, with counts.
#[derive(Serialize, ToSchema)]
pub struct FacetsView {
    /// Most frequent first.
    cameras: Vec<Facet>,
    /// Most frequent first.
    lenses: Vec<Facet>,
    /// Keywords, the 500 most frequent first.
    tags: Vec<Facet>,
    /// Labels that a region shows, the 500 most frequent first, where tags of regions are kept.
    region_tags: Vec<Facet>,
    /// Most frequent first.
    formats: Vec<Facet>,
    /// Folders that directly hold images, by path.
    folders: Vec<Facet>,
    /// Years in which images were taken, rising.
    years: Vec<Facet>,
    first_taken: Option<String>,
    last_taken: Option<String>,
    /// Images with a place.
    with_place: usize,
}

/// A value and the number of images that have it.
#[derive(Serialize, ToSchema)]
pub struct Facet {
    value: String,
    images: usize,
}

/// What there is to filter by
///
/// Counts of cameras, lenses, keywords, labels of regions, formats, folders and years, among the
/// images that pass a filter.
#[utoipa::path(get, path = "/api/v1/facets", operation_id = "facets", tag = "library", params(FacetsForm),
    responses((status = 200, description = "Values to filter by, each with the number of its images", body = FacetsView)))]
pub async fn facets(
    state: web::Data<AppState>,
    QueryString(form): QueryString<FacetsForm>,
) -> Result<HttpResponse, ApiError> {
    let filter = Filter::try_from(FilterForm {
        after: form.after,
        before: form.before,
        folders: form.folder.into_iter().collect(),
        cameras: form.camera.into_iter().collect(),
        lenses: form.lens.into_iter().collect(),
        tags: form.tag.into_iter().collect(),
        region_tags: form.region_tag.into_iter().collect(),
        formats: form.format.into_iter().collect(),
        place: None,
        favourite: form.favourite,
        hidden: form.hidden,
        album: form.album,
    })?;
    let facets = run_search(&state, move |state| Ok(state.engine.facets_of(&filter)?)).await?;
    let mut years = BTreeMap::new();
    for (day, images) in facets.days {
        let year = format_taken(day * 86_400).map(|taken| taken.split('-').next().unwrap_or_default().to_owned());
        *years.entry(year.unwrap_or_default()).or_insert(0) += images;
    }
    let formats = facets.formats.into_iter().map(|(format, images)| (format!("{format:?}").to_lowercase(), images));
    let folders = facets.folders.into_iter().map(|(folder, images)| (shown(&folder), images));
    Ok(HttpResponse::Ok().json(FacetsView {
        cameras: list(facets.cameras),
        lenses: list(facets.lenses),
        tags: list(facets.tags.into_iter().take(MAX_TAGS)),
        region_tags: list(facets.region_tags.into_iter().take(MAX_TAGS)),
        formats: list(formats),
        folders: list(folders),
        years: list(years),
        first_taken: facets.taken.and_then(|(first, _)| format_taken(first)),
        last_taken: facets.taken.and_then(|(_, last)| format_taken(last)),
        with_place: facets.with_place,
    }))
}

fn list(counts: impl IntoIterator<Item = (String, usize)>) -> Vec<Facet> {
    counts.into_iter().map(|(value, images)| Facet { value, images }).collect()
}

/// The folders of the library.
#[derive(Serialize, ToSchema)]
pub struct FoldersView {
    /// Folders that were indexed.
    roots: Vec<FolderView>,
    /// Folders that hold images, in themselves or below, by path.
    folders: Vec<FolderView>,
}

/// A folder and the images in it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FolderView {
    path: String,
    /// Images in it and below. An image of two folders counts in both.
    images: usize,
    /// True if the folder can be reached now.
    present: bool,
}

/// Folders
#[utoipa::path(get, path = "/api/v1/folders", operation_id = "folders", tag = "library",
    responses((status = 200, description = "The folders of the library", body = FoldersView)))]
pub async fn folders(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let view = run_search(&state, |state| {
        let (roots, facets) = (state.engine.roots()?, state.engine.facets()?);
        let sums = with_parents(&facets.folders, &roots);
        let views = |paths: Vec<PathBuf>| {
            let there = state.engine.are_there(&paths);
            let view = |(path, present): (&PathBuf, bool)| FolderView {
                path: shown(path),
                images: sums.get(path).copied().unwrap_or(0),
                present,
            };
            paths.iter().zip(there).map(view).collect()
        };
        let folders = views(sums.keys().cloned().collect());
        Ok(FoldersView { roots: views(roots), folders })
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// Sums over folders and all their parents up to the root that they were indexed from.
fn with_parents(folders: &[(PathBuf, usize)], roots: &[PathBuf]) -> BTreeMap<PathBuf, usize> {
    let mut sums = BTreeMap::new();
    for (folder, images) in folders {
        let is_below_a_root = |parent: &&Path| roots.iter().any(|root| parent.starts_with(root));
        let parents = folder.ancestors().skip(1).take_while(is_below_a_root);
        for path in std::iter::once(folder.as_path()).chain(parents) {
            *sums.entry(path.to_path_buf()).or_insert(0) += images;
        }
    }
    sums
}

/// Numbers about the library and its model
#[utoipa::path(get, path = "/api/v1/stats", operation_id = "stats", tag = "library",
    responses((status = 200, description = "Numbers about the library and its model", body = StatsView)))]
pub async fn stats(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let view = run_search(&state, |state| Ok(StatsView::read(&state.engine)?)).await?;
    Ok(HttpResponse::Ok().json(view))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_sum_up_what_is_below_them() {
        let folders = [("/p/a/b".into(), 2), ("/p/a/c".into(), 3), ("/p".into(), 1), ("/q/x".into(), 7)];
        let sums = with_parents(&folders, &["/p".into(), "/q/x".into()]);
        let sums: Vec<_> = sums.iter().map(|(path, images)| (path.to_str().unwrap_or_default(), *images)).collect();
        assert_eq!(sums, [("/p", 6), ("/p/a", 5), ("/p/a/b", 2), ("/p/a/c", 3), ("/q/x", 7)]);
    }
}
