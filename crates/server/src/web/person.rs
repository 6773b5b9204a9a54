//! Extractors for the signed-in user of a request.

use axum::extract::{FromRequestParts, Path};
use http::Method;
use http::request::Parts;
use keyrack_core::{AuthorizedCaller, OpError};
use keyrack_store::{Membership, Role, Session, User, set_tenant};
use std::collections::HashMap;
use std::str::FromStr;

use super::PageAccess;
use super::error::PageError;
use crate::api::ApiError;
use crate::app::{App, Shared};
use crate::http::session;

/// A signed-in user.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) user: User,
    pub(super) session: Session,
    pub(super) memberships: Vec<Membership>,
}

/// A signed-in user whose role in the workspace of the path is sufficient for the page.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) person: Person,
    pub(super) membership: Membership,
    pub(super) acting: AuthorizedCaller,
}

impl Member {
    /// Whether the user may create and change keys.
    pub(super) fn manages_keys(&self) -> bool {
        self.membership.role >= Role::Admin
    }

    /// Whether the user may create and change projects.
    pub(super) fn manages_projects(&self) -> bool {
        self.membership.role >= Role::Member
    }

    /// The path of the workspace, followed by `rest`.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/w/{}{rest}", self.membership.workspace.slug)
    }
}

impl FromRequestParts<Shared> for Person {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        deny_key(parts, app)?;
        let next = if parts.method == Method::GET { parts.uri.path() } else { "/" };
        let sign_in = || PageError::SignIn { next: next.to_owned() };
        let token = session::token(&parts.headers, app).ok_or_else(sign_in)?;
        let (session, user) = app.people.session(&token).await?.ok_or_else(sign_in)?;
        let memberships = app.people.memberships(user.id).await?;
        Ok(Self { user, session, memberships })
    }
}

impl FromRequestParts<Shared> for Member {
    type Rejection = PageError;

    /// Leaves a copy of who acts in the request, so that they are verified again when a form has arrived.
    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let person = Person::from_request_parts(parts, app).await?;
        let slug = in_path(parts, "workspace").await;
        let membership = person.memberships.iter().find(|one| one.workspace.slug == slug).cloned();
        let membership = membership.ok_or(OpError::NotFound("workspace"))?;
        // Every page for members is registered with a role, so a missing one is a mistake in the registry.
        let Some(PageAccess::Member(needs)) = parts.extensions.get::<PageAccess>().copied() else {
            return Err(OpError::NotFound("page").into());
        };
        if membership.role < needs {
            return Err(OpError::Role { has: membership.role, needs }.into());
        }
        let acting = AuthorizedCaller::member(&membership.workspace, &person.session, membership.role, needs);
        set_tenant(acting.workspace, acting.actor());
        parts.extensions.insert(acting.clone());
        Ok(Self { person, membership, acting })
    }
}

/// Denies a request with an API key, because pages are for browsers.
fn deny_key(parts: &Parts, app: &App) -> Result<(), ApiError> {
    match app.guard.find(parts) {
        Ok(None) => Ok(()),
        // Proxies that authenticate users add an `Authorization` header of their own.
        Ok(Some(other)) if !other.is_ours(&app.config.brands) => Ok(()),
        Ok(Some(_)) if session::token(&parts.headers, app).is_some() => Err(OpError::KeyAndCookie.into()),
        Ok(Some(_)) => Err(OpError::KeyNotAccepted.into()),
        Err(denial) => Err(app.deny(&denial.into())),
    }
}

/// The value of the path parameter `name`. Empty if the path has no such parameter.
pub(super) async fn in_path(parts: &mut Parts, name: &str) -> String {
    let path = Path::<HashMap<String, String>>::from_request_parts(parts, &()).await;
    path.ok().and_then(|mut path| path.remove(name)).unwrap_or_default()
}

/// The ID in the path parameter `name`. A missing or malformed ID names no `noun`, such as "key".
pub(super) async fn id_in_path<T: FromStr>(
    parts: &mut Parts,
    name: &str,
    noun: &'static str,
) -> Result<T, OpError> {
    in_path(parts, name).await.parse().map_err(|_| OpError::NotFound(noun))
}
