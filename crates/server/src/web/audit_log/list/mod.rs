//! `GET …/settings/audit-log`: shows the audit log of the workspace, newest entry first.

mod sentences;
mod view;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use keyrack_store::{Actor, AuditAction};

use super::base;
use super::query::ActivityQuery;
use crate::api::Params;
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use view::{ActivityPage, SelectOption};

const ON_A_PAGE: u32 = 50;

/// Shows one page of entries.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    member: Member,
    headers: HeaderMap,
    Params(search): Params<ActivityQuery>,
) -> Result<Response, PageError> {
    let now = app.now();
    let filter = search.filter();
    let page = app.activity.list(&member.acting, &filter, search.before(), ON_A_PAGE).await?;
    let base = base(&member);
    let home = member.path("");
    let export = format!("{base}/export");
    let view = ActivityPage {
        frame: frame::of_member(&app, &member, NavItem::AuditLog, &headers),
        who: who(app.activity.actors(&member.acting).await?, &search.who),
        what: what(&search.what),
        about: search.about.clone(),
        from: search.from(),
        until: search.until(),
        is_filtered: !filter.is_empty(),
        is_continued: search.before().is_some(),
        jsonl_url: search.url(&export, &[("format", "jsonl")]),
        csv_url: search.url(&export, &[("format", "csv")]),
        next_url: page.next.map(|seq| search.url(&base, &[("cursor", seq.to_string().as_str())])),
        entries: page.items.iter().map(|entry| sentences::entry(entry, &home, now)).collect(),
        base,
    };
    Ok(show!(&app, view)?)
}

fn who(actors: Vec<(Actor, Option<String>)>, picked: &str) -> Vec<SelectOption> {
    let mut who: Vec<_> = actors
        .into_iter()
        .map(|(actor, name)| {
            let label = match (actor, name) {
                (Actor::Operator, _) => "CLI".to_owned(),
                (Actor::Key(_), name) => format!("Key {}", name.unwrap_or_default()),
                (Actor::User(_), name) => name.unwrap_or_else(|| "A former member".to_owned()),
            };
            let value = actor.to_string();
            SelectOption { is_chosen: value == picked, value, label }
        })
        .collect();
    who.sort_by_cached_key(|one| one.label.to_lowercase());
    who
}

fn what(picked: &str) -> Vec<SelectOption> {
    let option = |action: &AuditAction| SelectOption {
        value: action.name().to_owned(),
        label: sentences::title(action.name()),
        is_chosen: action.name() == picked,
    };
    AuditAction::ALL.iter().map(option).collect()
}
