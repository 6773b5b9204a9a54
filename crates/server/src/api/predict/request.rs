//! Prediction requests: an image and its options, as JSON, as a form, or as an image file with options in the query.

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use keyrack_core::predict::memory::MemoryDenial;
use keyrack_core::predict::{Image, MemoryPermit};
use keyrack_core::{AuthorizedCaller, OpError};
use keyrack_guard::Problem;
use serde::de::DeserializeOwned;
use tokio::task::spawn_blocking;

use super::form;
use crate::api::ApiError;
use crate::api::body;
use crate::app::App;
use crate::http::allowance;

/// The options of a prediction. In JSON and forms, they include the image as text.
pub trait Options: DeserializeOwned + Send + 'static {
    /// The names of the options in a query.
    const FIELDS: &'static [&'static str];

    /// Takes the image out of the options. `None` if the request has none.
    fn take_image(&mut self) -> Option<String>;
}

/// A prediction request.
#[derive(Debug)]
pub struct PredictionRequest<T> {
    pub image: Image,
    pub options: T,
}

impl<T: Options> PredictionRequest<T> {
    /// Reads the body within the memory budget. Errors with 413 if the image exceeds the maximum of the server or the key, with
    /// 415 for other media types, and with 503 if the budget is exhausted.
    pub async fn read(request: Request, app: &App, by: &AuthorizedCaller) -> Result<Self, ApiError> {
        let (parts, sent) = request.into_parts();
        let kind = essence(&parts.headers);
        match kind.as_deref() {
            Some("application/json") => {
                let (bytes, permit) = gather(&parts, sent, app, by, ImageEncoding::Base64).await?;
                // Parsing megabytes of base64 would block other requests on this thread.
                spawn_blocking(move || Self::json(bytes, permit)).await.map_err(OpError::internal)?
            }
            Some("multipart/form-data") => {
                let (bytes, permit) = gather(&parts, sent, app, by, ImageEncoding::Base64).await?;
                let form::ImageForm { file, fields } = form::read(&parts, bytes).await?;
                spawn_blocking(move || Self::form(file, fields, permit)).await.map_err(OpError::internal)?
            }
            Some(kind) if kind.starts_with("image/") => {
                let options = form::options(form::query(&parts.uri, T::FIELDS))?;
                let (bytes, permit) = gather(&parts, sent, app, by, ImageEncoding::Raw).await?;
                Ok(Self { image: Image::file(not_empty(bytes)?, permit), options })
            }
            _ => Err(unsupported_media_type()),
        }
    }

    fn form(
        file: Option<Bytes>,
        fields: Vec<(String, String)>,
        permit: MemoryPermit,
    ) -> Result<Self, ApiError> {
        let mut options: T = form::options(fields)?;
        let image = match (file, options.take_image()) {
            (Some(_), Some(_)) => {
                return Err(ApiError::field(
                    "image",
                    "This field is duplicated. Send it \
                 once.",
                ));
            }
            (Some(file), None) => Image::file(not_empty(file)?, permit),
            (None, text) => Image::text(text.ok_or_else(missing)?, permit)?,
        };
        Ok(Self { image, options })
    }

    fn json(bytes: Bytes, permit: MemoryPermit) -> Result<Self, ApiError> {
        let mut options: T = body::parse(&bytes)?;
        drop(bytes);
        let text = options.take_image().ok_or_else(missing)?;
        Ok(Self { image: Image::text(text, permit)?, options })
    }
}

/// Returns the media type of a body in lower case, or `None` unless the request has exactly one `Content-Type`.
fn essence(headers: &HeaderMap) -> Option<String> {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return None };
    Some(kind.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase())
}

/// The encoding of an image in a body.
#[derive(Clone, Copy)]
enum ImageEncoding {
    /// The body is the image file.
    Raw,
    /// The body may contain the image in base64 with line breaks, and other fields.
    Base64,
}

impl ImageEncoding {
    /// Returns the maximum size of a body whose image has at most `most` bytes.
    const fn bytes(self, most: usize) -> usize {
        match self {
            Self::Raw => most,
            Self::Base64 => allowance::picture(most.saturating_add(most / 16)).bytes,
        }
    }
}

async fn gather(
    parts: &Parts,
    sent: Body,
    app: &App,
    by: &AuthorizedCaller,
    encoding: ImageEncoding,
) -> Result<(Bytes, MemoryPermit), ApiError> {
    let server = allowance::picture(app.config.max_image).bytes;
    let key = by.max_image_bytes().map(|most| encoding.bytes(most));
    let most = key.map_or(server, |key| key.min(server));
    let received =
        body::gather(&parts.headers, sent, app.predictions.memory(), by.claimant(), most, |no| match no {
            MemoryDenial::TooLarge => {
                let own = if most < server { app.predictions.deny_size(by) } else { None };
                own.map_or_else(|| too_large(app), ApiError::from)
            }
            MemoryDenial::Exhausted(exhausted) => {
                app.metrics.busy();
                OpError::from(exhausted).into()
            }
        });
    received.await
}

fn not_empty(file: Bytes) -> Result<Bytes, ApiError> {
    if file.is_empty() {
        Err(ApiError::field("image", "The image is empty. Send a JPEG, PNG, or WebP image."))
    } else {
        Ok(file)
    }
}

fn missing() -> ApiError {
    ApiError::field("image", "This field is required.")
}

fn too_large(app: &App) -> ApiError {
    let megabytes = app.config.max_image / 1_000_000;
    let message = format!("Use an image of {megabytes} MB or less.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "image_too_large", format!("image: {message}"))
        .field("image", message)
        .into()
}

fn unsupported_media_type() -> ApiError {
    let message = "Unsupported content type. Send JSON (application/json), a form (multipart/form-data), or \
         an image file (image/jpeg, image/png, image/webp).";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown_kind", message).into()
}
