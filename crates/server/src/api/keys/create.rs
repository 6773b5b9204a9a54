//! `POST /keys`: creates a key.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode, header};
use keyrack_core::keys::KeyDraft;
use keyrack_core::times;
use keyrack_core::{AuthorizedCaller, Invalid};
use keyrack_key::Class;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{KeyRestrictions, KeyWithSecret, etag, idempotency_key, parse_scopes};
use crate::api::ApiError;
use crate::api::body::{Body, object_if_any};
use crate::app::Shared;
use crate::http::compression::Uncompressed;

/// The properties of a new key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateKeyRequest {
    /// A name that says where the key is used, 1 to 100 characters.
    #[schema(value_type = crate::api::schema::DisplayName)]
    name: String,
    /// `secret` (the default) or `publishable`. A publishable key can only have the scope `inference`.
    #[serde(default)]
    #[schema(value_type = Option<crate::api::schema::KeyClass>)]
    class: Option<String>,
    /// At least one scope.
    #[schema(value_type = Vec<crate::api::schema::ScopeName>, min_items = 1, example = json!(["inference"]))]
    scopes: Vec<String>,
    /// Restrictions of the key. Without them, only the scopes limit the key.
    #[serde(default, deserialize_with = "object_if_any")]
    restrictions: Option<KeyRestrictions>,
    /// When the key expires. The default is never, or the latest time that the workspace's policy allows.
    #[serde(default)]
    #[schema(format = DateTime, example = "2027-01-31T12:00:00Z")]
    expires_at: Option<String>,
    /// A note for people, up to 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: Option<String>,
}

impl CreateKeyRequest {
    fn parse(self) -> Result<KeyDraft, Invalid> {
        let mut invalid = Invalid::default();
        let class = self.class.map_or(Some(Class::Secret), |text| invalid.take("class", text.parse()));
        let scopes = parse_scopes(&self.scopes, &mut invalid);
        let restrictions = self.restrictions.unwrap_or_default().parse(&mut invalid);
        let expires_at = self.expires_at.and_then(|text| invalid.take("expiresAt", times::parse(&text)));
        match class {
            Some(class) if invalid.fields().next().is_none() => Ok(KeyDraft {
                name: self.name,
                class,
                scopes,
                restrictions,
                expires_at,
                note: self.note.unwrap_or_default(),
            }),
            _ => Err(invalid),
        }
    }
}

/// Create a key
///
/// Returns the key with its secret. No other request returns the secret again. With an `Idempotency-Key`, a repeated request
/// doesn't create a second key. The server responds with 409 and the ID of the first key, because it doesn't store the secret.
/// A key can't grant more than it has itself.
#[utoipa::path(post, path = "/keys", tag = "Keys", operation_id = "createKey", request_body = CreateKeyRequest,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, description = "A unique name for this request, up to 200 characters.")),
    responses(
        (status = 201, description = "The key with its secret.", body = KeyWithSecret),
        (status = 403, description = "The new key would exceed the permissions or restrictions of the calling key."),
        (status = 409, description = "A request with this `Idempotency-Key` already created a key."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn create(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    headers: HeaderMap,
    Body(body): Body<CreateKeyRequest>,
) -> Result<Response, ApiError> {
    let created = app.keys.create(&by, body.parse()?, idempotency_key(&headers)?).await?;
    let location = format!("/api/v1/keys/{}", created.key.id);
    let head = [(header::LOCATION, location), (header::ETAG, etag(created.key.revision))];
    let body = KeyWithSecret::new(created, (app.clock)());
    let head = (Extension(Uncompressed), [(header::CACHE_CONTROL, "no-store")], head);
    Ok((StatusCode::CREATED, head, Json(body)).into_response())
}
