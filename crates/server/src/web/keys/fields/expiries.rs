//! The expiry options in the forms of a key, within the policy of the workspace.

use keyrack_key::Timestamp;
use keyrack_store::{KeyRow, Policy};
use std::time::Duration;

use super::view::ExpiryOption;
use crate::web::text;

/// The options for a new key, or for the existing `key`. Exactly one is selected.
pub(in crate::web::keys) fn choices(
    picked: &str,
    now: Timestamp,
    policy: Policy,
    key: Option<&KeyRow>,
) -> Vec<ExpiryOption> {
    let mut choices = Vec::new();
    if policy.longest_life.is_none() {
        let explanation = "The key works until you delete it.".to_owned();
        choices.push(choice("never", "Never".to_owned(), explanation));
    }
    choices.extend(key.and_then(|key| kept(key, policy)));
    for (days, value, span) in [(30, "30d", "30 days"), (90, "90d", "90 days"), (365, "365d", "one year")] {
        if policy.longest_life.is_none_or(|longest| days < longest) {
            choices.push(after(value, days, span, "", now));
        }
    }
    if let Some(days) = policy.longest_life {
        choices.push(after("longest", days, &text::count(days.into(), "day"), " (maximum)", now));
    }
    let explanation = format!("The key expires at the end of this day (UTC). {AHEAD}");
    choices.push(choice("date", "On a date".to_owned(), explanation));
    let usual = if key.is_some() { "keep" } else { "longest" };
    let chosen = choices.iter().position(|one| one.value == picked);
    let chosen = chosen.or_else(|| choices.iter().position(|one| one.value == usual)).unwrap_or(0);
    choices[chosen].is_chosen = true;
    choices
}

const AHEAD: &str = "This page shows a warning in the last 7 days.";

const fn choice(value: &'static str, label: String, explanation: String) -> ExpiryOption {
    ExpiryOption { value, label, explanation, is_chosen: false }
}

/// The option to keep the expiry. A key that never expires has this option only if the policy no longer
/// allows "never".
fn kept(key: &KeyRow, policy: Policy) -> Option<ExpiryOption> {
    let explanation = "The expiration doesn't change.".to_owned();
    let label = match key.terms.expires_at {
        Some(at) => format!("Keep ({})", text::date_and_time(at)),
        None if policy.longest_life.is_some() => "Keep (never)".to_owned(),
        None => return None,
    };
    Some(choice("keep", label, explanation))
}

fn after(value: &'static str, days: u32, span: &str, remark: &str, now: Timestamp) -> ExpiryOption {
    let end = text::date(now.plus(Duration::from_hours(u64::from(days) * 24)));
    let explanation = format!("Expires {end}. {AHEAD}");
    choice(value, format!("In {span}{remark}"), explanation)
}

/// The last day whose end is within the policy, as `YYYY-MM-DD`. `None` without a limit.
pub(in crate::web::keys) fn latest_day(now: Timestamp, policy: Policy) -> Option<String> {
    let a_day = Duration::from_secs(24 * 3_600 - 1);
    policy.latest_end(now).map(|end| text::day(end.minus(a_day)))
}

/// A sentence about the policy, for the space below the options.
pub(in crate::web::keys) fn policy_text(policy: Policy) -> Option<String> {
    let days = text::count(policy.longest_life?.into(), "day");
    Some(format!("Keys in this workspace expire within {days}."))
}
