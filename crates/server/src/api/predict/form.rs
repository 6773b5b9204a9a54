//! Forms and queries: every value is a text there, and becomes what JSON would have said.

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{StatusCode, Uri};
use keyrack_guard::Problem;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use crate::api::ApiError;
use crate::api::body;

/// More fields than any form of ours has.
const MOST_FIELDS: usize = 16;

/// What stands in a form.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// The picture, where it is a file.
    pub(super) file: Option<Bytes>,
    pub(super) fields: Vec<(String, String)>,
}

/// Reads a form that is in memory already.
pub(super) async fn read(parts: &Parts, bytes: Bytes) -> Result<Form, ApiError> {
    let request = Request::from_parts(parts.clone(), Body::from(bytes));
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|_| unreadable())?;
    let mut form = Form::default();
    while let Some(field) = multipart.next_field().await.map_err(|_| unreadable())? {
        let name = field.name().unwrap_or_default().to_owned();
        let is_file = field.file_name().is_some()
            || field.content_type().is_some_and(|kind| !kind.starts_with("text/"));
        if name == "image" && is_file {
            if form.file.is_some() {
                return Err(ApiError::field("image", "is there twice"));
            }
            form.file = Some(field.bytes().await.map_err(|_| unreadable())?);
        } else {
            form.fields.push((name, field.text().await.map_err(|_| unreadable())?));
        }
        if form.fields.len() > MOST_FIELDS {
            return Err(unreadable());
        }
    }
    Ok(form)
}

/// The fields of a query that are among `known`; others are passed over, as clients expect of a URL.
pub(super) fn query(uri: &Uri, known: &[&str]) -> Vec<(String, String)> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned();
    pairs.filter(|(name, _)| known.contains(&name.as_str())).collect()
}

/// The options that fields stand for. They are refused in the words in which JSON would be.
pub(super) fn options<T: DeserializeOwned>(fields: Vec<(String, String)>) -> Result<T, ApiError> {
    let mut object = Map::new();
    for (name, text) in fields {
        let value = if name == "image" { Value::String(text) } else { value(&text) };
        if object.contains_key(&name) {
            return Err(body::twice(&name));
        }
        object.insert(name, value);
    }
    body::of_value(Value::Object(object))
}

fn value(text: &str) -> Value {
    let text = text.trim();
    let number =
        || text.parse::<u64>().map(Number::from).ok().or_else(|| Number::from_f64(text.parse().ok()?));
    match text {
        "" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        _ => number().map_or_else(|| text.into(), Value::Number),
    }
}

fn unreadable() -> ApiError {
    Problem::new(StatusCode::BAD_REQUEST, "bad_form", "expected a form with the picture in the field image")
        .into()
}
