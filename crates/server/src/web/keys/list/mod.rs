//! `GET …/settings/api-keys`: the API Keys page with the list of keys.

mod view;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use keyrack_core::OpError;
use keyrack_core::keys::advice::{Advice, advise};
use keyrack_core::keys::usage::RecentUsage;
use keyrack_core::nodes::LiveNode;
use keyrack_core::numbers::counted;
use keyrack_guard::remote::wire::LEASE;
use keyrack_key::{Class, KeyId, Scope, Timestamp};
use keyrack_store::{Actor, ExpiringKey, KeyFilter, KeyRow, KeyStatus, Policy};
use serde::Deserialize;

use super::{address, base, exposure, still_using};
use crate::api::Params;
use crate::app::{App, Shared};
use crate::web::charts::spark;
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use crate::web::text;
use view::{ExpiringKeyRow, ExpiryHorizon, KeyListPage, KeyListRow, NodeRow, NodeState, Tab};

const ON_A_PAGE: u32 = 50;
/// The largest number of keys in the notice about expiring keys.
const ENDINGS: u32 = 5;

/// The filter of the list. Invalid values are ignored; without a status, the list shows live keys.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyListQuery {
    q: String,
    scope: String,
    status: String,
    cursor: String,
}

impl KeyListQuery {
    fn status(&self) -> KeyStatus {
        match self.status.as_str() {
            "paused" => KeyStatus::Paused,
            "expired" => KeyStatus::Expired,
            "deleted" => KeyStatus::Deleted,
            _ => KeyStatus::Standing,
        }
    }

    fn filter(&self, now: Timestamp) -> KeyFilter<'_> {
        let text = self.q.trim();
        // No name is longer than 100 characters.
        let text = text.char_indices().nth(100).map_or(text, |(end, _)| &text[..end]);
        KeyFilter {
            status: self.status(),
            now,
            scope: self.scope.parse::<Scope>().ok(),
            class: None,
            text: (!text.is_empty()).then_some(text),
            after: self.cursor.parse::<KeyId>().ok(),
            limit: ON_A_PAGE,
        }
    }

    fn url(&self, base: &str, status: &str, cursor: Option<KeyId>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("status", status);
        for (name, value) in [("q", &self.q), ("scope", &self.scope)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if let Some(cursor) = cursor {
            query.append_pair("cursor", &cursor.to_string());
        }
        format!("{base}?{}", query.finish())
    }
}

/// Shows the keys.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    member: Member,
    Params(search): Params<KeyListQuery>,
    parts: Parts,
) -> Result<Response, PageError> {
    let now = app.now();
    let filter = search.filter(now);
    let page = app.keys.list(&member.acting, &filter).await?;
    let count = app.keys.count(&member.acting, &filter).await?;
    let ids: Vec<_> = page.items.iter().map(|key| key.id).collect();
    let measured = app.keys.recent_usage(&member.acting, &ids, app.window()).await?;
    let policy = app.settings.policy(&member.acting).await?;
    let mut rows = Vec::new();
    for key in &page.items {
        let still = still_using(&app, &member, key).await?;
        rows.push(row(&app, key, measured.get(&key.id), still, policy, now));
    }
    let base = base(&member);
    let status = status_name(search.status());
    let view = KeyListPage {
        frame: frame::of_member(&app, &member, NavItem::ApiKeys, &parts.headers),
        can_manage: member.manages_keys(),
        tabs: tabs(&search, &base),
        count: text::count(count, "key"),
        ending: ending(&app, &member, &search, now).await?,
        rows,
        next_url: page.next.map(|cursor| search.url(&base, status, Some(cursor))),
        nodes: app.nodes.list(member.acting.workspace).iter().map(|state| node(state, now)).collect(),
        curl_example: format!(
            "curl {}/api/v1/projects \\\n  -H \"Authorization: Bearer {}_sk_…\"",
            address(&app, &parts),
            app.config.brands.current()
        ),
        status: status.to_owned(),
        q: search.q,
        scope: search.scope,
        base,
    };
    Ok(show!(&app, view)?)
}

const fn status_name(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Paused => "paused",
        KeyStatus::Expired => "expired",
        KeyStatus::Deleted => "deleted",
        KeyStatus::Standing | KeyStatus::Live | KeyStatus::Any => "live",
    }
}

/// The keys that expire within a month. Only for the first page of the unfiltered list.
async fn ending(
    app: &App,
    member: &Member,
    search: &KeyListQuery,
    now: Timestamp,
) -> Result<Vec<ExpiringKeyRow>, OpError> {
    let is_front = search.status() == KeyStatus::Standing && search.cursor.is_empty();
    if !is_front || !search.q.is_empty() || !search.scope.is_empty() {
        return Ok(Vec::new());
    }
    let [day, week, month] = text::AHEAD;
    let expiring = app.keys.expiring(&member.acting, month, ENDINGS).await?;
    let ending = |key: ExpiringKey| ExpiringKeyRow {
        id: key.id.to_string(),
        name: key.name,
        when: text::moment(key.at, now),
        ahead: match key.at.since(now) {
            span if span <= day => ExpiryHorizon::Day,
            span if span <= week => ExpiryHorizon::Week,
            _ => ExpiryHorizon::Month,
        },
    };
    Ok(expiring.into_iter().map(ending).collect())
}

fn tabs(search: &KeyListQuery, base: &str) -> Vec<Tab> {
    let tab = |label: &str, status| Tab {
        label: label.to_owned(),
        url: search.url(base, status_name(status), None),
        current: status == search.status(),
    };
    vec![
        tab("Live", KeyStatus::Standing),
        tab("Paused", KeyStatus::Paused),
        tab("Expired", KeyStatus::Expired),
        tab("Deleted", KeyStatus::Deleted),
    ]
}

fn node(state: &LiveNode, now: Timestamp) -> NodeRow {
    let LiveNode { node, applied, last_contact_at: heard_at } = state;
    NodeRow {
        name: node.name.clone(),
        key: match node.registered_by {
            Actor::Key(id) => Some(id.to_string()),
            Actor::User(_) | Actor::Operator => None,
        },
        last_contact: text::moment(*heard_at, now),
        state: match applied {
            None => NodeState::Reads,
            Some(_) if now.since(*heard_at) > LEASE => NodeState::CutOff,
            Some(_) => NodeState::Follows,
        },
    }
}

fn row(
    app: &App,
    key: &KeyRow,
    measured: Option<&RecentUsage>,
    still: Option<String>,
    policy: Policy,
    now: Timestamp,
) -> KeyListRow {
    let calls = measured.map_or(0, |one| one.allowed() + one.denied());
    KeyListRow {
        id: key.id.to_string(),
        name: key.name.clone(),
        masked: text::masked_key(&app.config.brands, key),
        retiring: text::retiring_text(key, now)
            .map(|time| format!("old secret {time}. {}", still.unwrap_or_default())),
        paused: text::paused(key, now),
        scopes: text::scopes(key.scopes),
        public: key.class == Class::Publishable,
        restriction_summary: key
            .terms
            .restrictions
            .as_ref()
            .filter(|own| !own.is_none())
            .map(text::restriction_summary),
        created: text::by(&key.created_by, key.created_at, now),
        last_used: text::last_used(key, now),
        expires: text::expires(key, now),
        deleted: key.deletion.as_ref().map(|deletion| text::by(&deletion.by, deletion.at, now)),
        spark: measured.map(|one| spark(&one.by_day())).unwrap_or_default(),
        calls: format!("{} in {}", counted(calls, "call"), counted(app.window().into(), "day")),
        seen: measured.and_then(|one| exposure::badge(key, &one.exposures)),
        advice: measured.and_then(|one| title(&advise(key, one, policy, now))),
    }
}

/// The title of the first recommendation. The row shows the exposure of the key elsewhere.
fn title(advice: &[Advice]) -> Option<&'static str> {
    advice.iter().find(|one| !matches!(one, Advice::Exposed(_))).map(|one| one.title())
}
