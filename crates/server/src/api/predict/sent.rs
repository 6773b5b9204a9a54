//! A picture and what is to be known about it, in the three forms in which clients send them.

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use keyrack_core::predict::room::NoRoom;
use keyrack_core::predict::{Held, Image};
use keyrack_core::{Acting, OpError};
use keyrack_guard::Problem;
use serde::de::DeserializeOwned;
use tokio::task::spawn_blocking;

use super::form;
use crate::api::ApiError;
use crate::api::body;
use crate::app::App;
use crate::edge::allowance;

/// What stands in a body beside the picture, and the picture where it is a text.
pub trait Options: DeserializeOwned + Send + 'static {
    /// The names that may stand in a query, where the body is the picture's file.
    const FIELDS: &'static [&'static str];

    /// The picture, once.
    fn take_image(&mut self) -> Option<String>;
}

/// What came in.
#[derive(Debug)]
pub struct Sent<T> {
    pub image: Image,
    pub options: T,
}

impl<T: Options> Sent<T> {
    /// Reads the body, as far as there is room for it and no further than the caller's key may send.
    pub async fn read(request: Request, app: &App, by: &Acting) -> Result<Self, ApiError> {
        let (parts, sent) = request.into_parts();
        let kind = essence(&parts.headers);
        match kind.as_deref() {
            Some("application/json") => {
                let (bytes, held) = gather(&parts, sent, app, by, Encoding::Base64).await?;
                // The text of a picture is long: reading it would hold up others.
                spawn_blocking(move || Self::json(bytes, held)).await.map_err(OpError::internal)?
            }
            Some("multipart/form-data") => {
                let (bytes, held) = gather(&parts, sent, app, by, Encoding::Base64).await?;
                let form::Form { file, fields } = form::read(&parts, bytes).await?;
                spawn_blocking(move || Self::form(file, fields, held)).await.map_err(OpError::internal)?
            }
            Some(kind) if kind.starts_with("image/") => {
                let options = form::options(form::query(&parts.uri, T::FIELDS))?;
                let (bytes, held) = gather(&parts, sent, app, by, Encoding::Raw).await?;
                Ok(Self { image: Image::file(some(bytes)?, held), options })
            }
            _ => Err(unknown_kind()),
        }
    }

    fn form(file: Option<Bytes>, fields: Vec<(String, String)>, held: Held) -> Result<Self, ApiError> {
        let mut options: T = form::options(fields)?;
        let image = match (file, options.take_image()) {
            (Some(_), Some(_)) => return Err(ApiError::field("image", "is there twice")),
            (Some(file), None) => Image::file(some(file)?, held),
            (None, text) => Image::text(text.ok_or_else(missing)?, held)?,
        };
        Ok(Self { image, options })
    }

    fn json(bytes: Bytes, held: Held) -> Result<Self, ApiError> {
        let mut options: T = body::parse(&bytes)?;
        drop(bytes);
        let text = options.take_image().ok_or_else(missing)?;
        Ok(Self { image: Image::text(text, held)?, options })
    }
}

/// The kind of a body, said once; said twice, it is not said.
fn essence(headers: &HeaderMap) -> Option<String> {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return None };
    Some(kind.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase())
}

/// How a picture stands in a body.
#[derive(Clone, Copy)]
enum Encoding {
    /// As it is, and nothing else.
    Raw,
    /// Perhaps in base64, in lines, and with fields beside it.
    Base64,
}

impl Encoding {
    /// The bytes of a body whose picture has at most `most`.
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
    by: &Acting,
    encoding: Encoding,
) -> Result<(Bytes, Held), ApiError> {
    let server = allowance::picture(app.config.max_image).bytes;
    let key = by.max_image_bytes().map(|most| encoding.bytes(most));
    let most = key.map_or(server, |key| key.min(server));
    let gathered =
        body::gather(&parts.headers, sent, app.predictions.room(), by.claimant(), most, |no| match no {
            NoRoom::TooMany => {
                let own = if most < server { app.predictions.refuse_size(by) } else { None };
                own.map_or_else(|| too_large(app), ApiError::from)
            }
            NoRoom::Full(exhausted) => {
                app.metrics.busy();
                OpError::from(exhausted).into()
            }
        });
    gathered.await
}

fn some(file: Bytes) -> Result<Bytes, ApiError> {
    if file.is_empty() {
        Err(ApiError::field("image", "is empty; expected a JPEG, PNG or WebP"))
    } else {
        Ok(file)
    }
}

fn missing() -> ApiError {
    ApiError::field("image", "is missing")
}

fn too_large(app: &App) -> ApiError {
    let megabytes = app.config.max_image / 1_000_000;
    let says = format!("expected a picture of at most {megabytes} MB");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "image_too_large", format!("image: {says}"))
        .field("image", says)
        .into()
}

fn unknown_kind() -> ApiError {
    let says = "expected JSON (Content-Type: application/json), a form (multipart/form-data) or the picture's file (image/jpeg, \
        image/png, image/webp)";
    refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown_kind", says)
}

fn refuse(status: StatusCode, code: &'static str, message: &str) -> ApiError {
    Problem::new(status, code, message).into()
}
