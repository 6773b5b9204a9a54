//! `GET …/settings/general`: shows the settings, and the keys that do not meet the policy.

mod view;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use keyrack_core::settings::{NoncompliantKeys, NoncompliantPage};
use keyrack_store::Policy;

use super::base;
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use crate::web::text;
use view::{GeneralPage, PolicyViolation, PolicyViolations};

/// Shows the settings.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    member: Member,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let set = app.settings.read(&member.acting).await?;
    let noncompliant = app.settings.noncompliant_keys(&member.acting, set.policy).await?;
    let view = GeneralPage {
        frame: frame::of_member(&app, &member, NavItem::General, &headers),
        base: base(&member),
        can_manage: member.manages_keys(),
        name: set.workspace.name,
        slug: set.workspace.slug,
        created: text::moment(set.workspace.created_at, app.now()),
        longest_life: set.policy.longest_life.map(|days| text::count(days.into(), "day")),
        rotation_age: set.policy.rotation_age.map(|days| text::count(days.into(), "day")),
        violations: lists(noncompliant, set.policy, &member),
    };
    Ok(show!(&app, view)?)
}

fn lists(noncompliant: NoncompliantKeys, policy: Policy, member: &Member) -> Vec<PolicyViolations> {
    let list = |found: Option<NoncompliantPage>, text: String| {
        let found = found.filter(|found| !found.items.is_empty())?;
        let keys = found.items.into_iter().map(|(id, name)| PolicyViolation {
            name,
            url: member.path(&format!("/settings/api-keys/{id}")),
        });
        Some(PolicyViolations { text, keys: keys.collect(), has_more: found.next.is_some() })
    };
    let days = |days: Option<u32>| text::count(days.unwrap_or_default().into(), "day");
    let late_expiry = format!(
        "These keys expire later than the policy allows ({}). Edit each one to set an earlier expiration.",
        days(policy.longest_life)
    );
    let old_secret = format!(
        "These keys haven't been rotated in {}. Rotate them when convenient.",
        days(policy.rotation_age)
    );
    [list(noncompliant.late_expiry, late_expiry), list(noncompliant.old_secret, old_secret)]
        .into_iter()
        .flatten()
        .collect()
}
