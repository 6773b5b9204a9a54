//! `…/settings/api-keys/{id}`: shows one key.

mod figures;
mod usage;
mod usage_view;
mod view;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use keyrack_core::OpError;
use keyrack_core::keys::Names;
use keyrack_core::keys::advice::advise;
use keyrack_key::{Class, DenialReason, Permission, Timestamp};
use keyrack_store::KeyRow;
use std::collections::BTreeMap;

use super::requested::RequestedKey;
use super::{advice, base, exposure, nonce, still_using};
use crate::api::Params;
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use crate::web::text;
use usage::{KeyUsageQuery, usage};
use view::{DeniedRequestCount, KeyDetailPage};

pub(in crate::web) use usage_view::RecommendationRow;

/// Shows a key, deleted or not.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    RequestedKey { member, key }: RequestedKey,
    Params(look): Params<KeyUsageQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let now = app.now();
    let denials = pause_denials(&app, &member, &key).await?;
    let deletion = key.deletion.as_ref();
    let measured = app.keys.recent_usage_of(&member.acting, key.id, app.window()).await?;
    let policy = app.settings.policy(&member.acting).await?;
    let advised = advise(&key, &measured, policy, now);
    let own = key.terms.restrictions.as_ref();
    let names = match own {
        Some(own) => app.keys.names(&member.acting, own).await?,
        None => Names::default(),
    };
    let nonce = if member.manages_keys() { Some(nonce()?) } else { None };
    let standings = app.quotas.states_of(&key).await?;
    let view = KeyDetailPage {
        frame: frame::of_member(&app, &member, NavItem::ApiKeys, &headers),
        base: base(&member),
        can_manage: member.manages_keys(),
        status: figures::status(&key, now),
        figures: figures::figures(&measured),
        is_expired: key.has_expired(now),
        audit_log_url: member.path(&format!("/settings/audit-log?about={}", key.id)),
        id: key.id.to_string(),
        name: key.name.clone(),
        masked: text::masked_key(&app.config.brands, &key),
        publishable: text::publishable_key(&key),
        retiring: text::retiring_text(&key, now),
        still_using: still_using(&app, &member, &key).await?.unwrap_or_default(),
        advice: advice::lines(&advised, &base(&member), key.id, now),
        exposure: exposure::notice(&key, &measured.exposures, nonce, now),
        usage: usage(&app, &member, &key, &look).await?,
        paused: text::paused(&key, now),
        denied_since: denials.since,
        denied_requests: denials.calls,
        scopes: text::scopes(key.scopes),
        created: text::by(&key.created_by, key.created_at, now),
        last_used: text::last_used(&key, now),
        expires: text::expires(&key, now),
        limits: own.map(|own| text::limits(own, &names)).unwrap_or_default(),
        quotas: standings.into_iter().map(|standing| text::quota_bar(standing, now)).collect(),
        public: key.class == Class::Publishable,
        note: key.note.clone().unwrap_or_default(),
        deleted: deletion.map(|deletion| text::by(&deletion.by, deletion.at, now)),
        deletion_reason: deletion.and_then(|deletion| deletion.reason.clone()),
    };
    Ok(show!(&app, view)?)
}

/// The requests that were denied because the key is paused. `since` is the start of the hour in which the
/// first was denied.
#[derive(Default)]
struct PauseDenials {
    since: String,
    calls: Vec<DeniedRequestCount>,
}

async fn pause_denials(app: &App, member: &Member, key: &KeyRow) -> Result<PauseDenials, OpError> {
    let now = app.now();
    let Some(paused) = key.paused_at(now) else { return Ok(PauseDenials::default()) };
    let mut counted: BTreeMap<Option<Permission>, u64> = BTreeMap::new();
    let mut since: Option<Timestamp> = None;
    for hour in app.keys.usage(&member.acting, key.id, now.since(paused.at)).await? {
        if hour.outcome == DenialReason::Paused.code() {
            since = since.or(Some(hour.hour));
            *counted.entry(hour.permission).or_default() += hour.checks;
        }
    }
    let calls = |(permission, calls): (Option<Permission>, u64)| DeniedRequestCount {
        does: permission.map(|one| one.phrase().to_owned()).unwrap_or_default(),
        permission: permission.map(Permission::name).unwrap_or_default(),
        calls: text::count(calls, "request"),
    };
    Ok(PauseDenials {
        since: since.map(text::date_and_time).unwrap_or_default(),
        calls: counted.into_iter().map(calls).collect(),
    })
}
