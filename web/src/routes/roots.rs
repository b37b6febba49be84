//! The folders of the library, and others that could become some.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use actix_web::{HttpResponse, web};
use glimpse_engine::{Engine, EngineError, FolderNode, RunRecord, expand_home};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::forms::checked_limit;
use crate::error::{ApiError, Code};
use crate::extract::QueryString;
use crate::state::{AppState, run_heavy, run_read, run_search};
use crate::wire::names;
use crate::wire::paths::{name, shown};

/// Which folder to look into.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct BrowseForm {
    /// A folder of the library, one below which the server may index, or one below these; `~` is
    /// the home folder of whoever runs the server. Without it, the folders where one may begin.
    #[param(value_type = Option<String>)]
    path: Option<PathBuf>,
}

/// The folders in a folder.
#[derive(Serialize, ToSchema)]
pub struct BrowseView {
    /// Without links in it; empty for the folders where one may begin.
    path: String,
    /// The folder that it is in, if that may be looked into too.
    parent: Option<String>,
    /// By name, 5,000 at most; without hidden ones and links.
    folders: Vec<BrowsedFolder>,
}

/// A folder.
#[derive(Serialize, ToSchema)]
pub struct BrowsedFolder {
    name: String,
    path: String,
    /// Images that the library has in it and below. Above the folders of the library, one that
    /// several of them hold counts in each.
    images: usize,
}

/// Look into folders
///
/// Folders of the server's machine: those of the library, those below which the server may index
/// (`--allow-root`), and what is below them.
#[utoipa::path(get, path = "/api/v1/browse", operation_id = "browse", tag = "library", params(BrowseForm),
    responses((status = 200, description = "The folders in a folder", body = BrowseView)))]
pub async fn browse(
    state: web::Data<AppState>,
    QueryString(form): QueryString<BrowseForm>,
) -> Result<HttpResponse, ApiError> {
    let asked = form.path.filter(|path| !path.as_os_str().is_empty());
    let view = run_read(&state, move |state| match asked {
        None => Ok(beginnings(state)?),
        Some(path) => inside(state, &expand_home(&path)),
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// Where one may begin.
fn beginnings(state: &AppState) -> Result<BrowseView, ApiError> {
    let (roots, nodes) = (known_roots(&state.engine)?, nodes(&state.engine)?);
    let folders: BTreeSet<PathBuf> = roots.into_iter().chain(state.roots.folders().iter().cloned()).collect();
    let folders = folders.iter().map(|folder| view(folder, &nodes)).collect();
    Ok(BrowseView { path: String::new(), parent: None, folders })
}

/// A folder that was named by a part of its path.
pub(super) fn not_absolute(folder: &Path) -> ApiError {
    let error = ApiError::new(Code::FolderNotAbsolute, format!("`{}` is not an absolute path", folder.display()));
    error.hint("begin with `/` or `~`, or with a drive on Windows")
}

fn inside(state: &AppState, asked: &Path) -> Result<BrowseView, ApiError> {
    if !asked.is_absolute() {
        return Err(not_absolute(asked));
    }
    let checked = state.roots.check(&state.engine, &[asked.to_path_buf()])?;
    let folder = checked.into_iter().next().unwrap_or_default();
    let (roots, nodes) = (known_roots(&state.engine)?, nodes(&state.engine)?);
    let may_be_seen = |path: &&Path| roots.iter().chain(state.roots.folders()).any(|root| path.starts_with(root));
    let parent = folder.parent().filter(may_be_seen).map(shown);
    let folders = state.engine.folders_in(&folder).map_err(|error| match error {
        EngineError::Io { source, .. } => {
            let message = format!("{} cannot be listed: {source}", folder.display());
            ApiError::new(Code::FolderNotFound, message).hint("name a folder on the machine that runs Glimpse")
        }
        error => error.into(),
    })?;
    let folders = folders.iter().map(|folder| view(folder, &nodes)).collect();
    Ok(BrowseView { path: shown(&folder), parent, folders })
}

/// The folders of the library, of which an empty one has none.
fn known_roots(engine: &Engine) -> Result<Vec<PathBuf>, ApiError> {
    match engine.roots() {
        Err(error) if error.is_empty_library() => Ok(Vec::new()),
        roots => Ok(roots?),
    }
}

fn nodes(engine: &Engine) -> Result<Vec<FolderNode>, ApiError> {
    match engine.folder_tree() {
        Err(error) if error.is_empty_library() => Ok(Vec::new()),
        nodes => Ok(nodes?),
    }
}

/// A folder; `nodes` are by path.
fn view(path: &Path, nodes: &[FolderNode]) -> BrowsedFolder {
    let images = match nodes.binary_search_by(|node| node.path.as_path().cmp(path)) {
        Ok(at) => nodes[at].images,
        // Above the folders of the library.
        Err(_) => nodes
            .iter()
            .filter(|node| node.parent.is_none() && node.path.starts_with(path))
            .map(|node| node.images)
            .sum(),
    };
    BrowsedFolder { name: name(path), path: shown(path), images }
}

/// Which folder to forget.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ForgetForm {
    /// A folder of the library, as `GET folders` names it in `roots`.
    #[param(value_type = String)]
    path: PathBuf,
}

/// What was forgotten.
#[derive(Serialize, ToSchema)]
pub struct ForgottenView {
    /// Files that the library does not know any more.
    files: usize,
    /// The folders that are left.
    roots: Vec<String>,
}

/// Forget a folder
///
/// The folder is no part of the library any more, and its images are forgotten; no file is touched.
/// Only folders below one that the server may index (`--allow-root`) can be forgotten.
#[utoipa::path(delete, path = "/api/v1/roots", operation_id = "forget_root", tag = "library", params(ForgetForm),
    responses((status = 200, description = "The folder is forgotten", body = ForgottenView)))]
pub async fn forget(
    state: web::Data<AppState>,
    QueryString(form): QueryString<ForgetForm>,
) -> Result<HttpResponse, ApiError> {
    let path = form.path;
    if !state.roots.may_name(&path) {
        let message = format!("{} is not below a folder that this server may index", path.display());
        return Err(ApiError::new(Code::FolderNotAllowed, message).hint(
            "run `glimpse roots forget FOLDER` on that machine, or start the server with `--allow-root FOLDER`",
        ));
    }
    let view = run_heavy(&state, move |state| {
        let files = state.engine.forget_root(&path)?;
        Ok(ForgottenView { files, roots: state.engine.roots()?.iter().map(|root| shown(root)).collect() })
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// How many runs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RunsForm {
    /// Most runs of this answer, 20 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Runs that brought the library up to date.
#[derive(Serialize, ToSchema)]
pub struct RunsView {
    /// The latest first.
    #[schema(value_type = Vec<names::RunRecord>)]
    runs: Vec<RunRecord>,
}

/// The last runs
///
/// Runs that brought the library up to date, by this server, by others and by the command line. One
/// that is under way, or whose process was killed, is not among them.
#[utoipa::path(get, path = "/api/v1/runs", operation_id = "runs", tag = "jobs", params(RunsForm),
    responses((status = 200, description = "Runs that are over, latest first", body = RunsView)))]
pub async fn runs(
    state: web::Data<AppState>,
    QueryString(form): QueryString<RunsForm>,
) -> Result<HttpResponse, ApiError> {
    let limit = checked_limit(form.limit, 20, 1000)?;
    let runs = run_search(&state, move |state| Ok(state.engine.runs(limit)?)).await?;
    Ok(HttpResponse::Ok().json(RunsView { runs }))
}
