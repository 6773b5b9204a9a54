//! What comes in: JSON bodies and queries, and what was expected where they are wrong.

mod gathered;
mod object;
mod wrong;

use std::error::Error;
use std::iter::successors;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use keyrack_guard::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower_http::timeout::TimeoutError;

use super::ApiError;
pub use gathered::gather;
use object::Object;
pub use object::{object, object_if_any, objects, objects_if_any};
pub use wrong::twice;

/// The body of a request as JSON. Fields that nobody knows are refused: most are misspelled.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        if !is_json {
            return Err(not_json());
        }
        parse(&read(request, state).await?).map(Self)
    }
}

/// A list of JSON objects.
#[derive(Clone, Debug)]
pub struct ListBody<T>(pub Vec<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ListBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(not_json());
        }
        let list: Vec<Object<T>> = parse_any(&read(request, state).await?)?;
        Ok(Self(list.into_iter().map(|Object(value)| value).collect()))
    }
}

/// Like [`Body`], for requests that may come without one.
#[derive(Clone, Debug)]
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = read(request, state).await?;
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

/// Whether a body did not arrive because its client fell silent.
pub fn is_silence(error: &(dyn Error + 'static)) -> bool {
    successors(Some(error), |&error| error.source()).any(<dyn Error>::is::<TimeoutError>)
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "The request body is too large for this path. Send less at once.",
        ),
        _ if is_silence(&rejection) => refuse(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            "The request body did not arrive in time. Send it again.",
        ),
        _ => refuse(
            StatusCode::BAD_REQUEST,
            "bad_request",
            "The request body did not arrive whole. Send it again.",
        ),
    })
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
