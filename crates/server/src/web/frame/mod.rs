//! The frame around the content of a page: header, navigation, and notice.

pub(in crate::web) mod flash;
mod theme;
mod view;

use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, header};
use keyrack_core::OpError;
use keyrack_store::Role;

use super::assets;
use super::person::{Member, Person};
use crate::app::{App, Shared};
use view::{Shell, WorkspaceLink};

pub(in crate::web) use theme::Theme;
pub(in crate::web) use view::{FlashMessage, Frame, NavItem};

/// A frame without navigation, for visitors who are not signed in.
pub(super) fn without_shell(app: &App, headers: &HeaderMap) -> Frame {
    Frame {
        product: "Keyrack".to_owned(),
        css_url: assets::CSS.url(),
        font_url: assets::FONT_URL,
        js_url: assets::JS.url(),
        pictures_js_url: assets::PICTURES_JS.url(),
        icon_url: assets::ICON.url(),
        touch_icon_url: assets::TOUCH_ICON_URL,
        support_url: app.config.support.clone(),
        theme: Theme::of(headers),
        notice: None,
        shell: None,
    }
}

/// The frame of a page within a workspace.
pub(super) fn of_member(app: &App, member: &Member, here: NavItem, headers: &HeaderMap) -> Frame {
    let current = &member.membership.workspace;
    let workspace = WorkspaceLink { name: current.name.clone(), slug: current.slug.clone() };
    shell(app, &member.person, Some((workspace, member.membership.role)), here, headers)
}

/// The frame of a page outside of workspaces, for a signed-in user. The navigation shows the user's first workspace.
pub(super) fn of_person(app: &App, person: &Person, here: NavItem, headers: &HeaderMap) -> Frame {
    let named =
        |one: &keyrack_store::Workspace| WorkspaceLink { name: one.name.clone(), slug: one.slug.clone() };
    let workspace = person.memberships.first().map(|one| (named(&one.workspace), one.role));
    shell(app, person, workspace, here, headers)
}

/// The frame of a page that everyone may open: with navigation if the request has a valid session. The navigation shows the
/// workspace of the path, or the user's first workspace. A message for the next page stays.
pub(super) async fn of_visitor(app: &Shared, parts: &Parts, here: NavItem) -> Frame {
    let person = Person::from_request_parts(&mut parts.clone(), app).await;
    let Ok(mut person) = person else { return without_shell(app, &parts.headers) };
    let slug = parts.uri.path().strip_prefix("/w/").and_then(|rest| rest.split('/').next());
    person.memberships.sort_by_key(|one| Some(one.workspace.slug.as_str()) != slug);
    Frame { notice: None, ..of_person(app, &person, here, &parts.headers) }
}

fn shell(
    app: &App,
    person: &Person,
    workspace: Option<(WorkspaceLink, Role)>,
    here: NavItem,
    headers: &HeaderMap,
) -> Frame {
    let (workspace, role) = workspace.unzip();
    let all = person.memberships.iter().map(|one| &one.workspace);
    let shell = Shell {
        workspaces: all.map(|one| WorkspaceLink { name: one.name.clone(), slug: one.slug.clone() }).collect(),
        workspace,
        here,
        can_view_audit_log: role.is_some_and(|role| role >= Role::Admin),
        shows_disk_warning: role.is_some_and(|role| role >= Role::Admin) && app.disk.is_low(),
        user_name: person.user.name.clone(),
        user_email: person.user.email.clone(),
    };
    Frame { shell: Some(shell), notice: flash::take(headers), ..without_shell(app, headers) }
}

/// Builds the response for a rendered page, which no cache may store. Removes the cookie of a message
/// that the page shows.
pub(super) fn respond(
    app: &App,
    frame: &Frame,
    page: Result<String, askama::Error>,
) -> Result<Response, OpError> {
    let html = page.map_err(OpError::internal)?;
    let mut response = ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response();
    if frame.notice.is_some() {
        response.headers_mut().append(header::SET_COOKIE, flash::clear(app));
    }
    Ok(response)
}

/// Renders a view and builds its response. The view has a field `frame`.
macro_rules! show {
    ($app:expr, $view:expr) => {{
        let view = $view;
        $crate::web::frame::respond($app, &view.frame, askama::Template::render(&view))
    }};
}
pub(super) use show;
