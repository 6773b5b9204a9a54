//! The audit log page, which shows the audit log of the workspace as sentences, and the page that verifies the log.

pub(super) mod export;
pub(super) mod list;
pub(super) mod verify;

mod query;

use super::person::Member;

/// The path of the page.
fn base(member: &Member) -> String {
    member.path("/settings/audit-log")
}
