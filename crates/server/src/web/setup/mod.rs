//! The page `/setup`: creates the first owner and the first workspace.

mod view;

use axum::Extension;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use keyrack_core::people::SetupDetails;
use keyrack_core::{Invalid, OpError};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::error::PageError;
use super::form::{FormBody, field};
use super::frame::{self, show};
use super::sign_in;
use crate::api::Params;
use crate::app::{App, Shared};
use crate::http::compression::Uncompressed;
use crate::http::session;
use view::SetupPage;

/// The query of the setup link.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SetupQuery {
    token: String,
}

/// The fields of the form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SetupForm {
    token: String,
    name: String,
    email: String,
    password: Zeroizing<String>,
    workspace: String,
}

/// Shows the form if the link has the right token.
pub(super) async fn form(
    State(app): State<Shared>,
    Params(link): Params<SetupQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    check_token(&app, &link.token).await?;
    let form = SetupForm { token: link.token, ..SetupForm::default() };
    Ok(page(&app, &form, None, &headers)?)
}

/// Denies a wrong token. The token is valid until the first owner exists.
async fn check_token(app: &App, token: &str) -> Result<(), OpError> {
    if app.people.setup_token().await?.is_none() {
        return Err(OpError::AlreadySetUp);
    }
    if app.people.is_setup_token(token) { Ok(()) } else { Err(OpError::WrongSetupLink) }
}

fn page(
    app: &App,
    form: &SetupForm,
    invalid: Option<&Invalid>,
    headers: &HeaderMap,
) -> Result<Response, OpError> {
    let password = field("", invalid, "password");
    let page = show!(
        app,
        SetupPage {
            frame: frame::without_shell(app, headers),
            token: form.token.clone(),
            name: field(&form.name, invalid, "name"),
            email: field(&form.email, invalid, "email"),
            password,
            workspace: field(&form.workspace, invalid, "workspace"),
            error: None,
        }
    )?;
    // The page contains the token next to text from the user, so compression could reveal the token (BREACH).
    Ok((Extension(Uncompressed), page).into_response())
}

/// Creates the owner and the workspace, signs the owner in, and redirects to the API Keys page.
pub(super) async fn submit(
    State(app): State<Shared>,
    parts: Parts,
    FormBody(form): FormBody<SetupForm>,
) -> Result<Response, PageError> {
    check_token(&app, &form.token).await?;
    let founding = SetupDetails {
        name: form.name.clone(),
        email: form.email.clone(),
        password: form.password.clone(),
        workspace: form.workspace.clone(),
    };
    match app.people.set_up(founding).await {
        Ok((user, workspace)) => {
            let token = app.people.create_session(user.id, sign_in::from(&parts)).await?;
            let url = format!("/w/{}/settings/api-keys", workspace.slug);
            Ok(([(header::SET_COOKIE, session::keep(&token, &app))], Redirect::to(&url)).into_response())
        }
        Err(OpError::Invalid(invalid)) => {
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&app, &form, Some(&invalid), &parts.headers)?)
                .into_response())
        }
        Err(error) => Err(error.into()),
    }
}
