//! `GET /keys/{id}/advice`: what to tighten about a key.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::Acting;
use keyrack_core::keys::advice::Advice;
use keyrack_key::Scope;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::key_id;
use crate::api::ApiError;
use crate::app::Shared;

/// What there is to say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecommendationList)]
pub struct AdviceList {
    /// The most urgent first; empty where there is nothing to say.
    items: Vec<AdviceBody>,
}

/// One thing that would be better.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recommendation)]
pub struct AdviceBody {
    /// `seen_in_browser`, `seen_in_url`, `expires_soon`, `old_secret`, `unused`, `only_predicts`, `any_origin`, `no_limit`.
    #[schema(example = "only_predicts")]
    code: &'static str,
    /// For people.
    message: String,
    /// The page on which it was seen, where that is the advice and the page is known.
    #[schema(example = json!(null))]
    origin: Option<String>,
    /// What `PATCH /keys/{id}` would be sent, where the advice is a change of the key and what it would be is known.
    #[schema(value_type = Option<Object>, example = json!({ "scopes": ["inference"] }))]
    change: Option<Value>,
}

/// What to tighten about a key
///
/// From what was measured, never a lecture: a key with nothing to say about it has an empty list.
#[utoipa::path(get, path = "/keys/{id}/advice", tag = "Keys", operation_id = "listKeyRecommendations",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID")),
    responses(
        (status = 200, description = "The advice", body = AdviceList),
        (status = 404, description = "There is no such key")))]
pub async fn advice(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
) -> Result<Json<AdviceList>, ApiError> {
    let (_, advice) = app.keys.advice(&by, key_id(&id)?, app.window()).await?;
    let now = app.now();
    let body = |advice: Advice| AdviceBody {
        code: advice.code(),
        message: advice.says(now),
        origin: advice.origin(),
        change: advice
            .scopes()
            .map(|scopes| json!({ "scopes": scopes.iter().map(Scope::name).collect::<Vec<_>>() })),
    };
    Ok(Json(AdviceList { items: advice.into_iter().map(body).collect() }))
}
