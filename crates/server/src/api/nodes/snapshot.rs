//! `GET /nodes/{id}/snapshot`: streams all keys of the workspace to a node.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header;
use keyrack_guard::remote::wire::{NodeKey, SnapshotLine};
use keyrack_rack::Snapshot;

use super::AsNode;
use crate::api::ApiError;
use crate::api::schema::{StreamElement, StreamSchema};
use crate::app::Shared;

impl StreamElement for SnapshotLine {
    const MEDIA_TYPE: &'static str = "application/jsonl";
}

type Lines = StreamSchema<SnapshotLine>;

/// The number of keys in each chunk of the response.
const KEYS_PER_CHUNK: usize = 200;

/// Get a snapshot of all keys
///
/// Streams JSON Lines. The first line, `{"head": …}`, has the position of the snapshot. Each key has a line `{"key": …}`,
/// including keys that were deleted in the last 30 days. The last line, such as `{"end": 812}`, has the number of keys. A
/// snapshot without its last line is incomplete: read it again.
#[utoipa::path(get, path = "/nodes/{id}/snapshot", tag = "Nodes", operation_id = "getNodeSnapshot",
    params(("id" = crate::api::schema::NodeId, Path, description = "The node's ID.")),
    responses(
        (status = 200, description = "The keys, one in each line.", body = inline(Lines), content_type = "application/jsonl"),
        (status = 404, description = "The node isn't registered. Register again."),
        (status = 429, description = "The key or the workspace uses its share of the snapshots."),
        (status = 503, description = "Too many nodes are reading snapshots. Retry after `Retry-After` seconds.")))]
pub async fn snapshot(State(app): State<Shared>, AsNode { by, node }: AsNode) -> Result<Response, ApiError> {
    let (snapshot, share) = app.nodes.snapshot(&by, node).await?;
    // The share is held until the whole snapshot is sent.
    let lines = lines(snapshot).inspect(move |_| _ = &share);
    let headers = [(header::CONTENT_TYPE, "application/jsonl"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(stream::iter(lines))).into_response())
}

/// Serializes the lines in chunks, each when it is sent.
fn lines(Snapshot { position, records }: Snapshot) -> impl Iterator<Item = Result<Bytes, Infallible>> {
    let count = records.len() as u64;
    let head = json_lines([SnapshotLine::Head(position.into())]);
    let mut records = records.into_iter();
    let keys = std::iter::from_fn(move || {
        let chunk: Vec<_> = records
            .by_ref()
            .take(KEYS_PER_CHUNK)
            .map(|one| SnapshotLine::Key(Box::new(NodeKey::from(&one))))
            .collect();
        (!chunk.is_empty()).then(|| json_lines(chunk))
    });
    let end = std::iter::once_with(move || json_lines([SnapshotLine::End(count)]));
    std::iter::once(head).chain(keys).chain(end).map(Ok)
}

fn json_lines(lines: impl IntoIterator<Item = SnapshotLine>) -> Bytes {
    let mut text = Vec::new();
    for line in lines {
        // Serialization can't fail: the lines have only strings and numbers, and the target is memory.
        let _ = serde_json::to_writer(&mut text, &line);
        text.push(b'\n');
    }
    text.into()
}
