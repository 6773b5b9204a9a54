//! `…/projects/{id}/train`: starts the training of a model.

mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::models::TrainSettings;
use keyrack_core::{Invalid, OpError};
use keyrack_key::ModelId;
use keyrack_store::{Project, ProjectType};
use serde::Deserialize;

use super::url;
use crate::api::Params;
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, field};
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::person::Member;
use crate::web::projects::RequestedProject;
use crate::web::text;
use view::TrainModelPage;

/// The fields of the form. The server chooses a value for each empty number.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TrainForm {
    name: String,
    steps: String,
    seed: String,
}

/// The query of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TrainQuery {
    /// The model whose settings the form shows.
    again: String,
}

/// Shows the form, or what the project lacks for training.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    RequestedProject { member, project }: RequestedProject,
    Params(query): Params<TrainQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let models = app.datasets.counts(&member.acting, project.id).await?.models;
    let settings = match query.again.parse() {
        Ok(id) => settings_of(&app, &member, id).await?,
        Err(_) => TrainForm::default(),
    };
    let form = TrainForm { name: format!("Model {}", models + 1), ..settings };
    Ok(page(&app, &member, &headers, &project, &form, None).await?)
}

/// The settings of an earlier training run. Defaults if the model was deleted.
async fn settings_of(app: &App, member: &Member, id: ModelId) -> Result<TrainForm, OpError> {
    let model = match app.models.read(&member.acting, id).await {
        Ok(model) => model,
        Err(OpError::NotFound(_)) => return Ok(TrainForm::default()),
        Err(error) => return Err(error),
    };
    let number =
        |name: &str| model.settings[name].as_u64().map(|number| number.to_string()).unwrap_or_default();
    Ok(TrainForm { steps: number("steps"), seed: number("seed"), ..TrainForm::default() })
}

async fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    project: &Project,
    form: &TrainForm,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    let counts = app.datasets.counts(&member.acting, project.id).await?;
    let view = TrainModelPage {
        frame: frame::of_member(app, member, NavItem::Projects, headers),
        project_url: member.path(&format!("/projects/{}", project.id)),
        project_name: project.name.clone(),
        training_data: format!(
            "{} and {}",
            text::count(counts.labelled, "labeled image"),
            text::count(counts.labels, "label")
        ),
        missing: app.models.lacks(&member.acting, project.id).await?,
        name: field(&form.name, invalid, "name"),
        has_steps: project.project_type == ProjectType::ObjectDetection,
        steps: field(&form.steps, invalid, "settings.steps"),
        seed: field(&form.seed, invalid, "settings.seed"),
    };
    show!(app, view)
}

/// Queues the training run.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    RequestedProject { member, project }: RequestedProject,
    headers: HeaderMap,
    FormBody(form): FormBody<TrainForm>,
) -> Result<Response, PageError> {
    let settings = match settings(&form) {
        Ok(settings) => app.models.train(&member.acting, project.id, Some(form.name.clone()), settings).await,
        Err(invalid) => Err(invalid.into()),
    };
    let invalid = match settings {
        Ok((model, _)) => {
            let text = format!("Training of {} queued.", model.name);
            let notice = FlashMessage::good(text);
            return Ok(flash::redirect(&app, &url(&member, model.id), &notice));
        }
        Err(OpError::Invalid(invalid)) => invalid,
        Err(taken @ OpError::NameTaken(_)) => Invalid::field("name", taken.to_string()),
        // The page lists what the project lacks.
        Err(OpError::TooFewImages(_)) => Invalid::default(),
        Err(error) => return Err(error.into()),
    };
    let again = page(&app, &member, &headers, &project, &form, Some(&invalid)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
}

fn settings(form: &TrainForm) -> Result<TrainSettings, Invalid> {
    let number = |text: &str| match text.trim() {
        "" => Ok(None),
        text => text.parse::<u32>().map(Some).map_err(|_| "Enter a whole number."),
    };
    let mut invalid = Invalid::default();
    let steps = invalid.take("settings.steps", number(&form.steps));
    let seed = invalid.take("settings.seed", number(&form.seed));
    match (steps, seed) {
        (Some(steps), Some(seed)) => Ok(TrainSettings { seed, steps, input_size: None }),
        _ => Err(invalid),
    }
}
