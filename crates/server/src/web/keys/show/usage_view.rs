//! The usage of a key.

use crate::web::charts::Chart;
use crate::web::text::DisplayTime;

/// The usage of a key on its page.
#[derive(Clone, Debug)]
pub(crate) struct KeyUsage {
    /// The requests in the selected period, by permission. `None` without requests.
    pub(crate) chart: Option<Chart>,
    /// The text without requests, such as "Not used in the last 30 days."
    pub(crate) empty_text: String,
    /// Links for the periods.
    pub(crate) periods: Vec<FilterLink>,
    /// The value of the selected period in the query.
    pub(crate) period: &'static str,
    /// Links for the permissions. Empty if there is nothing to choose.
    pub(crate) permissions: Vec<FilterLink>,
    pub(crate) callers: Vec<CallerSummary>,
    /// The URL of further callers. `None` on the last page.
    pub(crate) more_callers: Option<String>,
    pub(crate) refusals: Vec<DenialRow>,
    /// The period of the callers, such as "30 days".
    pub(crate) window: String,
}

/// A link that selects a part of the usage. On a narrow screen, an option of a list.
#[derive(Clone, Debug)]
pub(crate) struct FilterLink {
    pub(crate) label: String,
    /// The value in the query.
    pub(crate) value: &'static str,
    pub(crate) url: String,
    pub(crate) current: bool,
}

/// A caller of the key.
#[derive(Clone, Debug)]
pub(crate) struct CallerSummary {
    /// The address or the network, such as "203.0.113.9", "203.0.113.0/24", or "other callers".
    pub(crate) from: String,
    /// The web origin. May be empty.
    pub(crate) origin: String,
    /// The user agent. May be empty.
    pub(crate) agent: String,
    /// The hint of the secret, such as "…9fQ2".
    pub(crate) secret: String,
    /// "old secret" or "revoked secret". Empty for the current secret.
    pub(crate) secret_state: &'static str,
    /// The permission, such as "models:predict". Empty if the caller only verified the key.
    pub(crate) permission: &'static str,
    pub(crate) allowed: String,
    /// The denied requests, such as "24 denied: rate limit exceeded". Empty without denied requests.
    pub(crate) denied: String,
    pub(crate) last: DisplayTime,
    pub(crate) first: DisplayTime,
}

/// A denied request.
#[derive(Clone, Debug)]
pub(crate) struct DenialRow {
    pub(crate) when: DisplayTime,
    /// The reason, such as "IP address not allowed".
    pub(crate) why: String,
    /// The method and the route, such as "POST /api/v1/predict/classify/{model_id}".
    pub(crate) what: String,
    pub(crate) from: String,
    /// The URL of the explanation.
    pub(crate) url: String,
}

/// A recommendation with its button.
#[derive(Clone, Debug)]
pub(crate) struct RecommendationRow {
    pub(crate) code: &'static str,
    pub(crate) text: String,
    pub(crate) urgent: bool,
    /// The label of the button, such as "Change to Inference".
    pub(crate) label: &'static str,
    /// The target of the button. `None` if the button applies the recommendation directly.
    pub(crate) url: Option<String>,
}
