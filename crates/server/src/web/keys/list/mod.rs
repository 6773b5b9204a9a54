//! `GET …/settings/api-keys`: the API Keys page with the list of keys.

mod query;
mod view;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use keyrack_core::OpError;
use keyrack_core::keys::advice::{Advice, advise};
use keyrack_core::keys::attention::AttentionSearch;
use keyrack_core::keys::usage::RecentUsage;
use keyrack_core::keys::usage::first_of_days;
use keyrack_core::nodes::LiveNode;
use keyrack_core::numbers::{counted, grouped};
use keyrack_guard::remote::wire::LEASE;
use keyrack_key::{Class, Timestamp};
use keyrack_store::{Actor, KeyCounts, KeyFilter, KeyRow, KeyStatus, Policy};

use super::{address, base, exposure, still_using};
use crate::api::Params;
use crate::app::{App, Shared};
use crate::web::charts::spark;
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use crate::web::text;
use query::{EXPIRES_SOON, KeyListQuery, ON_A_PAGE, ORDERS, STATUSES};
use view::{
    AttentionFilter, Column, ExpiringKeys, KeyColumns, KeyListPage, KeyListRow, NodeRow, NodeState, Tab,
};

/// Shows the keys.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    member: Member,
    Params(search): Params<KeyListQuery>,
    parts: Parts,
) -> Result<Response, PageError> {
    let now = app.now();
    let window = app.window();
    let found = if search.needs_attention() {
        Some(app.keys.needing_attention(&member.acting, &search.filter(now), window).await?)
    } else {
        None
    };
    let ids = found.as_ref().map(|found| found.ids.as_slice());
    let filter = KeyFilter { ids, ..search.filter(now) };
    let keys = app.keys.sorted(&member.acting, &filter, search.slice(first_of_days(now, window))).await?;
    let counts = app.keys.counts(&member.acting, &filter).await?;
    let ids: Vec<_> = keys.iter().map(|key| key.id).collect();
    let measured = app.keys.recent_usage(&member.acting, &ids, window).await?;
    let policy = app.settings.policy(&member.acting).await?;
    let mut rows = Vec::new();
    for key in &keys {
        let still = still_using(&app, &member, key).await?;
        rows.push(row(&app, key, measured.get(&key.id), still, policy, now));
    }
    let base = base(&member);
    let total = count_of(&counts, search.status().0);
    let whole = Some(&rows).filter(|rows| search.status().0 == KeyStatus::Live && rows.len() as u64 == total);
    let extent = match &found {
        Some(found) if !found.is_complete => extent(&app, &member, &search, found, now).await?,
        _ => String::new(),
    };
    let view = KeyListPage {
        frame: frame::of_member(&app, &member, NavItem::ApiKeys, &parts.headers),
        can_manage: member.manages_keys(),
        is_first_run: counts == KeyCounts::default() && !search.is_filtered(),
        tabs: tabs(&search, &counts, &base),
        attention: attention_filter(&search, &base, whole, extent),
        range: range(&search, rows.len(), total),
        columns: columns(&search, window, &base),
        orders: ORDERS.map(|(name, label)| (name, label, name == search.order())),
        direction: if search.is_reversed() { "reverse" } else { "" },
        expiring: expiring(&app, &member, &search, now, &base).await?,
        expires: if search.expires_soon() { "soon" } else { "" },
        back: search.url(&base),
        previous_url: search.page().checked_sub(1).map(|page| search.with_page(&base, page)),
        next_url: (u64::from(search.page() + 1) * u64::from(ON_A_PAGE) < total)
            .then(|| search.with_page(&base, search.page() + 1)),
        nodes: app.nodes.list(member.acting.workspace).iter().map(|state| node(state, now)).collect(),
        curl_example: format!(
            "curl {}/api/v1/projects \\\n  -H \"Authorization: Bearer {}_sk_…\"",
            address(&app, &parts),
            app.config.brands.current()
        ),
        status: search.status().1,
        rows,
        q: search.q,
        scope: search.scope,
        base,
    };
    Ok(show!(&app, view)?)
}

/// The link to the keys that need attention. `whole` are the rows of all active keys if the page shows all of them: only
/// then is the count free.
fn attention_filter(
    search: &KeyListQuery,
    base: &str,
    whole: Option<&Vec<KeyListRow>>,
    extent: String,
) -> AttentionFilter {
    let count = |rows: &Vec<KeyListRow>| rows.iter().filter(|row| row.attention.is_some()).count();
    AttentionFilter {
        is_on: search.needs_attention(),
        url: search.with_attention(base, !search.needs_attention()),
        count: whole.map(|rows| grouped(count(rows) as u64)).unwrap_or_default(),
        extent,
    }
}

const fn count_of(counts: &KeyCounts, status: KeyStatus) -> u64 {
    match status {
        KeyStatus::Paused => counts.paused,
        KeyStatus::Expired => counts.expired,
        KeyStatus::Deleted => counts.deleted,
        KeyStatus::Live | KeyStatus::Standing | KeyStatus::Any => counts.active,
    }
}

/// The keys on the page among all matching keys, such as "5 keys" or "51–100 of 231 keys".
fn range(search: &KeyListQuery, rows: usize, total: u64) -> String {
    let skipped = u64::from(search.page() * ON_A_PAGE);
    let rows = rows as u64;
    if rows == total {
        return counted(total, "key");
    }
    format!("{}–{} of {}", grouped(skipped + 1), grouped(skipped + rows), counted(total, "key"))
}

/// How many of the keys a search has checked.
async fn extent(
    app: &App,
    member: &Member,
    search: &KeyListQuery,
    found: &AttentionSearch,
    now: Timestamp,
) -> Result<String, OpError> {
    let counts = app.keys.counts(&member.acting, &search.filter(now)).await?;
    let all = counted(counts.active + counts.paused, "key");
    Ok(format!("Only the newest {} of {all} were checked.", grouped(found.checked)))
}

/// A link to the keys that expire within a week. Only on the first page of the unfiltered list of active keys.
async fn expiring(
    app: &App,
    member: &Member,
    search: &KeyListQuery,
    now: Timestamp,
    base: &str,
) -> Result<Option<ExpiringKeys>, OpError> {
    if search.status().0 != KeyStatus::Live || search.is_filtered() || search.page() > 0 {
        return Ok(None);
    }
    let filter = KeyFilter { expires_by: Some(now.plus(EXPIRES_SOON)), ..search.filter(now) };
    let count = app.keys.counts(&member.acting, &filter).await?.active;
    let verb = if count == 1 { "expires" } else { "expire" };
    Ok((count > 0).then(|| ExpiringKeys {
        text: format!("{} {verb} within 7 days", counted(count, "key")),
        url: format!("{base}?status=active&expires=soon&sort=expires"),
    }))
}

fn tabs(search: &KeyListQuery, counts: &KeyCounts, base: &str) -> Vec<Tab> {
    let tab = |label, (status, name): (KeyStatus, &str)| Tab {
        label,
        count: grouped(count_of(counts, status)),
        url: search.with_status(base, name),
        current: status == search.status().0,
    };
    ["Active", "Paused", "Expired", "Deleted"]
        .into_iter()
        .zip(STATUSES)
        .map(|(label, one)| tab(label, one))
        .collect()
}

/// The headings of the columns that sort the list.
fn columns(search: &KeyListQuery, window: u32, base: &str) -> KeyColumns {
    let column = |name: &str, label: &str| Column {
        label: label.to_owned(),
        url: search.with_order(base, name),
        sort: (search.order() == name).then(|| match (name, search.is_reversed()) {
            // These orders start with the smallest value.
            ("name" | "expires", is_reversed) => {
                if is_reversed {
                    "descending"
                } else {
                    "ascending"
                }
            }
            (_, is_reversed) => {
                if is_reversed {
                    "ascending"
                } else {
                    "descending"
                }
            }
        }),
    };
    KeyColumns {
        name: column("name", "Name"),
        created: column("created", "Created"),
        last_used: column("last-used", "Last used"),
        usage: column("usage", &format!("Last {}", counted(window.into(), "day"))),
        expires: column("expires", "Expires"),
    }
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
    let (allowed, denied) = measured.map_or((0, 0), |one| (one.allowed(), one.denied()));
    let restrictions = key.terms.restrictions.as_ref();
    let advice = measured.map(|one| advise(key, one, policy, now)).unwrap_or_default();
    KeyListRow {
        id: key.id.to_string(),
        name: key.name.clone(),
        masked: text::masked_key(&app.config.brands, key),
        publishable: text::publishable_key(key),
        rotating: text::retiring_text(key, now)
            .map(|time| format!("Old secret {time}. {}", still.unwrap_or_default())),
        paused: text::paused(key, now),
        is_expired: key.terms.expires_at.is_some_and(|at| at <= now),
        scopes: text::scopes(key.scopes),
        public: key.class == Class::Publishable,
        limits: restrictions.map(text::restriction_texts).unwrap_or_default(),
        created: text::by(&key.created_by, key.created_at, now),
        last_used: text::last_used(key, now),
        expires: text::expires(key, now),
        deleted: key.deletion.as_ref().map(|deletion| text::by(&deletion.by, deletion.at, now)),
        spark: measured.map(|one| spark(&one.by_day())).unwrap_or_default(),
        requests: match (allowed, denied) {
            (0, 1..) => format!("{} denied", grouped(denied)),
            _ => grouped(allowed + denied),
        },
        is_denied: allowed == 0 && denied > 0,
        exposure: measured.and_then(|one| exposure::badge(key, &one.exposures)),
        advice: titles(&advice, |_| true).next(),
        attention: advice
            .iter()
            .any(|one| one.needs_attention())
            .then(|| titles(&advice, Advice::needs_attention).collect()),
    }
}

/// The titles of some recommendations. The row shows the exposure of the key elsewhere.
fn titles(advice: &[Advice], is_shown: fn(Advice) -> bool) -> impl Iterator<Item = &'static str> {
    let shown = advice.iter().filter(move |one| !matches!(one, Advice::Exposed(_)) && is_shown(**one));
    shown.map(|one| one.title())
}
