//! `GET /models/{id}/events`: streams the progress of a training run.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, StatusCode, header};
use keyrack_core::AuthorizedCaller;
use keyrack_key::Digest;
use keyrack_store::Model;
use utoipa::ToSchema;

use super::{ModelBody, model_id};
use crate::api::ApiError;
use crate::api::reauthorization::Reauthorization;
use crate::api::schema::{StreamElement, StreamSchema};
use crate::app::Shared;

/// A server-sent event with the state of a model.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the type only has a schema")]
pub struct ModelEvent {
    /// Always `model`.
    #[schema(example = "model")]
    event: String,
    /// The ID to send as `Last-Event-ID` to continue after this event.
    id: String,
    /// The model, as JSON.
    data: ModelBody,
}

impl StreamElement for ModelEvent {
    const MEDIA_TYPE: &'static str = "text/event-stream";
}

type ModelEvents = StreamSchema<ModelEvent>;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The time that clients wait before they connect again.
const RETRY: Duration = Duration::from_secs(2);
/// Disables the response buffer of nginx, which would delay events.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// Stream the progress of a training run
///
/// Sends the model as a server-sent event named `model`, first immediately and then after each change. The last event has the
/// status `ready`, `failed`, or `cancelled`. The stream also ends if the model is deleted, or if the key may no longer access it.
/// The server checks the key every second.
///
/// Each event has an `id`. Browsers send the last one in `Last-Event-ID` when they connect again, and then don't receive that
/// event again. If the training run has ended in the meantime, the server responds with 204, so that `EventSource` stops.
#[utoipa::path(get, path = "/models/{id}/events", tag = "Models", operation_id = "streamModelEvents",
    params(("id" = crate::api::schema::ModelId, Path, description = "The model's ID."),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last received event.")),
    responses(
        (status = 200, description = "The events until the training run ends.", body = inline(ModelEvents), content_type = "text/event-stream"),
        (status = 204, description = "The training run has ended, and the client has received its last event."),
        (status = 403, description = "The key is restricted to other projects or models."),
        (status = 404, description = "The model doesn't exist."),
        (status = 429, description = "The key or the workspace uses its share of the event streams."),
        (status = 503, description = "All event streams are in use. Retry after `Retry-After` seconds.")))]
pub async fn follow(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    reauthorization: Reauthorization,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = model_id(&id)?;
    let received = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let model = app.models.read(&by, id).await?.into_inner();
    if model.status.has_ended() && received.as_ref() == Some(&ModelState::of(&model).id) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let reauthorization = Arc::new(reauthorization);
    let authorize = move || {
        let reauthorization = Arc::clone(&reauthorization);
        async move { reauthorization.authorize().await }
    };
    let models = app.models.follow(by, id, authorize).await?;
    let states = models.map(|model| ModelState::of(&model)).skip_while({
        let mut received = received;
        // The client can only have received the first state: later states are changes.
        move |state| ready(received.take().is_some_and(|id| id == state.id))
    });
    let events = states.map(|state| Ok::<_, Infallible>(state.event()));
    let headers = [UNBUFFERED, (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Sse::new(events).keep_alive(KeepAlive::default())).into_response())
}

/// The state of a model in an event.
struct ModelState {
    json: String,
    /// A hash of the state: equal states have equal IDs.
    id: String,
}

impl ModelState {
    fn of(model: &Model) -> Self {
        // Serialization can't fail: the model has only strings, numbers, and maps with string keys.
        let json = serde_json::to_string(&ModelBody::from(model)).unwrap_or_default();
        let digest = Digest::of(json.as_bytes());
        let id = hex::encode(&digest.as_bytes()[..8]);
        Self { json, id }
    }

    fn event(self) -> Event {
        Event::default().event("model").id(self.id).retry(RETRY).data(self.json)
    }
}
