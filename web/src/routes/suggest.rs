//! What to ask, and what was meant.

use actix_web::{HttpResponse, web};
use glimpse_engine::is_form_of_things;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::extract::Json;
use crate::state::{AppState, run_search};

/// Longer texts have no words that somebody mistyped.
const MAX_CHARS: usize = 1_000;

/// What is typed so far.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestForm {
    /// The text; an empty one asks for examples.
    text: String,
    /// The language of the page, for examples: `de`. Others than those of the page have English
    /// ones.
    #[serde(default)]
    language: String,
}

/// What may be asked instead.
#[derive(Default, Serialize, ToSchema)]
pub struct SuggestView {
    /// Up to eight words that this library is known to answer, if the text is empty: its most
    /// frequent keywords and albums, then what the model finds in it.
    examples: Vec<String>,
    /// Words of the text that no image of the library has, with the nearest one that some have.
    did_you_mean: Vec<CorrectionView>,
    /// How the text is better asked; none for a search.
    question: Option<Question>,
}

/// A word that no image has.
#[derive(Serialize, ToSchema)]
pub struct CorrectionView {
    /// As it was typed.
    typed: String,
    /// The nearest word within one or two edits, in lower case and without accents.
    word: String,
}

/// How a text is better asked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// It reads as a form of things, as `/find` takes it: `two dogs`, `dog and no cat`.
    Find,
}

/// Suggestions
///
/// Examples for an empty text; for others, words that were mistyped, and whether it is things that
/// are asked for.
#[utoipa::path(post, path = "/api/v1/suggest", operation_id = "suggest", tag = "search",
    request_body(content = SuggestForm, example = json!({"text": "two dosg", "language": "en"})),
    responses((status = 200, description = "What may be asked instead", body = SuggestView)))]
pub async fn suggest(state: web::Data<AppState>, Json(form): Json<SuggestForm>) -> Result<HttpResponse, ApiError> {
    let view = run_search(&state, move |state| {
        if form.text.trim().is_empty() {
            let model = state.require_model().is_ok();
            return Ok(SuggestView {
                examples: state.engine.examples(&form.language, model)?,
                ..SuggestView::default()
            });
        }
        if form.text.chars().count() > MAX_CHARS {
            return Ok(SuggestView::default());
        }
        let corrections = state.engine.corrections(&form.text)?.into_iter();
        let view =
            |correction: glimpse_engine::Correction| CorrectionView { typed: correction.typed, word: correction.word };
        Ok(SuggestView {
            examples: Vec::new(),
            did_you_mean: corrections.map(view).collect(),
            question: is_form_of_things(&form.text, &form.language).then_some(Question::Find),
        })
    });
    Ok(HttpResponse::Ok().json(view.await?))
}
