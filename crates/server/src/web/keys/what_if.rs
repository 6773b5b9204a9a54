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
    /// A summary such as "0 of 41,203 calls in 30 days would have been refused."
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
        0 => format!("There were no calls in {days}, so it would have refused none."),
        calls => format!(
            "{} of {} in {days} would have been refused.",
            grouped(what.denied),
            counted(calls, "call")
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
        "models" => "open more models".to_owned(),
        "maxImageBytes" => "send larger images".to_owned(),
        "visitorRate" => "be used more often by each visitor".to_owned(),
        "networks" => "be used from more networks".to_owned(),
        "origins" => "be used from more origins".to_owned(),
        "rate" => "be used more often".to_owned(),
        "expiresAt" => "work for longer".to_owned(),
        other => format!("do more than its {other} allow now"),
    };
    permits
        .iter()
        .map(|one| Permission::phrase(one).to_owned())
        .chain(widens.iter().map(restriction))
        .collect()
}

fn callers(what: &ChangePreview) -> Vec<(String, String)> {
    let named = what.callers.iter().take(MOST).map(|one| {
        let who = [text::caller_address(&one.caller), one.caller.origin.clone(), one.caller.agent.clone()];
        let who: Vec<_> = who.into_iter().filter(|part| !part.is_empty()).collect();
        let calls = match (one.denied, one.unknown) {
            (denied, 0) => counted(denied, "call"),
            (0, unknown) => format!("{}, which cannot be known", counted(unknown, "call")),
            (denied, unknown) => {
                format!("{}, and {} of which it cannot be known", counted(denied, "call"), grouped(unknown))
            }
        };
        (who.join(", "), calls)
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
            "Of {} it cannot be known: where they came from was not recorded precisely enough.",
            counted(what.unknown, "call")
        ));
    }
    match what.above_rate {
        Some(0) => {
            notes.push("As far as hours can tell, no call came too fast for the new limit.".to_owned());
        }
        Some(calls) => {
            notes.push(format!("At least {} came too fast for the new limit.", counted(calls, "call")));
        }
        None => {}
    }
    for name in &what.unrecorded {
        let name = match name.as_str() {
            "visitorRate" => "rate of each visitor",
            "maxImageBytes" => "largest image",
            other => other,
        };
        notes.push(format!("What the new {name} would have refused cannot be known: it is not recorded."));
    }
    notes
}
