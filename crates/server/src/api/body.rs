//! Extractors for JSON bodies and queries. Their errors name the field and the values that it accepts.

mod gather;
mod number;
mod object;
mod problems;

use std::error::Error;
use std::iter::successors;

use axum::RequestExt;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use keyrack_core::predict::MemoryPermit;
use keyrack_core::predict::memory::MemoryDenial;
use keyrack_core::shares::Claimant;
use keyrack_core::{AuthorizedCaller, OpError};
use keyrack_guard::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower_http::timeout::TimeoutError;

use super::ApiError;
use crate::app::Shared;
use crate::http::progress::TooSlow;
use crate::http::{allowance, entrance};
use gather::collect;
pub use gather::gather;
use number::without_zero_fractions;
use object::JsonObject;
pub use object::{nullable, object, object_if_any, objects, objects_if_any};
pub use problems::duplicate_field;

/// Extracts a JSON object from the body. Errors with 415 without `Content-Type: application/json`, with 400 if the body isn't
/// JSON, and with 422 if a field is missing or invalid.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Shared> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, ApiError> {
        LongBody::from_request(request, app).await.map(|LongBody(value, _held)| Self(value))
    }
}

/// Like [`Body`], for routes that accept long bodies ([`allowance::LIST`]). The second field is the caller's permit in the memory
/// budget of request bodies. Handlers hold the permit as long as the value.
#[derive(Debug)]
pub struct LongBody<T>(pub T, pub MemoryPermit);

impl<T: DeserializeOwned> FromRequest<Shared> for LongBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(not_json());
        }
        let (bytes, permit) = read(request, app).await?;
        Ok(Self(parse(&bytes)?, permit))
    }
}

/// Extracts a long list of JSON objects from the body, with a permit as in [`LongBody`]. Errors like [`Body`].
#[derive(Debug)]
pub struct ListBody<T>(pub Vec<T>, pub MemoryPermit);

impl<T: DeserializeOwned> FromRequest<Shared> for ListBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(not_json());
        }
        let (bytes, permit) = read(request, app).await?;
        let list: Vec<JsonObject<T>> = parse_any(&bytes)?;
        Ok(Self(list.into_iter().map(|JsonObject(value)| value).collect(), permit))
    }
}

/// Extracts a JSON object from the body, or the default value if the body is empty. Errors like [`Body`].
#[derive(Clone, Debug)]
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<Shared> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let (bytes, _held) = read(request, app).await?;
        match without_mark(&bytes).trim_ascii() {
            b"" => Ok(Self(T::default())),
            // The Go client of openapi-generator sends `null` in place of an optional body.
            b"null" if is_json => Ok(Self(T::default())),
            _ if is_json => parse(&bytes).map(Self),
            _ => Err(not_json()),
        }
    }
}

/// Extracts the query of the URL and ignores unknown parameters. Errors with 422 if a parameter occurs twice, and with 400 if the
/// query isn't UTF-8.
#[derive(Clone, Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        // The text of the rejection is dropped: it could repeat a value of the query, such as a secret.
        query
            .map(|Query(value)| Self(value))
            .map_err(|_| problems::query(parts.uri.query().unwrap_or_default()))
    }
}

/// Parses the length of a page: 1 to 200, 50 if `text` is `None`. The error describes the range.
pub fn limit(text: Option<&str>) -> Result<u32, &'static str> {
    let limit = text.map_or(Some(50), |text| text.parse().ok());
    limit.filter(|limit| (1..=200).contains(limit)).ok_or("Use a number from 1 to 200.")
}

/// Whether reading a body failed because the client sent too slowly, or sent nothing for too long.
pub fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    has_cause::<TimeoutError>(error) || has_cause::<TooSlow>(error)
}

fn has_cause<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    successors(Some(error), |&error| error.source()).any(<dyn Error>::is::<E>)
}

/// Reads a body, up to the maximum of its route. A body that is longer than [`allowance::SMALL`] counts against the share of its
/// caller, which extractors of the caller have put into the request. Unknown callers have one share in common.
async fn read(request: Request, app: &Shared) -> Result<(Bytes, MemoryPermit), ApiError> {
    let (parts, body) = request.with_limited_body().into_parts();
    let claimant = parts.extensions.get().copied().unwrap_or_else(|| Claimant::network(None));
    let (most, announced) = (allowance::LIST.bytes, entrance::announced(&parts.headers));
    let buffer = app.lists.collect_beyond(allowance::SMALL.bytes, claimant, most, announced);
    let denied = |no| match no {
        MemoryDenial::TooLarge => problem(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "The request body is too large. Send a smaller body.",
        ),
        MemoryDenial::Exhausted(exhausted) => OpError::from(exhausted).into(),
    };
    let body = collect(body, buffer, denied).await?;
    // A client can hold its body back for as long as it likes. What the handler then finds in the store is no answer for a key
    // that was deleted meanwhile.
    if let Some(by) = parts.extensions.get::<AuthorizedCaller>() {
        by.verify(&app.store, app.now()).await?;
    }
    Ok(body)
}

/// Parses a JSON object. Errors like [`Body`].
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    parse_any(bytes).map(|JsonObject(value)| value)
}

fn parse_any<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let bytes = without_zero_fractions(without_mark(bytes));
    let mut json = serde_json::Deserializer::from_slice(&bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(problems::body)?;
    json.end().map_err(|_| {
        let message = "The request body must contain exactly one JSON value. Send nothing after it.";
        problem(StatusCode::BAD_REQUEST, "not_json", message)
    })?;
    Ok(value)
}

/// Strips the byte order mark that some programs write (RFC 8259, section 8.1, lets parsers ignore it).
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// Converts a JSON value, for bodies of other media types. Errors like [`Body`].
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    let JsonObject(value) = serde_path_to_error::deserialize(value).map_err(problems::body)?;
    Ok(value)
}

/// Whether the request has exactly one `Content-Type`, and it is `application/json`.
fn is_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return false };
    let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn not_json() -> ApiError {
    let message = "The request body must be JSON. Send it with Content-Type: application/json.";
    problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", message)
}

fn problem(status: StatusCode, code: &'static str, message: impl Into<String>) -> ApiError {
    Problem::new(status, code, message).into()
}
