//! The JSON Lines format: a line is an entry or the end.

use keyrack_key::Timestamp;
use keyrack_store::ChainedEntry;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{ExportEnd, ExportLine, HashedEntry, unhex};
use crate::times::{parse as parse_time, rfc3339};

/// The fields of an entry. The detail follows them, byte for byte as it is hashed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryFields {
    seq: i64,
    version: i64,
    workspace: String,
    at: String,
    actor: String,
    action: String,
    target: String,
    prev: String,
    hash: String,
    #[serde(rename = "detail", default, skip_serializing)]
    _detail: IgnoredAny,
}

/// JSON escapes quotes inside strings, so this text cannot occur elsewhere in a line.
const DETAIL: &str = ",\"detail\":";

/// Returns the line of an entry, line break included.
pub(super) fn write(entry: &HashedEntry) -> String {
    let HashedEntry { link, hash } = entry;
    let fields = EntryFields {
        seq: link.seq,
        version: link.version,
        workspace: link.workspace.clone(),
        at: rfc3339(Timestamp::from_micros(link.at)),
        actor: link.actor.clone(),
        action: link.action.clone(),
        target: link.target.clone(),
        prev: hex::encode(link.prev),
        hash: hex::encode(hash),
        _detail: IgnoredAny,
    };
    let mut line = serde_json::to_string(&fields).unwrap_or_default();
    line.pop();
    format!("{line}{DETAIL}{}}}\n", detail(&link.detail))
}

/// Returns the detail unchanged if it is an object on one line, as all versions write it. An altered detail is written
/// as a JSON string.
fn detail(text: &str) -> String {
    let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok();
    if is_object && text.starts_with('{') && text.ends_with('}') && !text.contains(['\n', '\r']) {
        text.to_owned()
    } else {
        serde_json::to_string(text).unwrap_or_default()
    }
}

/// Parses a line without its line break. Returns `None` if the line is malformed.
pub(super) fn read(text: &str) -> Option<ExportLine> {
    if text.starts_with("{\"end\"") {
        return serde_json::from_str(text).ok().map(ExportLine::End);
    }
    let fields: EntryFields = serde_json::from_str(text).ok()?;
    let (_, rest) = text.split_once(DETAIL)?;
    let raw = rest.strip_suffix('}')?;
    let detail = if raw.starts_with('{') { raw.to_owned() } else { serde_json::from_str(raw).ok()? };
    let link = ChainedEntry {
        version: fields.version,
        workspace: fields.workspace,
        seq: fields.seq,
        at: parse_time(&fields.at).ok()?.micros(),
        actor: fields.actor,
        action: fields.action,
        target: fields.target,
        detail,
        prev: unhex(&fields.prev)?,
    };
    Some(ExportLine::Entry(HashedEntry { link, hash: unhex(&fields.hash)? }))
}

/// Returns the last line, line break included.
pub(super) fn write_end(end: &ExportEnd) -> String {
    format!("{}\n", end.json())
}
