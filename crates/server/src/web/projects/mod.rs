//! The Projects page, and the dialogs that it opens.

pub(super) mod delete;
pub(super) mod list;
pub(super) mod new;
pub(super) mod rename;

use keyrack_key::ProjectId;

use super::person::Member;
use crate::ops::OpError;

/// Where the page is.
fn base(member: &Member) -> String {
    member.path("/projects")
}

/// An id from a path. What is no id names nothing.
fn project_id(text: &str) -> Result<ProjectId, OpError> {
    text.parse().map_err(|_| OpError::NotFound("project"))
}
