//! The General page: the workspace's name, and what it demands of its keys.

pub(super) mod edit;
pub(super) mod show;

use super::person::Member;

/// Where the page is.
fn base(member: &Member) -> String {
    member.path("/settings/general")
}
