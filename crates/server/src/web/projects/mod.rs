//! The Projects page, and the dialogs that it opens.

pub(super) mod delete;
pub(super) mod list;
pub(super) mod new;
pub(super) mod rename;

mod chosen;

use super::person::Member;

/// Where the page is.
fn base(member: &Member) -> String {
    member.path("/projects")
}
