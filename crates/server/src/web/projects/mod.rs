//! The Projects page and its dialogs.

pub(super) mod delete;
pub(super) mod list;
pub(super) mod models;
pub(super) mod new;
pub(super) mod rename;
pub(super) mod show;

mod head;
mod requested;

use super::person::Member;

pub(super) use head::url;
pub(super) use requested::RequestedProject;

/// The path of the page.
fn base(member: &Member) -> String {
    member.path("/projects")
}
