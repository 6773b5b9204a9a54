//! The effect of a change on past requests, as the page describes it.

use keyrack_core::keys::preview::ChangePreview;
use keyrack_core::numbers::{counted, grouped};
use keyrack_key::{Permission, Permissions};

use crate::web::text;

/// The largest number of callers that are listed.
const MOST: usize = 5;

/// The effect of a change on past requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct WhatIfPanel {
    /// A summary such as "0 of 41,203 calls in 30 days would have been denied."
    pub(crate) summary: String,
    /// Whether any request would have been denied.
    pub(crate) has_denials: bool,
    /// The new abilities, such as "upload datasets".
    pub(crate) permits: Vec<String>,
    /// The affected callers and their requests, such as "203.0.113.9, camera/3" and "12 calls".
    pub(crate) callers: Vec<(String, String)>,
    /// Further remarks, such as what cannot be computed.
    pub(crate) notes: Vec<String>,
}

/// The panel next to the form.
pub(super) fn panel(what: &ChangePreview) -> WhatIfPanel {
    let days = counted(what.days.into(), "day");
    let summary = match what.calls {
        0 => format!("No requests in {days}, so none would have been denied."),
        calls => format!(
            "{} of {} in {days} would have been denied.",
            grouped(what.denied),
            counted(calls, "request")
        ),
    };
    WhatIfPanel {
        summary,
        has_denials: what.denied > 0 || what.above_rate.is_some_and(|calls| calls > 0),
        permits: permits(what.added_permissions, &what.loosened_restrictions),
        callers: callers(what),
        notes: notes(what),
    }
}

/// The new abilities of the key, in words that follow "It would newly be able to".
pub(super) fn permits(permits: Permissions, widens: &[&str]) -> Vec<String> {
    let restriction = |name: &&str| match *name {
        "projects" => "work on more projects".to_owned(),
        "models" => "use more models".to_owned(),
        "maxImageBytes" => "send larger images".to_owned(),
        "visitorRate" => "accept more requests per visitor".to_owned(),
        "networks" => "be used from more IP addresses".to_owned(),
        "origins" => "be used from more origins".to_owned(),
        "rate" => "send more requests".to_owned(),
        "expiresAt" => "work for longer".to_owned(),
        other => format!("do more than its {other} allow today"),
    };
    permits
        .iter()
        .map(|one| Permission::phrase(one).to_owned())
        .chain(widens.iter().map(restriction))
        .collect()
}

fn callers(what: &ChangePreview) -> Vec<(String, String)> {
    let named = what.callers.iter().take(MOST).map(|one| {
        let calls = match (one.denied, one.unknown) {
            (denied, 0) => counted(denied, "request"),
            (0, unknown) => format!("{} that couldn't be checked", counted(unknown, "request")),
            (denied, unknown) => {
                format!("{}, and {} that couldn't be checked", counted(denied, "request"), grouped(unknown))
            }
        };
        (text::caller(&one.caller), calls)
    });
    let more = what.callers.len().saturating_sub(MOST) as u64;
    named
        .chain((more > 0).then(|| (format!("and {}", counted(more, "more caller")), String::new())))
        .collect()
}

fn notes(what: &ChangePreview) -> Vec<String> {
    let mut notes = Vec::new();
    if what.unknown > 0 {
        notes.push(format!(
            "{} couldn't be checked because their exact source wasn't recorded.",
            counted(what.unknown, "request")
        ));
    }
    match what.above_rate {
        Some(0) => {
            notes.push("By hourly totals, no request exceeded the new rate limit.".to_owned());
        }
        Some(calls) => {
            notes.push(format!("At least {} exceeded the new rate limit.", counted(calls, "request")));
        }
        None => {}
    }
    for name in &what.unrecorded {
        let name = match name.as_str() {
            "visitorRate" => "limit per visitor",
            "maxImageBytes" => "maximum image size",
            other => other,
        };
        notes.push(format!("The impact of the new {name} can't be previewed because it isn't recorded."));
    }
    notes
}
