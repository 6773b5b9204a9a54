//! `POST /predict/detect/{model_id}`: what is where in a picture.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use keyrack_core::Acting;
use keyrack_core::predictions::{Detected, Detection, Seen, Wanted};
use keyrack_store::ProjectType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CONFIDENCE, Options, Sent, model_id};
use crate::api::ApiError;
use crate::api::answer::held_json;
use crate::api::quota_headers;
use crate::app::Shared;
use crate::edge::compression::Uncompressed;

/// A picture to be looked through. The names with capitals are those of the TypeScript client.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DetectRequest {
    /// The picture in base64, as a data URL, or an http(s) URL that this server fetches.
    #[schema(required, value_type = String, example = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYPgPAAEDAQAIicLsAAAAAElFTkSuQmCC")]
    image: Option<String>,
    /// Only objects at least that sure, 0 to 1; 0.7 unless told otherwise.
    #[schema(minimum = 0, maximum = 1, example = 0.7)]
    confidence: Option<f64>,
    /// Whether the picture comes back with boxes drawn on it; it does unless told otherwise.
    annotate: Option<bool>,
    /// Whether the boxes show how sure the model is; they do unless told otherwise. Also `showProb`.
    #[serde(alias = "showProb")]
    show_prob: Option<bool>,
    /// Line width of boxes in pixels, 0 to 100, rounded. By default it follows the image's size. Also `strokeWidth`.
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

/// The same, as a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
pub struct DetectForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
    #[schema(minimum = 0, maximum = 1)]
    confidence: Option<f64>,
    annotate: Option<bool>,
    show_prob: Option<bool>,
    #[schema(minimum = 0, maximum = 100)]
    stroke_width: Option<f64>,
}

/// An object. Pixels of the picture that was sent, as it is shown: upright, by its EXIF orientation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Detection)]
pub struct DetectionBody {
    #[schema(example = "bottle cap")]
    label: String,
    /// 0 to 1, calibrated.
    #[schema(minimum = 0, maximum = 1)]
    confidence: f32,
    /// The left edge.
    x: f32,
    /// The top edge.
    y: f32,
    width: f32,
    height: f32,
}

/// How often a label was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LabelCount)]
pub struct LabelCountBody {
    label: String,
    total: usize,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DetectionResult {
    /// The surest first.
    detections: Vec<DetectionBody>,
    /// The picture with boxes as a JPEG in base64; null where it was not wanted.
    image: Option<String>,
    /// By label.
    labels_count: Vec<LabelCountBody>,
}

impl From<Detection> for DetectionBody {
    fn from(Detection { label, confidence, left, top, width, height }: Detection) -> Self {
        Self { label, confidence, x: left, y: top, width, height }
    }
}

impl From<Detected> for DetectionResult {
    fn from(Detected { objects, annotated, .. }: Detected) -> Self {
        let mut counts = BTreeMap::<String, usize>::new();
        for object in &objects {
            *counts.entry(object.label.clone()).or_default() += 1;
        }
        let labels_count = counts.into_iter().map(|(label, total)| LabelCountBody { label, total }).collect();
        Self {
            detections: objects.into_iter().map(DetectionBody::from).collect(),
            image: annotated,
            labels_count,
        }
    }
}

/// Detect objects in a picture
///
/// JSON, a form with the file, or the file itself; then the options stand in the query.
#[utoipa::path(post, path = "/predict/detect/{model_id}", tag = "Predictions", operation_id = "detect",
    params(("model_id" = crate::api::schema::ModelId, Path, description = "The model's ID"),
        ("confidence" = Option<f64>, Query, minimum = 0, maximum = 1, description = "Where the body is an image file"),
        ("annotate" = Option<bool>, Query, description = "Where the body is an image file"),
        ("show_prob" = Option<bool>, Query, description = "Where the body is an image file"),
        ("stroke_width" = Option<f64>, Query, minimum = 0, maximum = 100, description = "Where the body is an image file")),
    request_body(content((DetectRequest = "application/json"), (DetectForm = "multipart/form-data"),
        (inline(crate::api::schema::Bytes) = "image/jpeg"), (inline(crate::api::schema::Bytes) = "image/png"),
        (inline(crate::api::schema::Bytes) = "image/webp"))),
    responses(
        (status = 200, description = "What was found", body = DetectionResult),
        (status = 403, description = "The key is restricted to other projects or models, or may not send image URLs"),
        (status = 404, description = "There is no such model"),
        (status = 409, description = "The model is not ready, or does something else"),
        (status = 413, description = "The picture has too many bytes or pixels, or more bytes than the key may send"),
        (status = 415, description = "It is no JPEG, PNG or WebP"),
        (status = 429, description = "The key has sent too many requests lately, or made all predictions of its day or month; `Retry-After` says when to come back"),
        (status = 422, description = "A field is not as expected; `details` names it"),
        (status = 503, description = "Too many pictures are waiting; `Retry-After` says when to come back")))]
pub async fn detect(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let model = app.predictions.find(&by, model_id(&id)?, ProjectType::ObjectDetection).await?;
    let Sent::<DetectRequest> { image, options } = Sent::read(request, &app, &by).await?;
    let wanted = Wanted {
        confidence: options.confidence.unwrap_or(CONFIDENCE),
        small: false,
        annotate: options.annotate.unwrap_or(true),
        show_confidence: options.show_prob.unwrap_or(true),
        stroke: options.stroke_width,
    };
    let answer = app.predictions.detect(&by, model, image, wanted).await;
    let Seen { found, held, spent } = app.metrics.predicted("detect", answer)?;
    // Base64 becomes hardly smaller.
    let head = (Extension(Uncompressed), quota_headers::headers(&spent, app.now()));
    Ok((head, held_json(&DetectionResult::from(found), held)?).into_response())
}
