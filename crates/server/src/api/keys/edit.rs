//! `PATCH /keys/{id}`: change a key.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{HeaderMap, header};
use keyrack_core::keys::Patch;
use keyrack_core::times;
use keyrack_core::{Acting, Invalid, OpError};
use keyrack_rack::Revision;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{ChangedKey, RestrictionsFields, key_id, parse_scopes};
use crate::api::ApiError;
use crate::api::body::{Body, object_if_any};
use crate::app::Shared;

/// What is to change; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateKeyRequest {
    #[schema(value_type = Option<crate::api::schema::Name>)]
    name: Option<String>,
    #[schema(value_type = Option<Vec<crate::api::schema::ScopeName>>, min_items = 1, example = json!(["inference"]))]
    scopes: Option<Vec<String>>,
    /// Replaces all restrictions.
    #[serde(deserialize_with = "object_if_any")]
    restrictions: Option<RestrictionsFields>,
    /// Null: never, where the workspace allows that.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<String>>,
    /// Null or empty: none.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 500)]
    note: Option<Option<String>>,
    /// Whether a key whose secret was seen in a browser or in a URL may be given more nevertheless: whoever saw it has that too.
    acknowledge_public_use: bool,
}

/// Tells a field that is null from one that is left out.
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(field).map(Some)
}

impl UpdateKeyRequest {
    fn parse(self) -> Result<Patch, Invalid> {
        let mut invalid = Invalid::default();
        let patch = Patch {
            name: self.name,
            scopes: self.scopes.map(|names| parse_scopes(&names, &mut invalid)),
            restrictions: self.restrictions.map(|fields| fields.parse(&mut invalid)),
            expires_at: self
                .expires_at
                .map(|at| at.and_then(|text| invalid.take("expiresAt", times::parse(&text)))),
            note: self.note.map(Option::unwrap_or_default),
            acknowledges_public_use: self.acknowledge_public_use,
        };
        if invalid.fields().next().is_none() { Ok(patch) } else { Err(invalid) }
    }
}

/// Change a key
///
/// The next request with it is decided by what it is now. With `If-Match`, only if nobody else has changed it.
/// The class of a key never changes.
#[utoipa::path(patch, path = "/keys/{id}", tag = "Keys", operation_id = "updateKey", request_body = UpdateKeyRequest,
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID"),
        ("If-Match" = Option<crate::api::schema::EntityTags>, Header, description = "The `ETag` that the change is based on")),
    responses(
        (status = 200, description = "The key as it is now", body = ChangedKey),
        (status = 403, description = "It holds, or would hold, more than the calling key"),
        (status = 404, description = "There is no such key"),
        (status = 409, description = "The key was deleted; or (`seen_in_public`) its secret was seen in a browser or in a URL, and it would hold more, or be restricted less, than now: `acknowledgePublicUse` says that this is meant"),
        (status = 412, description = "Somebody else changed it meanwhile"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn edit(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(patch): Body<UpdateKeyRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let expected = if_match(&headers)?;
    let (key, propagation) = app.keys.edit(&by, key_id(&id)?, patch.parse()?, expected.as_deref()).await?;
    Ok(ChangedKey::answer(&key, propagation, app.now()))
}

/// The revisions that `If-Match` names; `None` where any will do. Weak tags count like strong ones: what compresses
/// responses on the way weakens them, and a revision stands for the whole key. Tags of others match nothing.
fn if_match(headers: &HeaderMap) -> Result<Option<Vec<Revision>>, OpError> {
    if headers.get_all(header::IF_MATCH).iter().eq(["*"]) {
        return Ok(None);
    }
    let mut revisions = None;
    for value in headers.get_all(header::IF_MATCH) {
        let text = value.to_str().map_err(|_| unreadable())?;
        for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            let opaque =
                tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(unreadable)?;
            revisions.get_or_insert_with(Vec::new).extend(opaque.parse().ok().map(Revision));
        }
    }
    // A header that names nothing is no wish to change whatever is there.
    if revisions.is_none() && headers.contains_key(header::IF_MATCH) {
        Err(unreadable())
    } else {
        Ok(revisions)
    }
}

fn unreadable() -> OpError {
    Invalid::field("If-Match", "expected the ETag of the key, such as \"812\"").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<Option<Vec<u64>>> {
        let values = values.iter().map(|value| (header::IF_MATCH, value.parse().unwrap()));
        let read = if_match(&values.collect()).ok()?;
        Some(read.map(|revisions| revisions.into_iter().map(|revision| revision.0).collect()))
    }

    #[test]
    fn if_match_names_one_revision_or_several_weak_or_strong() {
        assert_eq!(read(&[]), Some(None));
        assert_eq!(read(&["*"]), Some(None));
        assert_eq!(read(&["\"812\""]), Some(Some(vec![812])));
        assert_eq!(read(&["W/\"812\""]), Some(Some(vec![812])));
        assert_eq!(read(&["\"811\", W/\"812\""]), Some(Some(vec![811, 812])));
        assert_eq!(read(&["\"811\"", "\"812\""]), Some(Some(vec![811, 812])));
        assert_eq!(read(&["\"of another\""]), Some(Some(vec![])));
        for wrong in ["", "812", "\"812", "w/\"812\"", ",", "\"812\", *"] {
            assert_eq!(read(&[wrong]), None, "{wrong:?}");
        }
    }
}
