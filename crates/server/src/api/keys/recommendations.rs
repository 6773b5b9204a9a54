//! `GET /keys/{id}/recommendations`: lists recommended changes of a key.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_key::Scope;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::key_id;
use crate::api::ApiError;
use crate::app::Shared;
use keyrack_core::AuthorizedCaller;
use keyrack_core::keys::advice::Advice;

/// The recommendations for a key.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendationList {
    /// The most urgent recommendation comes first.
    items: Vec<Recommendation>,
}

/// A recommended change of a key.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recommendation {
    /// `seen_in_browser`, `seen_in_url`, `expires_soon`, `old_secret`, `unused`, `only_predicts`, `any_origin`, or `no_limit`.
    #[schema(example = "only_predicts")]
    code: &'static str,
    /// A text for people.
    message: String,
    /// The origin of the page that exposed the secret. Null if it isn't known, or if the code isn't `seen_in_browser`.
    #[schema(example = json!(null))]
    origin: Option<String>,
    /// The body of the `PATCH /keys/{id}` request that follows the recommendation. Null if no request follows it.
    #[schema(value_type = Option<Object>, example = json!({ "scopes": ["inference"] }))]
    change: Option<Value>,
}

/// List recommendations for a key
///
/// Recommends changes that make the key safer, based on its recorded usage.
#[utoipa::path(get, path = "/keys/{id}/recommendations", tag = "Keys", operation_id = "listKeyRecommendations",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID.")),
    responses(
        (status = 200, description = "The recommendations. Empty if there are none.", body = RecommendationList),
        (status = 404, description = "The key doesn't exist.")))]
pub async fn list(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
) -> Result<Json<RecommendationList>, ApiError> {
    let (_, advice) = app.keys.advice(&by, key_id(&id)?, app.window()).await?;
    let now = app.now();
    let recommendation = |advice: Advice| Recommendation {
        code: advice.code(),
        message: advice.sentence(now),
        origin: advice.origin(),
        change: advice
            .scopes()
            .map(|scopes| json!({ "scopes": scopes.iter().map(Scope::name).collect::<Vec<_>>() })),
    };
    Ok(Json(RecommendationList { items: advice.into_iter().map(recommendation).collect() }))
}
