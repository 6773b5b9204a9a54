//! JSON bodies, and what was expected where they are wrong.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use keyrack_guard::Problem;
use serde::de::DeserializeOwned;

use super::ApiError;

/// The body of a request as JSON. Fields that nobody knows are refused: most are misspelled.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(refuse(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "expected Content-Type: application/json",
            ));
        }
        let bytes = read(request, state).await?;
        parse(&bytes).map(Self)
    }
}

/// Like [`Body`], for requests that may come without one.
#[derive(Clone, Debug)]
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = read(request, state).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { parse(&bytes).map(Self) }
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
        query.map(|Query(value)| Self(value)).map_err(|_| {
            refuse(
                StatusCode::BAD_REQUEST,
                "bad_query",
                "a parameter is there twice or is not of the expected kind",
            )
        })
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            refuse(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "expected a body of at most 64 KiB")
        }
        _ => refuse(StatusCode::BAD_REQUEST, "bad_request", "the body did not arrive whole"),
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        match cause.classify() {
            // What serde says names the field and what was expected, and nothing of a secret: keys stand in no body.
            serde_json::error::Category::Data => {
                let message = cause.to_string();
                let problem =
                    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("{path}: {message}"));
                problem.field(&path, message).into()
            }
            _ => refuse(StatusCode::BAD_REQUEST, "not_json", format!("expected JSON: {cause}")),
        }
    })?;
    json.end().map_err(|_| {
        refuse(StatusCode::BAD_REQUEST, "not_json", "expected one JSON value and nothing behind it")
    })?;
    Ok(value)
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn refuse(status: StatusCode, code: &'static str, message: impl Into<String>) -> ApiError {
    Problem::new(status, code, message).into()
}
