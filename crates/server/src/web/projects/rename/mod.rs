//! `…/projects/{id}/rename`: changes the name and the description of a project.

mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::projects::ProjectPatch;
use keyrack_core::{Invalid, OpError};
use keyrack_store::Project;
use serde::Deserialize;

use super::base;
use super::requested::RequestedProject;
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, field};
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::person::Member;
use view::RenameProjectPage;

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RenameProjectForm {
    name: String,
    description: String,
}

/// Shows the form with the current values.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    RequestedProject { member, project }: RequestedProject,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let form = RenameProjectForm {
        name: project.name.clone(),
        description: project.description.clone().unwrap_or_default(),
    };
    Ok(page(&app, &member, &headers, &project, &form, None)?)
}

fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    project: &Project,
    form: &RenameProjectForm,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    show!(
        app,
        RenameProjectPage {
            frame: frame::of_member(app, member, NavItem::Projects, headers),
            base: base(member),
            id: project.id.to_string(),
            project_name: project.name.clone(),
            name: field(&form.name, invalid, "name"),
            description: field(&form.description, invalid, "description"),
        }
    )
}

/// Saves the changes.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    RequestedProject { member, project }: RequestedProject,
    headers: HeaderMap,
    FormBody(form): FormBody<RenameProjectForm>,
) -> Result<Response, PageError> {
    let patch = ProjectPatch { name: Some(form.name.clone()), description: Some(form.description.clone()) };
    let invalid = match app.projects.edit(&member.acting, project.id, patch).await {
        Ok(saved) => {
            let notice = FlashMessage::good(format!("{} saved.", saved.name));
            return Ok(flash::redirect(&app, &base(&member), &notice));
        }
        Err(OpError::Invalid(invalid)) => invalid,
        Err(taken @ OpError::NameTaken(_)) => Invalid::field("name", taken.to_string()),
        Err(error) => return Err(error.into()),
    };
    let again = page(&app, &member, &headers, &project, &form, Some(&invalid))?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
}
