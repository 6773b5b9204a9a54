//! The General page: the name of the workspace and its policy for keys.

pub(super) mod edit;
pub(super) mod show;

use super::person::Member;

/// The path of the page.
fn base(member: &Member) -> String {
    member.path("/settings/general")
}
