//! The page `/account`: the account of the signed-in user, and the browsers in which they are signed in.

mod view;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, header};
use keyrack_core::OpError;
use serde::Deserialize;

use super::error::PageError;
use super::form::FormBody;
use super::frame::{self, flash, show};
use super::person::Person;
use super::text;
use crate::app::Shared;
use crate::web::frame::{FlashMessage, NavItem, Theme};
use view::{AccountPage, SessionRow};

/// Shows the account.
pub(super) async fn page(
    State(app): State<Shared>,
    person: Person,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let now = app.now();
    let mut sessions = app.people.sessions(person.user.id).await?;
    sessions.sort_by_key(|session| session.id != person.session.id);
    let rows = sessions.into_iter().map(|session| SessionRow {
        id: session.id.to_string(),
        is_this: session.id == person.session.id,
        agent: session.agent.as_deref().map_or_else(|| "Unknown app".to_owned(), browser),
        address: session.address.map_or("unknown".to_owned(), |address| address.to_string()),
        last_seen: text::moment(session.seen_at, now),
        started: text::moment(session.created_at, now),
    });
    let view = AccountPage {
        sessions: rows.collect(),
        frame: frame::of_person(&app, &person, NavItem::Account, &headers),
        name: person.user.name.clone(),
        email: person.user.email.clone(),
    };
    Ok(show!(&app, view)?)
}

/// The fields of the form with the themes.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ThemeForm {
    theme: String,
}

/// `POST /account/theme`: keeps the theme for this browser.
pub(super) async fn choose_theme(
    State(app): State<Shared>,
    _: Person,
    FormBody(form): FormBody<ThemeForm>,
) -> Result<Response, PageError> {
    let theme: Theme = form.theme.parse()?;
    Ok(([(header::SET_COOKIE, theme.cookie(&app))], Redirect::to("/account")).into_response())
}

/// A short name of a browser, such as "Firefox on Linux". Unknown user agents are cut to 60 characters.
fn browser(agent: &str) -> String {
    let named = |words: &[(&str, &'static str)]| {
        words.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| *name)
    };
    // The order matters: Edge and Opera also name Chrome, and Chrome also names Safari.
    let browser = named(&[
        ("Edg", "Edge"),
        ("OPR", "Opera"),
        ("Firefox", "Firefox"),
        ("Chrom", "Chrome"),
        ("Safari", "Safari"),
    ]);
    let system = named(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => agent.chars().take(60).collect(),
    }
}

/// `POST /account/sessions/{id}/revoke`: signs the user out in one browser.
pub(super) async fn revoke(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let id = id.parse().map_err(|_| OpError::NotFound("session"))?;
    if !app.people.end_session(&person.session, id).await? {
        return Err(OpError::NotFound("session").into());
    }
    let text = "Browser signed out.".to_owned();
    Ok(flash::redirect(&app, "/account", &FlashMessage::good(text)))
}

/// `POST /account/sessions/revoke-others`: signs the user out everywhere else.
pub(super) async fn revoke_others(State(app): State<Shared>, person: Person) -> Result<Response, PageError> {
    let ended = app.people.end_other_sessions(&person.session).await?;
    let text = format!("Signed out everywhere else: {}.", text::count(ended, "session"));
    Ok(flash::redirect(&app, "/account", &FlashMessage::good(text)))
}
