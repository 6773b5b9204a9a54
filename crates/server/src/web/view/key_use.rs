//! What was seen of a key, as its pages say it.

use super::{Chart, Moment};

/// What a key's own page shows of its use.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// All calls in the time that is looked at, by permission.
    pub(crate) chart: Option<Chart>,
    /// "Not used in the last 30 days."
    pub(crate) nothing: String,
    /// How far back.
    pub(crate) periods: Vec<Choice>,
    /// Which permission; empty where there is nothing to choose.
    pub(crate) permissions: Vec<Choice>,
    pub(crate) callers: Vec<CallerLine>,
    /// The callers before these, if there are more.
    pub(crate) more_callers: Option<String>,
    pub(crate) refusals: Vec<RefusalLine>,
    /// "30 days"
    pub(crate) window: String,
}

/// A link that picks one of several.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) label: String,
    pub(crate) url: String,
    pub(crate) current: bool,
}

/// Somebody who calls.
#[derive(Clone, Debug)]
pub(crate) struct CallerLine {
    /// "203.0.113.9", "203.0.113.0/24", "all others"
    pub(crate) from: String,
    /// May be empty.
    pub(crate) origin: String,
    /// May be empty.
    pub(crate) agent: String,
    /// "…9fQ2"
    pub(crate) secret: String,
    /// "old secret", "ended secret"; empty for the current one.
    pub(crate) secret_says: &'static str,
    /// "models:predict"; empty where nothing in particular was asked for.
    pub(crate) permission: &'static str,
    pub(crate) allowed: String,
    /// "24 refused: too often"; empty where nothing was refused.
    pub(crate) refused: String,
    pub(crate) last: Moment,
    pub(crate) first: Moment,
}

/// A request that was refused.
#[derive(Clone, Debug)]
pub(crate) struct RefusalLine {
    pub(crate) when: Moment,
    /// "network not allowed"
    pub(crate) why: String,
    /// "POST /api/v1/predict/classify/{model_id}"
    pub(crate) what: String,
    pub(crate) from: String,
    /// Where it is explained.
    pub(crate) url: String,
}

/// One thing that would be better, and the click that makes it so.
#[derive(Clone, Debug)]
pub(crate) struct AdviceLine {
    pub(crate) code: &'static str,
    pub(crate) says: String,
    pub(crate) urgent: bool,
    /// "Make it Inference"
    pub(crate) label: &'static str,
    /// Where the click leads; nothing where it does it at once.
    pub(crate) url: Option<String>,
}

/// What a change would have refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct WhatIf {
    /// "0 of 41,203 calls in 30 days would have been refused."
    pub(crate) says: String,
    /// Whether something would have been.
    pub(crate) refuses: bool,
    /// "upload datasets", "use from any network": what it newly permits.
    pub(crate) permits: Vec<String>,
    /// "203.0.113.9, camera/3": "12 calls".
    pub(crate) callers: Vec<(String, String)>,
    /// What cannot be known, and more of the kind.
    pub(crate) notes: Vec<String>,
}
