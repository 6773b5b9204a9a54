//! `GET /nodes/{id}/snapshot`: all keys of the workspace.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header;
use keyrack_guard::remote::wire::{Key, Line};
use keyrack_rack::Snapshot;

use super::AsNode;
use crate::api::ApiError;
use crate::api::schema::{Stream, Streamed};
use crate::app::Shared;

impl Streamed for Line {
    const MEDIA_TYPE: &'static str = "application/jsonl";
}

type Lines = Stream<Line>;

/// How many keys are written at once.
const PIECE: usize = 200;

/// Read all keys
///
/// JSON Lines: `{"head": …}` says at which change it was taken, then each key in a line `{"key": …}`, those deleted in the
/// last 30 days among them, and `{"end": 812}` says how many there were. Without its end it was cut off: read it anew.
#[utoipa::path(get, path = "/nodes/{id}/snapshot", tag = "Nodes", operation_id = "getNodeSnapshot",
    params(("id" = crate::api::schema::NodeId, Path, description = "The node's ID")),
    responses(
        (status = 200, description = "The keys, a line each", body = inline(Lines), content_type = "application/jsonl"),
        (status = 404, description = "No such node. Register again."),
        (status = 429, description = "The key or the workspace already reads as many snapshots as its share allows"),
        (status = 503, description = "Too many snapshots are being read")))]
pub async fn snapshot(State(app): State<Shared>, AsNode { by, node }: AsNode) -> Result<Response, ApiError> {
    let (snapshot, share) = app.nodes.snapshot(&by, node).await?;
    // Held until all of it was sent.
    let lines = lines(snapshot).inspect(move |_| _ = &share);
    let headers = [(header::CONTENT_TYPE, "application/jsonl"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(stream::iter(lines))).into_response())
}

/// The lines, in pieces that are written as they are sent.
fn lines(Snapshot { position, records }: Snapshot) -> impl Iterator<Item = Result<Bytes, Infallible>> {
    let count = records.len() as u64;
    let head = written([Line::Head(position.into())]);
    let mut records = records.into_iter();
    let keys = std::iter::from_fn(move || {
        let piece: Vec<_> =
            records.by_ref().take(PIECE).map(|one| Line::Key(Box::new(Key::from(&one)))).collect();
        (!piece.is_empty()).then(|| written(piece))
    });
    let end = std::iter::once_with(move || written([Line::End(count)]));
    std::iter::once(head).chain(keys).chain(end).map(Ok)
}

fn written(lines: impl IntoIterator<Item = Line>) -> Bytes {
    let mut text = Vec::new();
    for line in lines {
        // Names and numbers: they always have a JSON, and writing into memory does not fail.
        let _ = serde_json::to_writer(&mut text, &line);
        text.push(b'\n');
    }
    text.into()
}
