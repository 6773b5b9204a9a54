//! `…/projects/new`: creates a project.

mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::projects::ProjectDraft;
use keyrack_core::{Invalid, OpError, invalid};
use keyrack_store::{Project, ProjectType};
use serde::Deserialize;

use super::{base, url};
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, field};
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::person::Member;
use view::NewProjectPage;

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProjectForm {
    name: String,
    r#type: String,
    description: String,
}

/// Shows the empty form.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    member: Member,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    Ok(page(&app, &member, &headers, &ProjectForm::default(), None)?)
}

fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    form: &ProjectForm,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    show!(
        app,
        NewProjectPage {
            frame: frame::of_member(app, member, NavItem::Projects, headers),
            base: base(member),
            name: field(&form.name, invalid, "name"),
            kind: field(&form.r#type, invalid, "projectType"),
            description: field(&form.description, invalid, "description"),
        }
    )
}

/// Creates the project.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    member: Member,
    headers: HeaderMap,
    FormBody(form): FormBody<ProjectForm>,
) -> Result<Response, PageError> {
    let invalid = match create(&app, &member, &form).await {
        Ok(project) => {
            let notice = FlashMessage::good(format!("{} created.", project.name));
            return Ok(flash::redirect(&app, &url(&member, &project), &notice));
        }
        Err(OpError::Invalid(invalid)) => invalid,
        Err(taken @ OpError::NameTaken(_)) => Invalid::field("name", taken.to_string()),
        Err(error) => return Err(error.into()),
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&app, &member, &headers, &form, Some(&invalid))?)
        .into_response())
}

async fn create(app: &App, member: &Member, form: &ProjectForm) -> Result<Project, OpError> {
    let Ok(project_type) = form.r#type.parse::<ProjectType>() else {
        let name = Invalid::of_result("name", invalid::name(&form.name));
        return Err(Invalid::all([Some(Invalid::field("projectType", "Choose a type.")), name]).into());
    };
    let draft = ProjectDraft { name: form.name.clone(), project_type, description: form.description.clone() };
    app.projects.create(&member.acting, draft).await
}
