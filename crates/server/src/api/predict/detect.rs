//! `POST /predict/detect/{model_id}`: detects objects in an image.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use keyrack_core::AuthorizedCaller;
use keyrack_core::predictions::{DetectOptions, DetectedObjects, Detection, Prediction};
use keyrack_store::ProjectType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CONFIDENCE, Options, PredictionRequest, model_id};
use crate::api::ApiError;
use crate::api::answer::held_json;
use crate::api::quota_headers;
use crate::app::Shared;
use crate::http::compression::Uncompressed;

/// An image in which to detect objects. The Python client of Epigos sends names in snake case, and the TypeScript client sends
/// them in camel case.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DetectRequest {
    /// The image in base64, as a data URL, or as an http(s) URL that the server fetches.
    #[schema(required, value_type = String, example = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYPgPAAEDAQAIicLsAAAAAElFTkSuQmCC")]
    image: Option<String>,
    /// The minimum confidence of the returned objects, 0 to 1. The default is 0.7.
    #[schema(minimum = 0, maximum = 1, example = 0.7)]
    confidence: Option<f64>,
    /// Whether the response contains the image with boxes drawn on it. The default is true.
    annotate: Option<bool>,
    /// Whether the boxes show the confidence. The default is true. `showProb` is an alias.
    #[serde(alias = "showProb")]
    show_prob: Option<bool>,
    /// The line width of the boxes in pixels, 0 to 100, rounded. The default depends on the size of the image.
    /// `strokeWidth` is an alias.
    #[serde(alias = "strokeWidth")]
    #[schema(minimum = 0, maximum = 100)]
    stroke_width: Option<f64>,
}

impl Options for DetectRequest {
    const FIELDS: &'static [&'static str] =
        &["confidence", "annotate", "show_prob", "showProb", "stroke_width", "strokeWidth"];

    fn take_image(&mut self) -> Option<String> {
        self.image.take()
    }
}

/// A form with an image in which to detect objects.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the type only has a schema")]
pub struct DetectForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
    /// The minimum confidence of the returned objects, 0 to 1. The default is 0.7.
    #[schema(minimum = 0, maximum = 1)]
    confidence: Option<f64>,
    /// Whether the response contains the image with boxes drawn on it. The default is true.
    annotate: Option<bool>,
    /// Whether the boxes show the confidence. The default is true.
    show_prob: Option<bool>,
    /// The line width of the boxes in pixels, rounded. The default depends on the size of the image.
    #[schema(minimum = 0, maximum = 100)]
    stroke_width: Option<f64>,
}

/// A detected object. Its box is in pixels of the sent image after the EXIF orientation is applied.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Detection)]
pub struct DetectionBody {
    #[schema(example = "bottle cap")]
    label: String,
    /// The calibrated confidence, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    confidence: f32,
    /// The left edge of the box.
    x: f32,
    /// The top edge of the box.
    y: f32,
    width: f32,
    height: f32,
}

/// The number of detected objects with a label.
#[derive(Debug, Serialize, ToSchema)]
pub struct LabelCount {
    label: String,
    total: usize,
}

/// The detected objects of an image.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DetectionResult {
    /// The objects. The highest confidence comes first.
    detections: Vec<DetectionBody>,
    /// The image with boxes drawn on it, as a JPEG in base64. Null if `annotate` is false.
    image: Option<String>,
    /// The number of objects with each label, by label.
    labels_count: Vec<LabelCount>,
}

impl From<Detection> for DetectionBody {
    fn from(Detection { label, confidence, left, top, width, height }: Detection) -> Self {
        Self { label, confidence, x: left, y: top, width, height }
    }
}

impl From<DetectedObjects> for DetectionResult {
    fn from(DetectedObjects { objects, annotated, .. }: DetectedObjects) -> Self {
        let mut counts = BTreeMap::<String, usize>::new();
        for object in &objects {
            *counts.entry(object.label.clone()).or_default() += 1;
        }
        let labels_count = counts.into_iter().map(|(label, total)| LabelCount { label, total }).collect();
        Self {
            detections: objects.into_iter().map(DetectionBody::from).collect(),
            image: annotated,
            labels_count,
        }
    }
}

/// Detect objects in an image
///
/// Send JSON, a form, or the image file itself. With an image file, send the options in the query. A prediction counts
/// against quotas as soon as its image is decoded, even if the image turns out to be damaged.
#[utoipa::path(post, path = "/predict/detect/{model_id}", tag = "Predictions", operation_id = "detect",
    params(("model_id" = crate::api::schema::ModelId, Path, description = "The model's ID."),
        ("confidence" = Option<f64>, Query, minimum = 0, maximum = 1, description = "The minimum confidence, if the body is an image file."),
        ("annotate" = Option<bool>, Query, description = "Whether the response contains the image with boxes, if the body is an image file."),
        ("show_prob" = Option<bool>, Query, description = "Whether the boxes show the confidence, if the body is an image file."),
        ("stroke_width" = Option<f64>, Query, minimum = 0, maximum = 100, description = "The line width of the boxes, if the body is an image file.")),
    request_body(content((DetectRequest = "application/json"), (DetectForm = "multipart/form-data"),
        (inline(crate::api::schema::Bytes) = "image/jpeg"), (inline(crate::api::schema::Bytes) = "image/png"),
        (inline(crate::api::schema::Bytes) = "image/webp"))),
    responses(
        (status = 200, description = "The detected objects.", body = DetectionResult),
        (status = 403, description = "The key is restricted to other projects or models, or may not send image URLs."),
        (status = 404, description = "The model doesn't exist."),
        (status = 409, description = "The model isn't ready, or isn't an object detection model."),
        (status = 413, description = "The image exceeds the maximum size of the server or the key."),
        (status = 415, description = "The file isn't a JPEG, PNG, or WebP image."),
        (status = 429, description = "The rate limit or a quota of predictions is exceeded. Retry after `Retry-After` seconds."),
        (status = 422, description = "A field is invalid. `details` names it."),
        (status = 503, description = "Too many predictions are waiting. Retry after `Retry-After` seconds.")))]
pub async fn detect(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let model = app.predictions.find(&by, model_id(&id)?, ProjectType::ObjectDetection).await?;
    let PredictionRequest::<DetectRequest> { image, options } =
        PredictionRequest::read(request, &app, &by).await?;
    let options = DetectOptions {
        confidence: options.confidence.unwrap_or(CONFIDENCE),
        small: false,
        annotate: options.annotate.unwrap_or(true),
        show_confidence: options.show_prob.unwrap_or(true),
        stroke: options.stroke_width,
    };
    let result = app.predictions.detect(&by, model, image, options).await;
    let Prediction { result, permit, quota } = app.metrics.predicted("detect", result)?;
    // Compression hardly shrinks base64 of a JPEG.
    let head = (Extension(Uncompressed), quota_headers::headers(&quota, app.now()));
    Ok((head, held_json(&DetectionResult::from(result), permit)?).into_response())
}
