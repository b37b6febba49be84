//! The folders of the library as a tree.

use actix_web::{HttpResponse, web};
use glimpse_engine::FolderNode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::state::{AppState, run_search};
use crate::wire::paths::{name, shown};

/// The folders of the library, by path.
#[derive(Serialize, ToSchema)]
pub struct FolderTreeView {
    /// Folders that hold images in themselves or below, up to those that were indexed.
    folders: Vec<TreeFolderView>,
}

/// A folder in the tree.
#[derive(Serialize, ToSchema)]
pub struct TreeFolderView {
    /// What the filter `folders` takes.
    path: String,
    /// The last part of the path.
    name: String,
    /// Place in the list, from 0, of the folder that it is in; none at the top.
    parent: Option<usize>,
    /// Images in it and below, which a filter by this folder finds. A copy counts once.
    count: usize,
}

/// Folders as a tree
#[utoipa::path(get, path = "/api/v1/folders/tree", operation_id = "folder_tree", tag = "library",
    responses((status = 200, description = "Folders, each with its place in the tree", body = FolderTreeView)))]
pub async fn tree(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let nodes = run_search(&state, |state| Ok(state.engine.folder_tree()?)).await?;
    Ok(HttpResponse::Ok().json(FolderTreeView { folders: nodes.into_iter().map(view).collect() }))
}

fn view(node: FolderNode) -> TreeFolderView {
    TreeFolderView { path: shown(&node.path), name: name(&node.path), parent: node.parent, count: node.images }
}
