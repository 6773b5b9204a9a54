//! `POST /predict/classify/{model_id}`: what a picture shows.

use axum::Json;
use axum::extract::{Path, Request, State};
use http::HeaderMap;
use keyrack_core::Acting;
use keyrack_core::predictions::{Asked, Classified, Likely, Seen};
use keyrack_store::ProjectType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CONFIDENCE, Options, Sent, model_id};
use crate::api::ApiError;
use crate::api::quota_headers;
use crate::app::Shared;

/// A picture to be told apart.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifyRequest {
    /// The picture in base64, as a data URL, or an http(s) URL that this server fetches.
    #[schema(required, value_type = String, example = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYPgPAAEDAQAIicLsAAAAAElFTkSuQmCC")]
    image: Option<String>,
    /// Only predictions at least that sure, 0 to 1; 0.7 unless told otherwise.
    #[schema(minimum = 0, maximum = 1, example = 0.7)]
    confidence: Option<f64>,
}

impl Options for ClassifyRequest {
    const FIELDS: &'static [&'static str] = &["confidence"];

    fn take_image(&mut self) -> Option<String> {
        self.image.take()
    }
}

/// The same, as a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
pub struct ClassifyForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
    #[schema(minimum = 0, maximum = 1)]
    confidence: Option<f64>,
}

/// A label of the model, and how sure it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClassPrediction)]
pub struct PredictionBody {
    #[schema(example = "bottle cap")]
    category: String,
    /// 0 to 1, calibrated.
    #[schema(minimum = 0, maximum = 1)]
    confidence: f32,
}

/// What the picture shows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Classification)]
pub struct ClassificationBody {
    /// The likeliest, however likely it is.
    #[schema(example = "bottle cap")]
    category: String,
    /// 0 to 1, calibrated.
    #[schema(minimum = 0, maximum = 1)]
    confidence: f32,
    /// The likeliest first: it in any case, and all that are as sure as was asked for.
    predictions: Vec<PredictionBody>,
}

impl From<Likely> for PredictionBody {
    fn from(Likely { label, confidence }: Likely) -> Self {
        Self { category: label, confidence }
    }
}

impl From<Classified> for ClassificationBody {
    fn from(Classified { best, all, .. }: Classified) -> Self {
        let predictions = all.into_iter().map(PredictionBody::from).collect();
        Self { category: best.label, confidence: best.confidence, predictions }
    }
}

/// Classify a picture
///
/// JSON, a form with the file, or the file itself; then the options stand in the query.
#[utoipa::path(post, path = "/predict/classify/{model_id}", tag = "Predictions", operation_id = "classify",
    params(("model_id" = crate::api::schema::ModelId, Path, description = "The model's ID"),
        ("confidence" = Option<f64>, Query, minimum = 0, maximum = 1, description = "Where the body is an image file")),
    request_body(content((ClassifyRequest = "application/json"), (ClassifyForm = "multipart/form-data"),
        (inline(crate::api::schema::Bytes) = "image/jpeg"), (inline(crate::api::schema::Bytes) = "image/png"),
        (inline(crate::api::schema::Bytes) = "image/webp"))),
    responses(
        (status = 200, description = "What the picture shows", body = ClassificationBody),
        (status = 403, description = "The key is restricted to other projects or models, or may not send image URLs"),
        (status = 404, description = "There is no such model"),
        (status = 409, description = "The model is not ready, or does something else"),
        (status = 413, description = "The picture has too many bytes or pixels, or more bytes than the key may send"),
        (status = 415, description = "It is no JPEG, PNG or WebP"),
        (status = 429, description = "The key has sent too many requests lately, or made all predictions of its day or month; `Retry-After` says when to come back"),
        (status = 422, description = "A field is not as expected; `details` names it"),
        (status = 503, description = "Too many pictures are waiting; `Retry-After` says when to come back")))]
pub async fn classify(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    request: Request,
) -> Result<(HeaderMap, Json<ClassificationBody>), ApiError> {
    let model = app.predictions.find(&by, model_id(&id)?, ProjectType::Classification).await?;
    let Sent::<ClassifyRequest> { image, options } = Sent::read(request, &app, &by).await?;
    let asked = Asked { confidence: options.confidence.unwrap_or(CONFIDENCE), small: false };
    let answer = app.predictions.classify(&by, model, image, asked).await;
    let Seen { found, spent, .. } = app.metrics.predicted("classify", answer)?;
    Ok((quota_headers::headers(&spent, app.now()), Json(found.into())))
}
