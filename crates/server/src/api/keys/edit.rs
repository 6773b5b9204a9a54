//! `PATCH /keys/{id}`: updates a key.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{HeaderMap, header};
use keyrack_core::keys::KeyPatch;
use keyrack_core::times;
use keyrack_core::{AuthorizedCaller, Invalid, OpError};
use keyrack_rack::Revision;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{KeyRestrictions, UpdatedKey, key_id, parse_scopes};
use crate::api::ApiError;
use crate::api::body::{Body, nullable, object_if_any};
use crate::app::Shared;

/// Changes of a key. Fields that are left out don't change.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateKeyRequest {
    #[schema(value_type = Option<crate::api::schema::DisplayName>)]
    name: Option<String>,
    #[schema(value_type = Option<Vec<crate::api::schema::ScopeName>>, min_items = 1, example = json!(["inference"]))]
    scopes: Option<Vec<String>>,
    /// Replaces all restrictions.
    #[serde(deserialize_with = "object_if_any")]
    restrictions: Option<KeyRestrictions>,
    /// When the key expires. Null means never, if the workspace's policy allows that.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<String>>,
    /// A note for people, up to 500 characters. Null or empty removes the note.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 500)]
    note: Option<Option<String>>,
    /// Confirms an update that lets a key do more although its secret was exposed in a browser or in a URL.
    acknowledge_public_use: bool,
}

impl UpdateKeyRequest {
    fn parse(self) -> Result<KeyPatch, Invalid> {
        let mut invalid = Invalid::default();
        let patch = KeyPatch {
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

/// Update a key
///
/// After the response, all requests with the key are decided by its new state. With `If-Match`, the update fails if another
/// request changed the key in the meantime. The class of a key never changes.
#[utoipa::path(patch, path = "/keys/{id}", tag = "Keys", operation_id = "updateKey", request_body = UpdateKeyRequest,
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID."),
        ("If-Match" = Option<crate::api::schema::EntityTags>, Header, description = "The `ETag` of the key that the update is based on.")),
    responses(
        (status = 200, description = "The updated key.", body = UpdatedKey),
        (status = 403, description = "The key exceeds the permissions or restrictions of the calling key, before or after the update."),
        (status = 404, description = "The key doesn't exist."),
        (status = 409, description = "The key was deleted. Or (`seen_in_public`) its secret was exposed in a browser or in a URL, and the update would let the key do more: confirm that with `acknowledgePublicUse`."),
        (status = 412, description = "Another request changed the key in the meantime."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn edit(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(patch): Body<UpdateKeyRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let expected = if_match(&headers)?;
    let (key, propagation) = app.keys.edit(&by, key_id(&id)?, patch.parse()?, expected.as_deref()).await?;
    Ok(UpdatedKey::response(&key, propagation, app.now()))
}

/// Returns the revisions in `If-Match`, or `None` if the request accepts any revision. Weak tags count like strong tags, because
/// proxies that compress responses weaken tags. Unknown tags match no revision. Errors if the header is malformed.
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
    // A header without any tag doesn't mean that the request accepts any revision.
    if revisions.is_none() && headers.contains_key(header::IF_MATCH) {
        Err(unreadable())
    } else {
        Ok(revisions)
    }
}

fn unreadable() -> OpError {
    Invalid::field("If-Match", "Use the ETag of the key, such as \"812\".").into()
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
    fn if_match_accepts_weak_and_strong_tags_and_rejects_malformed_headers() {
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
