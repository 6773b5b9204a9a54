//! The page that confirms an action on a key, with the callers whose requests will fail.

mod view;

use axum::response::Response;
use http::HeaderMap;
use keyrack_core::OpError;
use keyrack_core::numbers::counted;
use keyrack_store::{CallerRow, KeyRow};

use super::base;
use crate::app::App;
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use crate::web::text;
use view::{ConfirmKeyActionPage, DependentCaller};

pub(in crate::web) use view::{ConfirmChoice, ConfirmOption, ConfirmQuestion, KeyAction};

/// The period in which a caller counts as one that depends on the key, in days.
const DAYS: u32 = 7;

/// The largest number of callers that are listed.
const MOST: u32 = 5;

/// The parts of the page that depend on the action.
pub(super) struct Confirmation {
    pub(super) action: KeyAction,
    /// A further effect of the action.
    pub(super) warning: Option<String>,
    /// The names and values of hidden fields.
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) question: ConfirmQuestion,
}

/// Shows the page.
pub(super) async fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    key: &KeyRow,
    confirmation: Confirmation,
) -> Result<Response, OpError> {
    let now = app.now();
    let Confirmation { action, warning, hidden, question } = confirmation;
    let (callers, has_more_callers) = match action {
        KeyAction::Rotate => (Vec::new(), false),
        KeyAction::Delete | KeyAction::Pause => affected_callers(app, member, key).await?,
    };
    show!(
        app,
        ConfirmKeyActionPage {
            frame: frame::of_member(app, member, NavItem::ApiKeys, headers),
            base: base(member),
            action,
            id: key.id.to_string(),
            key_name: key.name.clone(),
            masked: text::masked_key(&app.config.brands, key),
            last_used: text::last_used(key, now),
            expired: key.terms.expires_at.filter(|_| key.has_expired(now)).map(|at| text::moment(at, now)),
            callers,
            has_more_callers,
            warning,
            hidden,
            question,
        }
    )
}

/// The latest callers with allowed requests, and whether there are more.
async fn affected_callers(
    app: &App,
    member: &Member,
    key: &KeyRow,
) -> Result<(Vec<DependentCaller>, bool), OpError> {
    let (_, callers) = app.keys.callers(&member.acting, key.id, DAYS, None, MOST).await?;
    let affected: Vec<_> = callers.items.iter().filter(|one| one.allowed > 0).map(affected).collect();
    // The callers are sorted by their last request, so the following pages have no earlier one.
    let has_more = callers.next.is_some() && affected.len() == callers.items.len();
    Ok((affected, has_more))
}

fn affected(caller: &CallerRow) -> DependentCaller {
    let days = u64::from(DAYS);
    let requests = if caller.allowed < days {
        format!("{} in {DAYS} days", counted(caller.allowed, "request"))
    } else {
        format!("{} per day", counted((caller.allowed + days / 2) / days, "request"))
    };
    DependentCaller { name: text::caller(caller), requests }
}
