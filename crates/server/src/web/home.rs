//! Redirects to the main pages.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use keyrack_core::{AuthorizedCaller, OpError};
use keyrack_key::KeyId;
use keyrack_store::Role;

use super::error::PageError;
use super::person::{Member, Person};
use crate::app::Shared;

/// `GET /`: redirects to the keys of the user's first workspace.
pub(super) async fn home(person: Person) -> Response {
    let first = person.memberships.first();
    let url = first
        .map_or("/workspaces/new".to_owned(), |one| format!("/w/{}/settings/api-keys", one.workspace.slug));
    Redirect::to(&url).into_response()
}

/// `GET /w/{workspace}`: redirects to the keys of the workspace.
pub(super) async fn workspace(member: Member) -> Response {
    Redirect::to(&member.path("/settings/api-keys")).into_response()
}

/// `GET /keys/{id}`: redirects to the page of the key in whichever workspace owns it. Error responses of
/// the API link here.
pub(super) async fn key(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let id: KeyId = id.parse().map_err(|_| OpError::NotFound("key"))?;
    for one in &person.memberships {
        let acting = AuthorizedCaller::member(&one.workspace, &person.session, one.role, Role::Viewer);
        match app.keys.read(&acting, id).await {
            Err(OpError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {
                let url = format!("/w/{}/settings/api-keys/{id}", one.workspace.slug);
                return Ok(Redirect::to(&url).into_response());
            }
        }
    }
    Err(OpError::NotFound("key").into())
}
