//! `POST …/models/{id}/try`: runs a prediction on an image and shows the result.

use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use keyrack_core::predict::{Image, MemoryPermit};
use keyrack_core::predictions::{
    ClassifyOptions, DetectOptions, Detection, LabelConfidence, Prediction, SmallCopy,
};
use keyrack_core::{ErrorCause, Invalid, OpError};
use keyrack_guard::Problem;
use keyrack_store::{Model, ProjectType};

use super::card::{ModelCard, percent};
use super::requested::RequestedModel;
use super::show::{PredictionState, is_ready, render};
use crate::app::{App, Shared};
use crate::http::{allowance, entrance};
use crate::web::error::PageError;
use crate::web::form::sentence;
use crate::web::images::{BoxMark, Overlay, TONES};
use crate::web::models::show::{PredictionResult, RankedLabel};
use crate::web::snippets::prediction::MIN_CONFIDENCE;
use crate::web::text;

/// The largest number of classes that are listed.
const RANKED: usize = 8;
const LONGEST_URL: usize = 2_000;

/// The submitted image: a file, or the URL of one.
#[derive(Default)]
struct PredictInput {
    file: Option<Bytes>,
    permit: MemoryPermit,
    url: String,
}

/// Runs the prediction.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    chosen: RequestedModel,
    parts: Parts,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, PageError> {
    is_ready(&chosen.model)?;
    let form = form.map_err(|_| invalid_form())?;
    let mut image_url = String::new();
    let sent = match check_length(&app, &parts) {
        Ok(()) => read(&app, &chosen, form).await,
        Err(error) => Err(error),
    };
    let answered = match sent {
        Ok(sent) => {
            image_url.clone_from(&sent.url);
            predict(&app, &chosen, sent).await
        }
        Err(error) => Err(error),
    };
    let error = match answered {
        Ok(answer) => {
            let tried = PredictionState { image_url, error: None, answer: Some(answer) };
            return Ok(render(&app, &chosen, &parts, tried).await?);
        }
        Err(OpError::Invalid(invalid)) => {
            invalid.fields().map(|(_, message)| message).collect::<Vec<_>>().join("; ")
        }
        Err(error) if error.is_busy() => {
            "The server is busy with other images. Try again in a moment.".to_owned()
        }
        Err(error) if error.cause() != ErrorCause::Request => error.to_string(),
        Err(error) => return Err(error.into()),
    };
    let tried = PredictionState { image_url, error: Some(sentence(&error)), answer: None };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&app, &chosen, &parts, tried).await?).into_response())
}

fn invalid_form() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "bad_form",
        "We couldn't read this form. Reload the page and try again.",
    )
}

/// Denies a body that is longer than the largest image before reading any of it.
fn check_length(app: &App, parts: &Parts) -> Result<(), OpError> {
    let most = allowance::picture(app.config.max_image).bytes;
    if entrance::announced(&parts.headers).is_some_and(|bytes| bytes > most as u64) {
        return Err(too_large(app));
    }
    Ok(())
}

fn too_large(app: &App) -> OpError {
    let message = format!(
        "The image is larger than {}. Choose a smaller one.",
        text::bytes(app.config.max_image as u64)
    );
    Invalid::field("image", message).into()
}

async fn read(app: &App, chosen: &RequestedModel, mut form: Multipart) -> Result<PredictInput, OpError> {
    let mut sent = PredictInput::default();
    while let Some(field) = form.next_field().await.map_err(|error| cut_off(&error))? {
        match field.name() {
            Some("image") => (sent.file, sent.permit) = file(app, chosen, field).await?,
            Some("url") => {
                let text = field.text().await.map_err(|error| cut_off(&error))?;
                if text.len() > LONGEST_URL {
                    return Err(Invalid::field("url", "Enter a shorter URL.").into());
                }
                text.trim().clone_into(&mut sent.url);
            }
            _ => {}
        }
    }
    Ok(sent)
}

/// Reads the file within the memory budget of predictions. `None` if no file was selected.
async fn file(
    app: &App,
    chosen: &RequestedModel,
    mut field: Field<'_>,
) -> Result<(Option<Bytes>, MemoryPermit), OpError> {
    let most = app.config.max_image;
    let mut buffer = app.predictions.memory().collect(chosen.member.acting.claimant(), most, None);
    while let Some(chunk) = field.chunk().await.map_err(|error| cut_off(&error))? {
        buffer.push(&chunk).map_err(|full| match full {
            keyrack_core::predict::memory::MemoryDenial::TooLarge => too_large(app),
            keyrack_core::predict::memory::MemoryDenial::Exhausted(exhausted) => OpError::from(exhausted),
        })?;
    }
    let (bytes, permit) = buffer.finish();
    Ok((Some(bytes).filter(|bytes| !bytes.is_empty()), permit))
}

fn cut_off(error: &MultipartError) -> OpError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Invalid::field("image", "The image is too large. Choose a smaller one.").into();
    }
    Invalid::field("image", "The upload was interrupted. Try again.").into()
}

async fn predict(
    app: &App,
    RequestedModel { member, model, .. }: &RequestedModel,
    sent: PredictInput,
) -> Result<PredictionResult, OpError> {
    let by = &member.acting;
    let image = image(sent)?;
    let ready = app.predictions.find(by, model.id, model.project_type).await?;
    match model.project_type {
        ProjectType::Classification => {
            let options = ClassifyOptions { confidence: 0.0, small: true };
            let Prediction { result, .. } = app.predictions.classify(by, ready, image, options).await?;
            Ok(classified(model, &result.all, result.small))
        }
        ProjectType::ObjectDetection => {
            let options = DetectOptions {
                confidence: MIN_CONFIDENCE,
                small: true,
                annotate: false,
                show_confidence: false,
                stroke: None,
            };
            let Prediction { result, .. } = app.predictions.detect(by, ready, image, options).await?;
            Ok(detected(model, &result.objects, result.small))
        }
    }
}

fn image(sent: PredictInput) -> Result<Image, Invalid> {
    if let Some(bytes) = sent.file {
        return Ok(Image::file(bytes, sent.permit));
    }
    if sent.url.is_empty() {
        return Err(Invalid::field("image", "Choose an image, or enter the URL of one."));
    }
    let no_url = || Invalid::field("url", "Enter a URL that starts with http:// or https://.");
    Image::text(sent.url, MemoryPermit::default()).ok().filter(Image::is_url).ok_or_else(no_url)
}

/// The image as a `data:` URL, and its boxes. Both are empty without a preview.
fn shown(small: Option<SmallCopy>, boxes: Vec<BoxMark>) -> (String, Overlay) {
    let Some(SmallCopy { jpeg, width, height }) = small else { return Default::default() };
    (format!("data:image/jpeg;base64,{jpeg}"), Overlay { width, height, boxes })
}

fn tone(labels: &[String], label: &str) -> usize {
    labels.iter().position(|one| one == label).unwrap_or_default() % TONES
}

fn classified(model: &Model, all: &[LabelConfidence], small: Option<SmallCopy>) -> PredictionResult {
    let labels = ModelCard::of(model).labels;
    let ranked = all.iter().take(RANKED).map(|one| RankedLabel {
        name: one.label.clone(),
        tone: tone(&labels, &one.label),
        confidence: percent(f64::from(one.confidence)),
        percent: f64::from(one.confidence) * 100.0,
    });
    let best = all.first();
    let (image, overlay) = shown(small, Vec::new());
    PredictionResult {
        title: best.map(|best| best.label.clone()).unwrap_or_default(),
        detail: best
            .map(|best| format!("It is {} sure.", percent(f64::from(best.confidence))))
            .unwrap_or_default(),
        image,
        overlay,
        ranked: ranked.collect(),
    }
}

fn detected(model: &Model, objects: &[Detection], small: Option<SmallCopy>) -> PredictionResult {
    let labels = ModelCard::of(model).labels;
    let boxes = objects.iter().enumerate().map(|(at, one)| BoxMark {
        number: at + 1,
        name: one.label.clone(),
        tone: tone(&labels, &one.label),
        left: one.left.into(),
        top: one.top.into(),
        width: one.width.into(),
        height: one.height.into(),
        confidence: Some(percent(f64::from(one.confidence))),
    });
    let (image, overlay) = shown(small, boxes.collect());
    PredictionResult {
        title: match objects.len() {
            0 => "Nothing found".to_owned(),
            1 => "1 box".to_owned(),
            many => format!("{many} boxes"),
        },
        detail: format!("Boxes with a confidence of at least {:.0}%.", MIN_CONFIDENCE * 100.0),
        image,
        overlay,
        ranked: Vec::new(),
    }
}
