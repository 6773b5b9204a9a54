//! `…/models/{id}`: shows a model, during its training and afterwards.

mod view;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use keyrack_core::OpError;
use keyrack_store::{CurvePoint, Model, ModelStatus};

use super::card::ModelCard;
use super::progress::progress;
use super::requested::RequestedModel;
use super::{kind, status, url};
use crate::app::{App, Shared};
use crate::web::charts::{Plot, plot};
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::images::{Badge, Overlay};
use crate::web::keys::address;
use crate::web::snippets::prediction;
use crate::web::text;
use view::{ExampleImage, ModelDetailPage, PredictionForm};

pub(in crate::web) use view::{
    ClassifierMetrics, ConfusionCell, ConfusionRow, DetectorMetrics, LabelRow, PrecisionRow,
    PredictionResult, RankedLabel, TrainingProgress,
};

/// The largest number of examples.
const EXAMPLES: usize = 8;

/// The input and the result of a prediction that the user ran on the page.
#[derive(Default)]
pub(super) struct PredictionState {
    pub(super) image_url: String,
    pub(super) error: Option<String>,
    pub(super) answer: Option<PredictionResult>,
}

/// Shows the model.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    chosen: RequestedModel,
    parts: Parts,
) -> Result<Response, PageError> {
    Ok(render(&app, &chosen, &parts, PredictionState::default()).await?)
}

/// Renders the page, with the result of a prediction if there is one.
pub(super) async fn render(
    app: &App,
    chosen: &RequestedModel,
    parts: &Parts,
    tried: PredictionState,
) -> Result<Response, OpError> {
    let RequestedModel { member, model, project } = chosen;
    let card = ModelCard::of(model);
    let points = app.models.curve(&member.acting, model.id).await?;
    let may_try = model.status == ModelStatus::Ready && member.manages_projects();
    let view = ModelDetailPage {
        frame: frame::of_member(app, member, NavItem::Models, &parts.headers),
        models_url: member.path("/models"),
        url: url(member, model.id),
        project_url: member.path(&format!("/projects/{}", project.id)),
        project_name: project.name.clone(),
        id: model.id.to_string(),
        name: model.name.clone(),
        kind: kind(model.project_type).to_owned(),
        can_manage: member.manages_projects(),
        status: status(model),
        created: text::by(&model.created_by, model.created_at, app.now()),
        training_duration: model
            .started_at
            .zip(model.ended_at)
            .filter(|_| model.status == ModelStatus::Ready)
            .map(|(began, ended)| text::long_duration(ended.since(began))),
        reason: model.reason.clone(),
        progress: progress(model),
        plots: plots(&points),
        classification: card.classified(),
        detection: card.detected(),
        examples: examples(app, chosen, &card).await?,
        notes: card.notes,
        try_it: may_try.then(|| try_it(app, chosen, parts, tried)),
    };
    show!(app, view)
}

/// The examples whose images still exist.
async fn examples(
    app: &App,
    RequestedModel { member, project, .. }: &RequestedModel,
    card: &ModelCard,
) -> Result<Vec<ExampleImage>, OpError> {
    let url = member.path(&format!("/projects/{}/images", project.id));
    let mut examples = Vec::new();
    for shown in card.shown().take(EXAMPLES) {
        let Ok(id) = shown.record.parse() else { continue };
        let record = match app.datasets.read(&member.acting, project.id, id).await {
            Ok(found) => found.record,
            Err(OpError::NotFound(_)) => continue,
            Err(error) => return Err(error),
        };
        let boxes = card.boxes(shown);
        let mut badges: Vec<Badge> = Vec::new();
        for one in &boxes {
            if !badges.iter().any(|badge| badge.name == one.name) {
                badges.push(Badge { name: one.name.clone(), tone: one.tone });
            }
        }
        examples.push(ExampleImage {
            url: format!("{url}/{id}"),
            image: format!("{url}/{id}/file?size=thumbnail"),
            overlay: Overlay { width: record.width, height: record.height, boxes },
            name: record.name,
            caption: card.caption(shown),
            badges,
        });
    }
    Ok(examples)
}

fn try_it(
    app: &App,
    RequestedModel { member, model, .. }: &RequestedModel,
    parts: &Parts,
    tried: PredictionState,
) -> PredictionForm {
    let secret = format!("{}_sk_…", app.config.brands.current());
    PredictionForm {
        action: format!("{}/try", url(member, model.id)),
        max_image_size: text::bytes(app.config.max_image as u64),
        image_url: tried.image_url,
        error: tried.error,
        answer: tried.answer,
        snippets: prediction::snippets(&address(app, parts), &secret, model),
    }
}

#[expect(clippy::cast_precision_loss, reason = "far fewer steps than 2^52")]
fn plots(points: &[CurvePoint]) -> Vec<Plot> {
    let curve = |value: fn(&CurvePoint) -> Option<f64>| -> Vec<_> {
        points.iter().filter_map(|point| Some((point.step as f64, value(point)?))).collect()
    };
    let loss = plot("Loss", "steps", &curve(|point| point.loss), None);
    let validation = plot("Validation", "steps", &curve(|point| point.validation), Some(1.0));
    [loss, validation].into_iter().flatten().collect()
}

/// Denies predictions with a model that is not ready. The page shows no form for them.
pub(super) fn is_ready(model: &Model) -> Result<(), OpError> {
    if model.status == ModelStatus::Ready { Ok(()) } else { Err(OpError::NotFound("page")) }
}
