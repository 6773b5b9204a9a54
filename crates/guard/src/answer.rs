//! Turns a denial into the problem that the client gets, with the status of RFC 6750, section 3.

use http::{StatusCode, header};
use keyrack_key::{Denial, Pause, Period, Permission, Scope};
use keyrack_rack::DeniedCheck;
use serde_json::Value;

use crate::Problem;
use crate::limits::{RATELIMIT, RATELIMIT_POLICY, RateLimitState};

impl Problem {
    /// Creates the problem for `denied`. `manage` is the URL under which a key is edited, without the key's
    /// id. If given, an answer about the rights of a key contains a link to the key.
    pub fn for_denied(denied: &DeniedCheck, manage: Option<&str>) -> Self {
        let denial = denied.denial;
        let problem = Self::new(status(denial), denial.code(), message(denial));
        let problem = limit(challenge(problem, denial), denial);
        match (denial, &denied.key) {
            (
                Denial::Permission(_)
                | Denial::Network
                | Denial::Origin
                | Denial::NotUnderstood
                | Denial::InQuery
                | Denial::InBrowser
                | Denial::Paused(_)
                | Denial::VisitorRate { .. }
                | Denial::Rate { .. }
                | Denial::Image(_)
                | Denial::Quota { .. },
                Some(key),
            ) => {
                let id = key.key.to_string();
                let problem = match manage {
                    Some(base) => problem.with("manage_url", format!("{base}{id}")),
                    None => problem,
                };
                let problem = match denial {
                    Denial::Paused(pause) => problem.with("paused_until", ends_at(pause)),
                    _ => problem,
                };
                problem.with("key", id)
            }
            _ => problem,
        }
    }
}

const fn status(denial: Denial) -> StatusCode {
    match denial {
        Denial::Missing
        | Denial::Malformed(_)
        | Denial::Unknown
        | Denial::Retired(_)
        | Denial::Deleted(_)
        | Denial::Paused(_)
        | Denial::Expired(_) => StatusCode::UNAUTHORIZED,
        Denial::Ambiguous | Denial::InQuery => StatusCode::BAD_REQUEST,
        Denial::NotUnderstood
        | Denial::Network
        | Denial::Origin
        | Denial::InBrowser
        | Denial::Permission(_) => StatusCode::FORBIDDEN,
        Denial::VisitorRate { .. } | Denial::Rate { .. } | Denial::Quota { .. } => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Denial::Image(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Denial::Stale => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Returns the denial as a sentence, with advice on what to do.
fn message(denial: Denial) -> String {
    let advice = match denial {
        Denial::Missing => "Send it as Authorization: Bearer <key> or X-Api-Key: <key>.",
        Denial::Ambiguous => "Send only one.",
        Denial::InQuery => {
            "URLs are logged. Send the key in the Authorization or X-Api-Key header, and rotate it."
        }
        Denial::InBrowser => {
            "Anyone who opens the page can read the key. Use a publishable key there, and rotate this one."
        }
        Denial::Stale | Denial::VisitorRate { wait: 1, .. } | Denial::Rate { wait: 1, .. } => {
            "Try again in a second."
        }
        Denial::Permission(needed) => return lacking(needed),
        Denial::Paused(pause) => return paused(pause),
        Denial::Image(_) => "Send a smaller image.",
        Denial::Quota { per: Period::Day, .. } => "It resets at midnight UTC.",
        Denial::Quota { per: Period::Month, .. } => {
            "It resets on the first day of the next month, at midnight UTC."
        }
        Denial::VisitorRate { wait, .. } | Denial::Rate { wait, .. } => {
            return format!("{denial} Try again in {wait} seconds.");
        }
        Denial::Retired(_) => "Use the new one.",
        Denial::Network => "Add the address to the allowed IP addresses of the key, or use another key.",
        Denial::Origin => "Add the origin to the allowed origins of the key, or use another key.",
        Denial::Unknown => "Check that it is complete, or create a new key.",
        Denial::Deleted(_) | Denial::Expired(_) => "Use another key.",
        Denial::NotUnderstood => "Upgrade this server.",
        Denial::Malformed(_) => return denial.to_string(),
    };
    format!("{denial} {advice}")
}

/// The client that gets this text has the secret, so it may learn the end of the pause.
fn paused(pause: Pause) -> String {
    match pause
        .ends_at()
        .and_then(|end| jiff::Timestamp::from_second(end.micros().div_euclid(1_000_000)).ok())
    {
        Some(end) => format!("This API key is paused until {end}. Use another key, or wait until then."),
        None => "This API key is paused. Resume it, or use another key.".to_owned(),
    }
}

/// Returns the end of the pause (RFC 3339, in UTC); `None` if only a person ends it.
fn ends_at(pause: Pause) -> Option<String> {
    let end = jiff::Timestamp::from_microsecond(pause.ends_at()?.micros()).ok()?;
    Some(end.to_string())
}

fn lacking(needed: Permission) -> String {
    let scopes: Vec<_> = Scope::holding(needed).map(Scope::title).collect();
    format!("This API key doesn't have the {needed} permission. It needs the {} scope.", scopes.join(" or "))
}

fn challenge(problem: Problem, denial: Denial) -> Problem {
    const REALM: &str = "Bearer realm=\"keyrack\"";
    match (denial, status(denial)) {
        // A request without a key gets no error code (RFC 6750, section 3.1).
        (Denial::Missing, _) => problem.header(header::WWW_AUTHENTICATE, REALM),
        (Denial::Permission(needed), _) => {
            let scopes: Vec<_> = Scope::holding(needed).map(Scope::name).collect();
            let value = format!("{REALM}, error=\"insufficient_scope\", scope=\"{}\"", scopes.join(" "));
            problem
                .header(header::WWW_AUTHENTICATE, &value)
                .with("permission", needed.name())
                .with("scopes", scopes.into_iter().map(Value::from).collect::<Value>())
        }
        (_, StatusCode::UNAUTHORIZED) => {
            problem.header(header::WWW_AUTHENTICATE, &format!("{REALM}, error=\"invalid_token\""))
        }
        (_, StatusCode::BAD_REQUEST) => {
            problem.header(header::WWW_AUTHENTICATE, &format!("{REALM}, error=\"invalid_request\""))
        }
        (_, StatusCode::SERVICE_UNAVAILABLE) => problem.header(header::RETRY_AFTER, "1"),
        _ => problem,
    }
}

/// Adds the rate limit headers to a denial because of a limit. `Retry-After` and `t` name the same moment.
fn limit(problem: Problem, denial: Denial) -> Problem {
    let Some(state) = RateLimitState::of_denial(denial) else { return problem };
    problem
        .header(header::RETRY_AFTER, &state.seconds().to_string())
        .header(RATELIMIT_POLICY, &state.policy())
        .header(RATELIMIT, &state.limit())
}
