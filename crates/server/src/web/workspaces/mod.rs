//! The page `/workspaces/new`: creates a workspace.

mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::{Invalid, OpError};
use serde::Deserialize;

use super::error::PageError;
use super::form::{FormBody, field};
use super::frame::{self, show};
use super::person::Person;
use crate::app::{App, Shared};
use crate::web::frame::NavItem;
use view::NewWorkspacePage;

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WorkspaceForm {
    name: String,
}

/// Shows the empty form.
pub(super) async fn form(
    State(app): State<Shared>,
    person: Person,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    Ok(page(&app, &person, &headers, &WorkspaceForm::default(), None)?)
}

fn page(
    app: &App,
    person: &Person,
    headers: &HeaderMap,
    form: &WorkspaceForm,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    let frame = frame::of_person(app, person, NavItem::Elsewhere, headers);
    show!(app, NewWorkspacePage { frame, name: field(&form.name, invalid, "name") })
}

/// Creates the workspace and redirects to its keys.
pub(super) async fn submit(
    State(app): State<Shared>,
    person: Person,
    headers: HeaderMap,
    FormBody(form): FormBody<WorkspaceForm>,
) -> Result<Response, PageError> {
    match app.people.create_workspace(&person.session, &form.name).await {
        Ok(slug) => Ok(Redirect::to(&format!("/w/{slug}/settings/api-keys")).into_response()),
        Err(OpError::Invalid(invalid)) => {
            let again = page(&app, &person, &headers, &form, Some(&invalid))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
