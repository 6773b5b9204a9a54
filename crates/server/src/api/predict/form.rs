//! Conversion of forms and queries, whose values are all text, into JSON values.

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

/// The maximum number of fields. The forms of the API have fewer.
const FIELDS_MAX: usize = 16;

/// The fields of a form.
#[derive(Debug, Default)]
pub(super) struct ImageForm {
    /// The image, if the form has it as a file.
    pub(super) file: Option<Bytes>,
    /// The names and values of all other fields.
    pub(super) fields: Vec<(String, String)>,
}

/// Parses a form. Errors with 400 if the form is malformed, and with 422 if it has two images.
pub(super) async fn read(parts: &Parts, bytes: Bytes) -> Result<ImageForm, ApiError> {
    let request = Request::from_parts(parts.clone(), Body::from(bytes));
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|_| unreadable())?;
    let mut form = ImageForm::default();
    while let Some(field) = multipart.next_field().await.map_err(|_| unreadable())? {
        let name = field.name().unwrap_or_default().to_owned();
        let is_file = field.file_name().is_some()
            || field.content_type().is_some_and(|kind| !kind.starts_with("text/"));
        if name == "image" && is_file {
            if form.file.is_some() {
                return Err(ApiError::field("image", "This field is duplicated. Send it once."));
            }
            form.file = Some(field.bytes().await.map_err(|_| unreadable())?);
        } else {
            form.fields.push((name, field.text().await.map_err(|_| unreadable())?));
        }
        if form.fields.len() > FIELDS_MAX {
            return Err(unreadable());
        }
    }
    Ok(form)
}

/// Returns the parameters of a query whose names are in `known`. Unknown parameters are ignored.
pub(super) fn query(uri: &Uri, known: &[&str]) -> Vec<(String, String)> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned();
    pairs.filter(|(name, _)| known.contains(&name.as_str())).collect()
}

/// Converts fields to options. The errors are the same as for JSON.
pub(super) fn options<T: DeserializeOwned>(fields: Vec<(String, String)>) -> Result<T, ApiError> {
    let mut object = Map::new();
    for (name, text) in fields {
        let value = if name == "image" { Value::String(text) } else { value(&text) };
        if object.contains_key(&name) {
            return Err(body::duplicate_field(&name));
        }
        object.insert(name, value);
    }
    body::from_value(Value::Object(object))
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
    Problem::new(StatusCode::BAD_REQUEST, "bad_form", "Send a form with the image in the field image.").into()
}
