//! What people say of answers: this image shows what was asked for, or does not.

use actix_web::{HttpResponse, web};
use glimpse_engine::{Feedback, NewFeedback};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::chosen::ChosenImages;
use crate::error::ApiError;
use crate::extract::LongJson;
use crate::state::{AppState, run_search};

/// What to say of the answers to a text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackForm {
    /// The whole text of the search, 1,000 bytes at most. Case, and how many spaces stand between
    /// words, make no difference.
    text: String,
    /// Numbers of images that show it, 50,000 at most.
    #[serde(default)]
    #[schema(value_type = Vec<u64>, max_items = 50_000)]
    right: ChosenImages,
    /// Numbers of images that do not.
    #[serde(default)]
    #[schema(value_type = Vec<u64>, max_items = 50_000)]
    wrong: ChosenImages,
    /// Numbers of images of which nothing is said any more.
    #[serde(default)]
    #[schema(value_type = Vec<u64>, max_items = 50_000)]
    unsaid: ChosenImages,
}

/// What was said of the answers to a text.
#[derive(Serialize, ToSchema)]
pub struct FeedbackView {
    /// In lower case, with single spaces.
    text: String,
    /// Numbers of images that show it, of those that are in the library now.
    right: Vec<u64>,
    /// Numbers of images that do not.
    wrong: Vec<u64>,
}

/// Everything that was said of answers.
#[derive(Serialize, ToSchema)]
pub struct AllFeedbackView {
    /// By text.
    feedback: Vec<FeedbackView>,
}

impl From<Feedback> for FeedbackView {
    fn from(feedback: Feedback) -> Self {
        let numbers = |ids: &[glimpse_engine::ImageId]| ids.iter().map(|id| id.0).collect();
        Self { right: numbers(&feedback.right), wrong: numbers(&feedback.wrong), text: feedback.text }
    }
}

/// Feedback
///
/// What was said of the answers to every text.
#[utoipa::path(get, path = "/api/v1/feedback", operation_id = "all_feedback", tag = "search",
    responses((status = 200, description = "What was said, by text", body = AllFeedbackView)))]
pub async fn all(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let all = run_search(&state, |state| Ok(state.engine.all_feedback()?)).await?;
    Ok(HttpResponse::Ok().json(AllFeedbackView { feedback: all.into_iter().map(FeedbackView::from).collect() }))
}

/// Give feedback
///
/// Says of images that they show what a text asks for, or do not. A search for this text alone
/// then finds those that are right and leaves out those that are wrong, and `glimpse tune` learns
/// from it for other texts. It is said of a content: it stays when a file is moved, and when the
/// library is made anew. Of an image that is named twice, what is said last counts: `right`,
/// `wrong`, `unsaid`.
#[utoipa::path(post, path = "/api/v1/feedback", operation_id = "give_feedback", tag = "search",
    request_body(content = FeedbackForm, example = json!({"text": "my dog", "right": [3], "wrong": [5, 7]})),
    responses((status = 200, description = "What was said of this text then", body = FeedbackView)))]
pub async fn give(
    state: web::Data<AppState>,
    LongJson(form): LongJson<FeedbackForm>,
) -> Result<HttpResponse, ApiError> {
    let said = NewFeedback { right: form.right.0, wrong: form.wrong.0, unsaid: form.unsaid.0 };
    let now = run_search(&state, move |state| Ok(state.engine.give_feedback(&form.text, &said)?)).await?;
    Ok(HttpResponse::Ok().json(FeedbackView::from(now)))
}
