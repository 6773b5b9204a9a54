//! The pages `/sign-in` and `/sign-out`.

mod view;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use keyrack_core::OpError;
use keyrack_core::people::SignInOrigin;
use keyrack_guard::ClientAddress;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::error::PageError;
use super::form::{FormBody, sentence};
use super::frame::{self, show};
use super::return_path::own_path;
use crate::api::Params;
use crate::app::{App, Shared};
use crate::http::session;
use view::SignInPage;

/// The query of the sign-in page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SignInQuery {
    next: String,
}

/// The fields of the form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SignInForm {
    email: String,
    password: Zeroizing<String>,
    next: String,
}

/// Shows the form.
pub(super) async fn form(
    State(app): State<Shared>,
    Params(query): Params<SignInQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    if app.people.setup_token().await?.is_some() {
        return Err(OpError::NotSetUp.into());
    }
    let form = SignInForm { next: query.next, ..SignInForm::default() };
    Ok(page(&app, &form, None, &headers)?)
}

fn page(
    app: &App,
    form: &SignInForm,
    error: Option<String>,
    headers: &HeaderMap,
) -> Result<Response, OpError> {
    let frame = frame::without_shell(app, headers);
    show!(app, SignInPage { frame, email: form.email.clone(), next: own_path(&form.next).to_owned(), error })
}

/// Signs the user in. Each sign-in starts a new session, which prevents session fixation.
pub(super) async fn submit(
    State(app): State<Shared>,
    parts: Parts,
    FormBody(form): FormBody<SignInForm>,
) -> Result<Response, PageError> {
    let page = |status: StatusCode, text: &str| {
        Ok((status, page(&app, &form, Some(text.to_owned()), &parts.headers)?).into_response())
    };
    match app.people.sign_in(&form.email, form.password.clone(), from(&parts)).await {
        Ok(Some(token)) => {
            end_session(&app, &parts.headers).await?;
            let cookie = [(header::SET_COOKIE, session::keep(&token, &app))];
            Ok((cookie, Redirect::to(own_path(&form.next))).into_response())
        }
        Ok(None) => page(StatusCode::UNAUTHORIZED, "Incorrect email or password."),
        Err(error @ OpError::TooManyAttempts(wait)) => {
            let mut answer = page(StatusCode::TOO_MANY_REQUESTS, &sentence(&error.to_string()))?;
            answer.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /sign-out`: ends the session and redirects to the sign-in page.
pub(super) async fn sign_out(State(app): State<Shared>, headers: HeaderMap) -> Result<Response, PageError> {
    end_session(&app, &headers).await?;
    Ok(([(header::SET_COOKIE, session::forget(&app))], Redirect::to("/sign-in")).into_response())
}

async fn end_session(app: &App, headers: &HeaderMap) -> Result<(), OpError> {
    let Some(token) = session::token(headers, app) else {
        return Ok(());
    };
    if let Some((session, _)) = app.people.session(&token).await? {
        app.people.end_session(&session, session.id).await?;
    }
    Ok(())
}

/// The address and the user agent of the browser.
pub(super) fn from(parts: &Parts) -> SignInOrigin {
    let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    SignInOrigin { address: ClientAddress::of(parts), agent: agent.map(str::to_owned) }
}
