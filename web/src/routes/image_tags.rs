//! What an image shows, at three levels: as a whole, in its regions, and pixel by pixel.

use actix_web::{HttpResponse, web};
use glimpse_engine::{ImageId, KeptTags, SegmentOptions, Source};
use serde::Deserialize;
use utoipa::IntoParams;

use super::forms::flag;
use crate::error::ApiError;
use crate::extract::QueryString;
use crate::state::{AppState, run_model, run_search};
use crate::wire::{ImageTagsView, SegmentationView};

/// Most labels that pixels are asked for: each is a map of the image.
const MAX_LABELS: usize = 100;
/// Pixels along the longer side of the map that shares are counted on.
const SIZE: u32 = 256;

/// Which levels.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ImageTagsForm {
    /// Pixels too, which takes a look at the image with the model: `1` or `true`.
    #[serde(deserialize_with = "flag")]
    #[param(value_type = Option<bool>)]
    pixels: bool,
}

/// Tags of an image
///
/// What an image shows at three levels: labels of the image as a whole, labels of its regions with
/// boxes, and, if asked for, labels of its pixels with their share of the image. The first two are
/// those that `glimpse tag --regions --keep` keeps with the index, and empty where there are none.
/// Pixels are asked for the labels that the image and its regions show, or, if they show none, for
/// the most frequent keywords of the library, or common words where it has none.
#[utoipa::path(get, path = "/api/v1/images/{id}/tags", operation_id = "image_tags", tag = "images",
    params(("id" = u64, Path), ImageTagsForm),
    responses((status = 200, description = "Its labels at three levels", body = ImageTagsView)))]
pub async fn tags(
    state: web::Data<AppState>,
    id: web::Path<u64>,
    QueryString(form): QueryString<ImageTagsForm>,
) -> Result<HttpResponse, ApiError> {
    let id = ImageId(*id);
    let read = move |state: &AppState| {
        let record = state.engine.image(id)?;
        Ok((state.engine.kept_tags(id)?, (record.width, record.height)))
    };
    if !form.pixels {
        let (kept, size) = run_search(&state, read).await?;
        return Ok(HttpResponse::Ok().json(ImageTagsView::of(id, size, kept.as_ref(), None)));
    }
    let view = run_model(&state, move |state| {
        let (kept, size) = read(state)?;
        state.require_model()?;
        let shown = kept.as_ref().map(labels_of).unwrap_or_default();
        let labels = if shown.is_empty() { state.engine.usual_labels()? } else { shown };
        let options = SegmentOptions { labels, size: SIZE, ..SegmentOptions::default() };
        let found = state.engine.segment(&Source::Image(id), &options)?;
        Ok(ImageTagsView::of(id, size, kept.as_ref(), Some(SegmentationView::of(found, None))))
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// The labels of an image and its regions, surest first, each once.
fn labels_of(kept: &KeptTags) -> Vec<String> {
    let of_regions = kept.regions.iter().map(|tag| (tag.score, &tag.label));
    let mut all: Vec<_> = of_regions.chain(kept.image.iter().map(|tag| (tag.score, &tag.label))).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut labels: Vec<String> = Vec::new();
    for (_, label) in all {
        if labels.len() < MAX_LABELS && !labels.contains(label) {
            labels.push(label.clone());
        }
    }
    labels
}
