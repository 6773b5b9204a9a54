//! `POST /keys`: make a key.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode, header};
use keyrack_core::keys::Draft;
use keyrack_core::times;
use keyrack_core::{Acting, Invalid};
use keyrack_key::Class;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{KeyWithSecret, RestrictionsFields, etag, once, parse_scopes};
use crate::api::ApiError;
use crate::api::body::{Body, object_if_any};
use crate::app::Shared;
use crate::edge::compression::Uncompressed;

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateKeyRequest {
    /// 1 to 100 characters; where it will be used.
    #[schema(value_type = crate::api::schema::Name)]
    name: String,
    /// `secret` unless told otherwise; a `publishable` key can hold inference and nothing else, ever.
    #[serde(default)]
    #[schema(value_type = Option<crate::api::schema::KeyClass>)]
    class: Option<String>,
    /// `project`, `inference`, `keys`: at least one.
    #[schema(value_type = Vec<crate::api::schema::ScopeName>, min_items = 1, example = json!(["inference"]))]
    scopes: Vec<String>,
    /// What narrows it further.
    #[serde(default, deserialize_with = "object_if_any")]
    restrictions: Option<RestrictionsFields>,
    /// When it ends by itself; left out: never, or as late as the workspace allows.
    #[serde(default)]
    #[schema(format = DateTime, example = "2027-01-31T12:00:00Z")]
    expires_at: Option<String>,
    /// Anything worth knowing, at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: Option<String>,
}

impl CreateKeyRequest {
    fn parse(self) -> Result<Draft, Invalid> {
        let mut invalid = Invalid::default();
        let class = self.class.map_or(Some(Class::Secret), |text| invalid.take("class", text.parse()));
        let scopes = parse_scopes(&self.scopes, &mut invalid);
        let restrictions = self.restrictions.unwrap_or_default().parse(&mut invalid);
        let expires_at = self.expires_at.and_then(|text| invalid.take("expiresAt", times::parse(&text)));
        match class {
            Some(class) if invalid.fields().next().is_none() => Ok(Draft {
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

/// Make a key
///
/// The answer holds the secret, this once. With an `Idempotency-Key`, a repeated request makes no second key:
/// it is answered 409 with the id of the first, since its secret is not kept. A key that makes keys gives
/// no more than it holds itself.
#[utoipa::path(post, path = "/keys", tag = "Keys", operation_id = "createKey", request_body = CreateKeyRequest,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, description = "A name for this request, up to 200 characters")),
    responses(
        (status = 201, description = "The key, with its secret", body = KeyWithSecret),
        (status = 403, description = "It would hold more than the calling key"),
        (status = 409, description = "This request was carried out before"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn create(
    State(app): State<Shared>,
    by: Acting,
    headers: HeaderMap,
    Body(body): Body<CreateKeyRequest>,
) -> Result<Response, ApiError> {
    let handed = app.keys.create(&by, body.parse()?, once(&headers)?).await?;
    let location = format!("/api/v1/keys/{}", handed.key.id);
    let head = [(header::LOCATION, location), (header::ETAG, etag(handed.key.revision))];
    let body = KeyWithSecret::new(handed, (app.clock)());
    let head = (Extension(Uncompressed), [(header::CACHE_CONTROL, "no-store")], head);
    Ok((StatusCode::CREATED, head, Json(body)).into_response())
}
