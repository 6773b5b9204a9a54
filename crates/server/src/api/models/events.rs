//! `GET /models/{id}/events`: a training as it goes.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, StatusCode, header};
use keyrack_core::Acting;
use keyrack_key::Digest;
use keyrack_store::Model;
use utoipa::ToSchema;

use super::{ModelBody, model_id};
use crate::api::ApiError;
use crate::api::again::Again;
use crate::api::schema::{Stream, Streamed};
use crate::app::Shared;

/// A server-sent event of a model.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only described")]
pub struct ModelEvent {
    /// Always `model`.
    #[schema(example = "model")]
    event: String,
    /// What to send as `Last-Event-ID` to go on behind this event.
    id: String,
    /// The model at that time, as JSON.
    data: ModelBody,
}

impl Streamed for ModelEvent {
    const MEDIA_TYPE: &'static str = "text/event-stream";
}

type ModelEvents = Stream<ModelEvent>;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How long a client waits before it connects again.
const RETRY: Duration = Duration::from_secs(2);
/// Asks nginx not to hold events back until there are many.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// Follow a training
///
/// Server-sent events: `model`, with the model as it is read, at first and whenever it has changed; the last one has
/// its end (`ready`, `failed` or `cancelled`). The stream also ends when the model is deleted, or the key may not
/// see it any more; it is asked about anew each second.
///
/// Each event has an `id`. A client that connects again and sends the last one (`Last-Event-ID`, as browsers do) is not sent the
/// same again. After the end of the training it is answered 204, which tells a browser's `EventSource` to stop.
#[utoipa::path(get, path = "/models/{id}/events", tag = "Models", operation_id = "streamModelEvents",
    params(("id" = crate::api::schema::ModelId, Path, description = "The model's ID"),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was received")),
    responses(
        (status = 200, description = "Events until the training has ended", body = inline(ModelEvents), content_type = "text/event-stream"),
        (status = 204, description = "The training has ended, and its last event was received before"),
        (status = 403, description = "The key is restricted to other projects or models"),
        (status = 404, description = "There is no such model"),
        (status = 429, description = "The key or the workspace already uses its share of the event streams"),
        (status = 503, description = "All event streams are in use")))]
pub async fn follow(
    State(app): State<Shared>,
    by: Acting,
    again: Again,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = model_id(&id)?;
    let received = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let model = app.models.read(&by, id).await?.into_inner();
    if model.status.has_ended() && received.as_ref() == Some(&ModelState::of(&model).id) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let again = Arc::new(again);
    let decide = move || {
        let again = Arc::clone(&again);
        async move { again.decide().await }
    };
    let models = app.models.follow(by, id, decide).await?;
    let states = models.map(|model| ModelState::of(&model)).skip_while({
        let mut received = received;
        // Only the first can be one that was received: the others have changed since.
        move |state| ready(received.take().is_some_and(|id| id == state.id))
    });
    let events = states.map(|state| Ok::<_, Infallible>(state.event()));
    let headers = [UNBUFFERED, (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Sse::new(events).keep_alive(KeepAlive::default())).into_response())
}

/// A model at one moment, as an event tells it.
struct ModelState {
    json: String,
    /// The same for the same state.
    id: String,
}

impl ModelState {
    fn of(model: &Model) -> Self {
        // Strings and numbers: it always has a JSON.
        let json = serde_json::to_string(&ModelBody::from(model)).unwrap_or_default();
        let digest = Digest::of(json.as_bytes());
        let id = digest.as_bytes()[..8].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        Self { json, id }
    }

    fn event(self) -> Event {
        Event::default().event("model").id(self.id).retry(RETRY).data(self.json)
    }
}
