//! `POST /predict/classify/{model_id}`: classifies an image.

use axum::Json;
use axum::extract::{Path, Request, State};
use http::HeaderMap;
use keyrack_core::AuthorizedCaller;
use keyrack_core::predictions::{ClassifyOptions, ImageClasses, LabelConfidence, Prediction};
use keyrack_store::ProjectType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CONFIDENCE, Options, PredictionRequest, model_id};
use crate::api::ApiError;
use crate::api::quota_headers;
use crate::app::Shared;

/// An image to classify.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifyRequest {
    /// The image in base64, as a data URL, or as an http(s) URL that the server fetches.
    #[schema(required, value_type = String, example = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYPgPAAEDAQAIicLsAAAAAElFTkSuQmCC")]
    image: Option<String>,
    /// The minimum confidence of the returned predictions, 0 to 1. The default is 0.7.
    #[schema(minimum = 0, maximum = 1, example = 0.7)]
    confidence: Option<f64>,
}

impl Options for ClassifyRequest {
    const FIELDS: &'static [&'static str] = &["confidence"];

    fn take_image(&mut self) -> Option<String> {
        self.image.take()
    }
}

/// A form with an image to classify.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the type only has a schema")]
pub struct ClassifyForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
    /// The minimum confidence of the returned predictions, 0 to 1. The default is 0.7.
    #[schema(minimum = 0, maximum = 1)]
    confidence: Option<f64>,
}

/// A predicted class and its confidence.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClassPrediction {
    #[schema(example = "bottle cap")]
    category: String,
    /// The calibrated confidence, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    confidence: f32,
}

/// The predicted classes of an image.
#[derive(Debug, Serialize, ToSchema)]
pub struct Classification {
    /// The class with the highest confidence, also if that is below the minimum.
    #[schema(example = "bottle cap")]
    category: String,
    /// The calibrated confidence of `category`, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    confidence: f32,
    /// `category`, and all other classes with at least the minimum confidence. The highest confidence comes first.
    predictions: Vec<ClassPrediction>,
}

impl From<LabelConfidence> for ClassPrediction {
    fn from(LabelConfidence { label, confidence }: LabelConfidence) -> Self {
        Self { category: label, confidence }
    }
}

impl From<ImageClasses> for Classification {
    fn from(ImageClasses { best, all, .. }: ImageClasses) -> Self {
        let predictions = all.into_iter().map(ClassPrediction::from).collect();
        Self { category: best.label, confidence: best.confidence, predictions }
    }
}

/// Classify an image
///
/// Send JSON, a form, or the image file itself. With an image file, send the options in the query. A prediction counts
/// against quotas as soon as its image is decoded, even if the image turns out to be damaged.
#[utoipa::path(post, path = "/predict/classify/{model_id}", tag = "Predictions", operation_id = "classify",
    params(("model_id" = crate::api::schema::ModelId, Path, description = "The model's ID."),
        ("confidence" = Option<f64>, Query, minimum = 0, maximum = 1, description = "The minimum confidence, if the body is an image file.")),
    request_body(content((ClassifyRequest = "application/json"), (ClassifyForm = "multipart/form-data"),
        (inline(crate::api::schema::Bytes) = "image/jpeg"), (inline(crate::api::schema::Bytes) = "image/png"),
        (inline(crate::api::schema::Bytes) = "image/webp"))),
    responses(
        (status = 200, description = "The predicted classes.", body = Classification),
        (status = 403, description = "The key is restricted to other projects or models, or may not send image URLs."),
        (status = 404, description = "The model doesn't exist."),
        (status = 409, description = "The model isn't ready, or isn't a classification model."),
        (status = 413, description = "The image exceeds the maximum size of the server or the key."),
        (status = 415, description = "The file isn't a JPEG, PNG, or WebP image."),
        (status = 429, description = "The rate limit or a quota of predictions is exceeded. Retry after `Retry-After` seconds."),
        (status = 422, description = "A field is invalid. `details` names it."),
        (status = 503, description = "Too many predictions are waiting. Retry after `Retry-After` seconds.")))]
pub async fn classify(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
    request: Request,
) -> Result<(HeaderMap, Json<Classification>), ApiError> {
    let model = app.predictions.find(&by, model_id(&id)?, ProjectType::Classification).await?;
    let PredictionRequest::<ClassifyRequest> { image, options } =
        PredictionRequest::read(request, &app, &by).await?;
    let options = ClassifyOptions { confidence: options.confidence.unwrap_or(CONFIDENCE), small: false };
    let result = app.predictions.classify(&by, model, image, options).await;
    let Prediction { result, quota, .. } = app.metrics.predicted("classify", result)?;
    Ok((quota_headers::headers(&quota, app.now()), Json(result.into())))
}
