//! Formatting of times, numbers, keys, and people for pages.

mod scope;
mod view;

mod limits;

use jiff::tz::TimeZone;
use keyrack_core::keys::Propagation;
use keyrack_core::numbers;
use keyrack_core::times::rfc3339;
use keyrack_key::{Brands, Class, DenialReason as Reason, Hint, Timestamp};
use keyrack_store::{Actor, CallerRow, CallerSource, KeyRow, SecretRow, SecretUsage};
use std::time::Duration;

pub(super) use limits::{counted, in_units, limits, megabytes, quota_bar, restriction_texts};
pub(in crate::web) use scope::ScopeBadge;
pub(in crate::web) use view::{
    Attribution, DisplayTime, ExpiryStatus, LastUsed, PauseSummary, QuotaBar, RestrictionRow, Snippet,
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long before its expiry a key is announced: a day, a week, and 30 days, each with another emphasis.
pub(super) const AHEAD: [Duration; 3] =
    [Duration::from_hours(24), Duration::from_hours(7 * 24), Duration::from_hours(30 * 24)];

/// A relative time such as "2 min ago" or "in 61 days", with the exact time.
pub(super) fn moment(time: Timestamp, now: Timestamp) -> DisplayTime {
    DisplayTime {
        iso: rfc3339(time),
        text: relative(time, now),
        full: format!("{} UTC", format(time, "%-d %b %Y, %H:%M")),
    }
}

/// A time such as "21 Jan 2027, 14:05 UTC".
pub(super) fn date_and_time(time: Timestamp) -> String {
    format!("{} UTC", format(time, "%-d %b %Y, %H:%M"))
}

/// A date such as "21 Jan 2027", in UTC.
pub(super) fn date(time: Timestamp) -> String {
    format(time, "%-d %b %Y")
}

/// A date such as `2027-01-21`, in UTC, for date fields.
pub(super) fn day(time: Timestamp) -> String {
    format(time, "%Y-%m-%d")
}

/// A date without its year, such as "26 Nov", in UTC.
pub(super) fn day_of_month(time: Timestamp) -> String {
    format(time, "%-d %b")
}

/// An hour without its year, such as "26 Nov, 14:00", in UTC.
pub(super) fn hour_of_day(time: Timestamp) -> String {
    format(time, "%-d %b, %H:%M")
}

/// The reason for a denied request in a few words, such as "scope lacks the permission". Unknown codes become words.
pub(super) fn denial_reason(code: &str) -> String {
    let in_words = || code.replace('_', " ");
    let Ok(reason) = code.parse::<Reason>() else { return in_words() };
    match reason {
        Reason::Permission => "permission denied",
        Reason::Network => "IP address not allowed",
        Reason::Origin => "origin not allowed",
        Reason::Rate => "rate limit exceeded",
        Reason::VisitorRate => "limit per visitor exceeded",
        Reason::Quota => "quota exceeded",
        Reason::Deleted => "key deleted",
        Reason::Paused => "key paused",
        Reason::Expired => "key expired",
        Reason::Retired => "old secret revoked",
        Reason::NotUnderstood => "key changed by a newer version",
        Reason::InQuery => "secret key in the URL",
        Reason::InBrowser => "secret key in a browser",
        Reason::Image => "image too large",
        Reason::OutsideModels => "model not allowed",
        Reason::UntrustedFacts => "untrusted facts",
        Reason::OutsideProjects => "project not allowed",
        Reason::Missing | Reason::Ambiguous | Reason::Malformed | Reason::Stale | Reason::Unknown => {
            return in_words();
        }
    }
    .to_owned()
}

/// A sentence about the last use of an old secret. `since` is the time of the rotation.
pub(super) fn still_using(used: Option<&SecretUsage>, since: Timestamp, now: Timestamp) -> String {
    let quiet = |last: Timestamp| now.since(last.max(since)).as_secs() / DAY;
    match used {
        None if quiet(since) == 0 => "Not used since.".to_owned(),
        None => format!("Not used for {}.", count(quiet(since), "day")),
        Some(used) if quiet(used.last.last) > 0 => {
            format!("Not used for {}.", count(quiet(used.last.last), "day"))
        }
        Some(SecretUsage { last, callers }) => {
            let agent = if last.agent.is_empty() { String::new() } else { format!(" ({})", last.agent) };
            let (when, from) = (relative(last.last, now), caller_address(last));
            let others = if *callers > 1 { format!(", one of {callers} callers") } else { String::new() };
            format!("Last used {when}, from {from}{agent}{others}.")
        }
    }
}

fn format(time: Timestamp, pattern: &str) -> String {
    let time = jiff::Timestamp::from_microsecond(time.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.to_zoned(TimeZone::UTC).strftime(pattern).to_string()
}

fn relative(time: Timestamp, now: Timestamp) -> String {
    let ahead = time > now;
    let seconds = if ahead { time.since(now) } else { now.since(time) }.as_secs();
    // Round times in the future, so that a span of 90 days still reads "90 days" a second later.
    let units = |unit| if ahead { (seconds + unit / 2) / unit } else { seconds / unit };
    let span = match seconds {
        0..MINUTE if !ahead => return "just now".to_owned(),
        0..MINUTE => return "in under a minute".to_owned(),
        MINUTE..HOUR => format!("{} min", units(MINUTE)),
        HOUR..DAY => count(units(HOUR), "hour"),
        _ if seconds < 100 * DAY => count(units(DAY), "day"),
        _ if seconds < 700 * DAY => count(units(30 * DAY), "month"),
        _ => count(units(365 * DAY), "year"),
    };
    if ahead { format!("in {span}") } else { format!("{span} ago") }
}

/// A number with its noun, such as "1 key" or "2 keys".
pub(super) fn count(number: u64, what: &str) -> String {
    numbers::counted(number, what)
}

/// A duration such as "3 ms" or "1.2 s".
pub(super) fn short_duration(span: Duration) -> String {
    match span.as_millis() {
        0 => "under 1 ms".to_owned(),
        millis @ 1..1_000 => format!("{millis} ms"),
        _ => format!("{:.1} s", span.as_secs_f64()),
    }
}

/// A sentence on how many nodes have confirmed that a key stopped working, and when the others will stop to accept it.
pub(super) fn removal_status(propagation: &Propagation, now: Timestamp) -> String {
    removal_text(propagation, now, "It no longer works", "the key")
}

/// The text of [`removal_status`] for several keys.
pub(super) fn removal_status_of_keys(propagation: &Propagation, now: Timestamp) -> String {
    removal_text(propagation, now, "They no longer work", "the keys")
}

fn removal_text(propagation: &Propagation, now: Timestamp, effect: &str, what: &str) -> String {
    let Propagation { nodes, unconfirmed, .. } = propagation;
    let noun = if *nodes == 1 { "node" } else { "nodes" };
    let (confirmed, took) = (propagation.confirmed(), short_duration(propagation.took));
    let pending = unconfirmed
        .iter()
        .map(|node| format!("{} stops {} at the latest", node.name, relative(node.until, now)));
    let pending = pending.collect::<Vec<_>>().join(", ");
    match pending.as_str() {
        "" => format!("{effect} anywhere: confirmed on {confirmed} of {nodes} {noun}, {took}."),
        pending => {
            format!(
                "Confirmed on {confirmed} of {nodes} {noun}, {took}. Offline nodes may still accept {what}: {pending}."
            )
        }
    }
}

/// A sentence on how many nodes have confirmed a change that makes a key work.
pub(super) fn change_status(propagation: &Propagation) -> String {
    let (confirmed, took) = (propagation.confirmed(), short_duration(propagation.took));
    let later = if propagation.unconfirmed.is_empty() {
        ""
    } else {
        " Offline nodes get the change when they reconnect."
    };
    format!("Confirmed on {confirmed} of {}, {took}.{later}", count(propagation.nodes.into(), "node"))
}

/// A duration such as "12 s", "2 min 10 s", or "1 h 5 min".
pub(super) fn long_duration(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..MINUTE => format!("{seconds} s"),
        seconds @ MINUTE..HOUR => format!("{} min {} s", seconds / MINUTE, seconds % MINUTE),
        seconds => format!("{} h {} min", seconds / HOUR, seconds % HOUR / MINUTE),
    }
}

/// A size such as "812 bytes", "34 kB", or "1.2 MB".
#[expect(clippy::cast_precision_loss, reason = "one place after the point")]
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => count(bytes, "byte"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ if bytes.is_multiple_of(1_000_000) => format!("{} MB", bytes / 1_000_000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A masked secret such as `kr_sk_…9fQ2`.
pub(super) fn masked(brands: &Brands, class: Class, hint: Hint) -> String {
    format!("{}_{}_…{hint}", brands.current(), class.letters())
}

/// The masked current secret of a key.
pub(super) fn masked_key(brands: &Brands, key: &KeyRow) -> String {
    let current = key.secrets.first();
    current.map_or_else(|| "…".to_owned(), |secret| masked(brands, key.class, secret.hint))
}

/// The whole current text of a publishable key. `None` for a secret key, and for a key from before the store kept the text.
pub(super) fn publishable_key(key: &KeyRow) -> Option<String> {
    key.secrets.first()?.publishable.as_ref().map(ToString::to_string)
}

/// The old secret of a key and the time at which it retires. `None` if no old secret works.
pub(super) fn retiring(key: &KeyRow, now: Timestamp) -> Option<(&SecretRow, Timestamp)> {
    key.retiring_at(now)
}

/// A text such as "…Z7pe works until 22 Nov 2026, 14:05 UTC". `None` if no old secret works.
pub(super) fn retiring_text(key: &KeyRow, now: Timestamp) -> Option<String> {
    retiring(key, now).map(|(secret, at)| format!("…{} works until {}", secret.hint, date_and_time(at)))
}

/// The start and the end of a pause. `None` if the key is not paused.
pub(super) fn paused(key: &KeyRow, now: Timestamp) -> Option<PauseSummary> {
    let paused = key.paused_at(now)?;
    let until = paused.until.map_or("someone resumes it".to_owned(), date_and_time);
    Some(PauseSummary { since: by(&paused.by, paused.at, now), until: format!("until {until}") })
}

/// Who did something, and when. Uses a description if the person or the key has no name any more.
pub(super) fn by(by: &keyrack_store::NamedActor, at: Timestamp, now: Timestamp) -> Attribution {
    let who = match (&by.name, by.actor) {
        (Some(name), _) => name.clone(),
        (None, Actor::Key(_)) => "an API key".to_owned(),
        (None, Actor::Operator) => "CLI".to_owned(),
        (None, Actor::User(_)) => "a former member".to_owned(),
    };
    Attribution { when: moment(at, now), who }
}

/// When, from where, and by which client a key was last used. `None` if it was never used.
pub(super) fn last_used(key: &KeyRow, now: Timestamp) -> Option<LastUsed> {
    let last = key.last_use.as_ref()?;
    Some(LastUsed {
        when: moment(last.at, now),
        from: last.address.map(|address| address.to_string()).unwrap_or_default(),
        agent: last.agent().to_owned(),
    })
}

/// When a key expires, by urgency.
pub(super) fn expires(key: &KeyRow, now: Timestamp) -> ExpiryStatus {
    match key.terms.expires_at {
        None => ExpiryStatus::Never,
        Some(at) if at <= now => ExpiryStatus::Passed(moment(at, now)),
        Some(at) if at.since(now) <= AHEAD[0] => ExpiryStatus::Day(moment(at, now)),
        Some(at) if at.since(now) <= AHEAD[1] => ExpiryStatus::Week(moment(at, now)),
        Some(at) if at.since(now) <= AHEAD[2] => ExpiryStatus::Month(moment(at, now)),
        Some(at) => ExpiryStatus::Later(moment(at, now)),
    }
}

/// The scopes of a key as badges.
pub(super) fn scopes(scopes: keyrack_key::Scopes) -> Vec<ScopeBadge> {
    scopes.iter().map(ScopeBadge::from).collect()
}

impl From<keyrack_key::Scope> for ScopeBadge {
    fn from(scope: keyrack_key::Scope) -> Self {
        match scope {
            keyrack_key::Scope::Project => Self::Project,
            keyrack_key::Scope::Inference => Self::Inference,
            keyrack_key::Scope::Keys => Self::Keys,
            keyrack_key::Scope::Node => Self::Node,
        }
    }
}

/// The address or the network of a caller, as text.
pub fn caller_address(caller: &CallerRow) -> String {
    match &caller.source {
        CallerSource::Address(Some(address)) => address.to_string(),
        CallerSource::Address(None) => "an unknown address".to_owned(),
        CallerSource::Network(network) => network.to_string(),
        CallerSource::Others => "other callers".to_owned(),
    }
}

/// A caller as text, such as "203.0.113.9, https://shop.example, camera/3".
pub(super) fn caller(caller: &CallerRow) -> String {
    let parts = [caller_address(caller), caller.origin.clone(), caller.agent.clone()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
