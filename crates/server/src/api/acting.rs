//! The actor of an API request: a key that the guard allowed, a signed-in member, or the command line on the data folder.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use keyrack_core::{AuthorizedCaller, OpError};
use keyrack_guard::Caller;
use keyrack_key::Denial;
use keyrack_store::{Role, Workspace, set_tenant};

use super::{ApiError, RouteAccess};
use crate::app::{App, Shared};
use crate::http::origin;
use crate::http::session;

/// Marks requests from the control socket. Only the owner of the data folder can open the socket.
#[derive(Clone, Copy, Debug)]
pub struct ControlSocket;

impl FromRequestParts<Shared> for AuthorizedCaller {
    type Rejection = ApiError;

    /// Leaves a copy in requests that may change something, so that the sender is verified again when the body has arrived.
    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, ApiError> {
        let acting = find(parts, app).await?;
        set_tenant(acting.workspace, acting.actor());
        // The body counts against the share of this claimant, before an operation runs.
        parts.extensions.insert(acting.claimant());
        if !parts.method.is_safe() {
            parts.extensions.insert(acting.clone());
        }
        Ok(acting)
    }
}

async fn find(parts: &Parts, app: &Shared) -> Result<AuthorizedCaller, ApiError> {
    let Some(RouteAccess::Guarded(_, role)) = parts.extensions.get::<RouteAccess>().copied() else {
        return Err(no_access_stated(app, parts));
    };
    let cookie = session::token(&parts.headers, app);
    // A session works on our own pages only: a cookie from another origin is ignored.
    let is_elsewhere = app.guard.is_cross_origin(parts);
    if let Some(caller) = parts.extensions.get::<Caller>().cloned() {
        return match cookie {
            Some(_) if !is_elsewhere => Err(OpError::KeyAndCookie.into()),
            _ => {
                app.metrics.allowed();
                Ok(AuthorizedCaller::key(caller))
            }
        };
    }
    if parts.extensions.get::<ControlSocket>().is_some() {
        let workspace = named_workspace(&parts.headers, app).await?;
        return Ok(AuthorizedCaller::operator(workspace.id));
    }
    let Some(token) = cookie else {
        return Err(app.deny(&Denial::Missing.into()));
    };
    origin::check(&parts.method, &parts.headers, app.guard.own_origins())
        .map_err(origin::Foreign::problem)?;
    if is_elsewhere {
        return Err(OpError::Anonymous.into());
    }
    let (session, user) = app.people.session(&token).await?.ok_or(OpError::Anonymous)?;
    let named = workspace_header(&parts.headers)?;
    let memberships = app.people.memberships(user.id).await?;
    let membership = memberships.into_iter().find(|one| is_named(&one.workspace, named));
    let membership = membership.ok_or(OpError::NotFound("workspace"))?;
    demand(membership.role, role)?;
    Ok(AuthorizedCaller::member(&membership.workspace, &session, membership.role, role))
}

/// Errors if the role `has` is lower than `needs`.
pub fn demand(has: Role, needs: Role) -> Result<(), OpError> {
    if has >= needs { Ok(()) } else { Err(OpError::Role { has, needs }) }
}

/// Denies a request to a route that states no permission and no role.
fn no_access_stated(app: &App, parts: &Parts) -> ApiError {
    match app.guard.find(parts) {
        Ok(None) => OpError::Anonymous.into(),
        _ => OpError::KeyNotAccepted.into(),
    }
}

async fn named_workspace(headers: &HeaderMap, app: &Shared) -> Result<Workspace, ApiError> {
    let named = workspace_header(headers)?;
    let found = match named.parse() {
        Ok(id) => app.store.workspace(id).await?,
        Err(_) => app.store.workspace_by_slug(named).await?,
    };
    Ok(found.ok_or(OpError::NotFound("workspace"))?)
}

fn workspace_header(headers: &HeaderMap) -> Result<&str, OpError> {
    let mut named = headers.get_all("x-keyrack-workspace").iter();
    match (named.next(), named.next()) {
        (Some(name), None) => name.to_str().map_err(|_| OpError::NotFound("workspace")),
        _ => Err(OpError::NoWorkspace),
    }
}

fn is_named(workspace: &Workspace, named: &str) -> bool {
    workspace.slug == named || workspace.id.to_string() == named
}
