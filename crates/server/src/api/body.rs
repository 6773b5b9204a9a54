//! What comes in: JSON bodies and queries, and what was expected where they are wrong.

mod gathered;
mod object;
mod wrong;

use std::error::Error;
use std::iter::successors;

use axum::RequestExt;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use keyrack_core::OpError;
use keyrack_core::predict::Held;
use keyrack_core::predict::room::NoRoom;
use keyrack_core::shares::Claimant;
use keyrack_guard::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower_http::timeout::TimeoutError;

use super::ApiError;
use crate::app::Shared;
use crate::edge::progress::TooSlow;
use crate::edge::{allowance, entrance};
use gathered::collect;
pub use gathered::gather;
use object::Object;
pub use object::{object, object_if_any, objects, objects_if_any};
pub use wrong::twice;

/// The body of a request as JSON. Fields that nobody knows are refused: most are misspelled.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Shared> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, ApiError> {
        LongBody::from_request(request, app).await.map(|LongBody(value, _held)| Self(value))
    }
}

/// Like [`Body`], for routes that take long ones ([`allowance::LIST`]), with its share of the memory for request bodies. The
/// share is to be kept as long as the value.
#[derive(Debug)]
pub struct LongBody<T>(pub T, pub Held);

impl<T: DeserializeOwned> FromRequest<Shared> for LongBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(not_json());
        }
        let (bytes, held) = read(request, app).await?;
        Ok(Self(parse(&bytes)?, held))
    }
}

/// A long list of JSON objects, with its share as in [`LongBody`].
#[derive(Debug)]
pub struct ListBody<T>(pub Vec<T>, pub Held);

impl<T: DeserializeOwned> FromRequest<Shared> for ListBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(not_json());
        }
        let (bytes, held) = read(request, app).await?;
        let list: Vec<Object<T>> = parse_any(&bytes)?;
        Ok(Self(list.into_iter().map(|Object(value)| value).collect(), held))
    }
}

/// Like [`Body`], for requests that may come without one.
#[derive(Clone, Debug)]
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<Shared> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let (bytes, _held) = read(request, app).await?;
        match without_mark(&bytes).trim_ascii() {
            b"" => Ok(Self(T::default())),
            // The Go client of openapi-generator sends this where a body is left out.
            b"null" if is_json => Ok(Self(T::default())),
            _ if is_json => parse(&bytes).map(Self),
            _ => Err(not_json()),
        }
    }
}

/// The query of a request; parameters that nobody knows are passed over, as clients expect of a URL.
#[derive(Clone, Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        // The rejection's text could repeat what stood in the query, a key for one.
        query.map(|Query(value)| Self(value)).map_err(|_| wrong::query(parts.uri.query().unwrap_or_default()))
    }
}

/// How long a page of a list shall be.
pub fn limit(text: Option<&str>) -> Result<u32, &'static str> {
    let limit = text.map_or(Some(50), |text| text.parse().ok());
    limit.filter(|limit| (1..=200).contains(limit)).ok_or("expected 1 to 200")
}

/// Whether a body did not arrive because its client sent too slowly, or nothing.
pub fn is_silence(error: &(dyn Error + 'static)) -> bool {
    has_cause::<TimeoutError>(error) || has_cause::<TooSlow>(error)
}

fn has_cause<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    successors(Some(error), |&error| error.source()).any(<dyn Error>::is::<E>)
}

/// The body of a request, up to what its route takes. What is longer than small counts against the caller's share, which
/// whoever found out the caller has put into the request; callers that no route knows share one.
async fn read(request: Request, app: &Shared) -> Result<(Bytes, Held), ApiError> {
    let (parts, body) = request.with_limited_body().into_parts();
    let claimant = parts.extensions.get().copied().unwrap_or_else(|| Claimant::network(None));
    let (most, announced) = (allowance::LIST.bytes, entrance::announced(&parts.headers));
    let gathering = app.lists.gather_beyond(allowance::SMALL.bytes, claimant, most, announced);
    let denied = |no| match no {
        NoRoom::TooMany => refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "The request body is too large for this path. Send less at once.",
        ),
        NoRoom::Full(exhausted) => OpError::from(exhausted).into(),
    };
    collect(body, gathering, denied).await
}

/// The value in the bytes of a body.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    parse_any(bytes).map(|Object(value)| value)
}

fn parse_any<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(without_mark(bytes));
    let value = serde_path_to_error::deserialize(&mut json).map_err(wrong::body)?;
    json.end().map_err(|_| {
        let message = "The request body goes on after its JSON value. Send one JSON value and nothing else.";
        refuse(StatusCode::BAD_REQUEST, "not_json", message)
    })?;
    Ok(value)
}

/// The text of a body behind its byte order mark, which some programs write and parsers may ignore (RFC 8259, section 8.1).
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// The value of a body that came in another form.
pub fn of_value<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    let Object(value) = serde_path_to_error::deserialize(value).map_err(wrong::body)?;
    Ok(value)
}

/// Said once, or it is not said.
fn is_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return false };
    let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn not_json() -> ApiError {
    let message = "The request body must be JSON. Send it with Content-Type: application/json.";
    refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", message)
}

fn refuse(status: StatusCode, code: &'static str, message: impl Into<String>) -> ApiError {
    Problem::new(status, code, message).into()
}
