//! `GET /models/{id}/events`: a training as it goes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::StreamExt;
use http::{HeaderName, header};
use keyrack_store::Model;

use super::{ModelBody, model_id};
use crate::api::ApiError;
use crate::api::again::Again;
use crate::app::Shared;
use crate::ops::Acting;

/// Asks nginx not to hold events back until there are many.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// Follow a training
///
/// Server-sent events: `model`, with the model as it is read, at first and whenever it has changed; the last one has
/// its end (`ready`, `failed` or `cancelled`). The stream also ends when the model is deleted, or the key may not
/// see it any more; it is asked about anew each second.
#[utoipa::path(get, path = "/models/{id}/events", tag = "Models", operation_id = "followModel",
    params(("id" = String, Path, description = "The model's id")),
    responses(
        (status = 200, description = "Events until the training has ended", body = String, content_type = "text/event-stream"),
        (status = 403, description = "The key is restricted to other projects or models"),
        (status = 404, description = "There is no such model")))]
pub async fn follow(
    State(app): State<Shared>,
    by: Acting,
    again: Again,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let again = Arc::new(again);
    let decide = move || {
        let again = Arc::clone(&again);
        async move { again.decide().await }
    };
    let models = app.models.follow(by, model_id(&id)?, decide).await?;
    let headers = [UNBUFFERED, (header::CACHE_CONTROL, "no-store")];
    Ok((
        headers,
        Sse::new(models.map(|model| Ok::<_, Infallible>(event(&model)))).keep_alive(KeepAlive::default()),
    ))
}

fn event(model: &Model) -> Event {
    // Strings and numbers: it always has a JSON.
    let json = serde_json::to_string(&ModelBody::from(model)).unwrap_or_default();
    Event::default().event("model").data(json)
}
