//! Tags of regions that are kept with the index.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::state::{AppState, run_heavy};

/// What was dropped.
#[derive(Serialize, ToSchema)]
pub struct DroppedTagsView {
    /// Whether tags of regions were kept until then.
    were_kept: bool,
}

/// Drop tags of regions
///
/// Keeps no tags of regions any more and forgets those that are kept, as `glimpse tag --regions
/// --drop` does. A job that tags regions makes them anew.
#[utoipa::path(delete, path = "/api/v1/region-tags", operation_id = "drop_region_tags", tag = "library",
    responses((status = 200, description = "No tags of regions are kept", body = DroppedTagsView)))]
pub async fn drop_all(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let were_kept = run_heavy(&state, |state| Ok(state.engine.drop_region_tags()?)).await?;
    Ok(HttpResponse::Ok().json(DroppedTagsView { were_kept }))
}
