//! The Activity page: what happened in the workspace, told in sentences; and whether that is as it was written.

pub(super) mod export;
pub(super) mod list;
pub(super) mod verify;

mod search;
mod told;

use super::person::Member;

/// Where the page is.
fn base(member: &Member) -> String {
    member.path("/settings/activity")
}
