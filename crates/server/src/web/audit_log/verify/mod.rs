//! `GET …/settings/audit-log/verify`: verifies the hash chain of the audit log.

mod view;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use keyrack_core::history;
use keyrack_store::ChainStatus;

use super::base;
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use view::ActivityVerifyPage;

/// Verifies the chain and shows the result. Reads the whole log of the workspace.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    member: Member,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let verified = app.activity.verify(&member.acting).await?;
    let (entries, broken) = match verified.chain {
        ChainStatus::Whole { entries } => (history::entries(entries), None),
        ChainStatus::Broken { seq } => (String::new(), Some(history::grouped(seq))),
    };
    let view = ActivityVerifyPage {
        frame: frame::of_member(&app, &member, NavItem::AuditLog, &headers),
        base: base(&member),
        entries,
        broken,
        newest_hash: verified.newest.map(|newest| hex::encode(newest.hash)).unwrap_or_default(),
    };
    Ok(show!(&app, view)?)
}
