//! Explains a denied request: the result of each check, the actual and the expected value, and where to change the key.

use keyrack_key::DenialReason as Reason;
use keyrack_key::{Allowlist, Pause, Restrictions, Scope};
use keyrack_store::{DeniedRequest, KeyRow};

/// Why a request was denied.
#[derive(Clone, Debug)]
pub struct DenialExplanation {
    pub denied: DeniedRequest,
    pub key: KeyRow,
    /// All checks, in their order.
    pub checks: Vec<CheckStep>,
    /// The value that failed the check.
    pub actual: String,
    /// The value that the check expects, from the current state of the key.
    pub expected: String,
    /// What to do about the denial.
    pub advice: &'static str,
    /// Where to change the key.
    pub location: EditLocation,
    /// Whether the request would pass the failed check with the current key. `None` if the record is not sufficient to decide.
    pub passes_now: Option<bool>,
}

/// A check with its result.
#[derive(Clone, Copy, Debug)]
pub struct CheckStep {
    pub name: &'static str,
    pub result: CheckOutcome,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    Passed,
    Failed,
    /// An earlier check failed.
    NotReached,
}

/// The page on which something about a key can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditLocation {
    /// A field of the key's form.
    Field(&'static str),
    /// The details page of the key.
    Key,
    /// The page that rotates the key.
    Rotate,
    /// The page that creates a key.
    New,
}

impl EditLocation {
    /// Returns the path of the page. `base` is the path of the API Keys page.
    pub fn path(self, base: &str, key: keyrack_key::KeyId) -> String {
        match self {
            Self::Field(field) => format!("{base}/{key}/edit#f-{field}"),
            Self::Key => format!("{base}/{key}"),
            Self::Rotate => format!("{base}/{key}/rotate"),
            Self::New => format!("{base}/new"),
        }
    }
}

/// The checks in the order in which the server makes them. No recorded request fails the first check, because requests
/// with unknown keys are not recorded.
const CHECKS: [&str; 13] = [
    "Key exists",
    "Key is active",
    "Key version supported",
    "IP address allowed",
    "Origin allowed",
    "Permission granted",
    "Key not exposed",
    "Visitor rate limit",
    "Rate limit",
    "Facts about its own request only",
    "Project and model access",
    "Image size",
    "Quota",
];

/// The index in [`CHECKS`] of the check that failed; `None` if the reason concerns no known key.
const fn failed_check(reason: Reason) -> Option<usize> {
    match reason {
        Reason::Missing | Reason::Ambiguous | Reason::Malformed | Reason::Stale | Reason::Unknown => None,
        Reason::Deleted | Reason::Paused | Reason::Expired | Reason::Retired => Some(1),
        Reason::NotUnderstood => Some(2),
        Reason::Network => Some(3),
        Reason::Origin => Some(4),
        Reason::Permission => Some(5),
        Reason::InQuery | Reason::InBrowser => Some(6),
        Reason::VisitorRate => Some(7),
        Reason::Rate => Some(8),
        Reason::UntrustedFacts => Some(9),
        Reason::OutsideProjects | Reason::OutsideModels => Some(10),
        Reason::Image => Some(11),
        Reason::Quota => Some(12),
    }
}

impl DenialExplanation {
    pub(super) fn of(denied: DeniedRequest, key: KeyRow) -> Self {
        // A newer version may have written a reason that this version does not know.
        let reason = denied.code.parse().ok();
        let (actual_value, expected) = (actual_value(reason, &denied), expected(reason, &denied, &key));
        let (advice, location) = advice_for(reason);
        let (checks, passes_now) = (checks(reason), passes_now(reason, &denied, &key));
        Self { denied, key, checks, actual: actual_value, expected, advice, location, passes_now }
    }

    /// Returns the name of the check that failed.
    pub fn failed_check(&self) -> &'static str {
        let failed = self.checks.iter().find(|check| check.result == CheckOutcome::Failed);
        failed.map_or("Another limit of the key", |check| check.name)
    }
}

fn checks(reason: Option<Reason>) -> Vec<CheckStep> {
    let failed = reason.and_then(failed_check);
    let result = |at: usize| match failed {
        Some(failed) if at == failed => CheckOutcome::Failed,
        Some(failed) if at > failed => CheckOutcome::NotReached,
        _ => CheckOutcome::Passed,
    };
    CHECKS.iter().enumerate().map(|(at, name)| CheckStep { name, result: result(at) }).collect()
}

fn actual_value(reason: Option<Reason>, denied: &DeniedRequest) -> String {
    let request = || format!("{} {}", denied.method, denied.route);
    let Some(reason) = reason else { return request() };
    match reason {
        Reason::Network => {
            denied.address.map_or("Unknown IP address".to_owned(), |address| address.to_string())
        }
        Reason::Origin => denied.origin.clone().unwrap_or_else(|| "No Origin header".to_owned()),
        Reason::Permission => {
            denied.permission.map_or("No specific permission".to_owned(), |one| one.to_string())
        }
        Reason::InQuery => "Key in the URL".to_owned(),
        Reason::UntrustedFacts => "Facts about another request".to_owned(),
        Reason::InBrowser => {
            let page = denied.origin.as_deref().unwrap_or("another site");
            format!("Key sent by a browser, from {page}")
        }
        Reason::Retired => "Old secret key, after its expiration".to_owned(),
        Reason::Deleted | Reason::Paused | Reason::Expired => {
            format!("Request at {}", crate::times::rfc3339(denied.at))
        }
        Reason::NotUnderstood
        | Reason::VisitorRate
        | Reason::Rate
        | Reason::OutsideProjects
        | Reason::OutsideModels
        | Reason::Image
        | Reason::Quota
        | Reason::Missing
        | Reason::Ambiguous
        | Reason::Malformed
        | Reason::Stale
        | Reason::Unknown => request(),
    }
}

/// The expected value, from the current state of the key, which may have changed since the denial.
fn expected(reason: Option<Reason>, denied: &DeniedRequest, key: &KeyRow) -> String {
    const UNKNOWN: &str = "Request that the key allows";
    let Some(reason) = reason else { return UNKNOWN.to_owned() };
    let unrestricted = Restrictions::default();
    let own = key.terms.restrictions.as_ref().unwrap_or(&unrestricted);
    match reason {
        Reason::Network => list_or(&own.networks, "Any IP address"),
        Reason::Origin => list_or(&own.origins, "Any origin"),
        Reason::Permission => {
            let holding =
                denied.permission.map(|needed| Scope::holding(needed).map(Scope::title).collect::<Vec<_>>());
            let has: Vec<_> = key.scopes.iter().map(Scope::title).collect();
            format!("{} scope. This key has {}.", holding.unwrap_or_default().join(" or "), has.join(" and "))
        }
        Reason::InQuery | Reason::InBrowser => "Publishable or Inference-only key".to_owned(),
        Reason::UntrustedFacts => "Key with the Node scope in X-Keyrack-Service-Key".to_owned(),
        Reason::Retired => key
            .secrets
            .first()
            .map_or(String::new(), |secret| format!("Secret key that ends in {}", secret.hint)),
        Reason::Deleted => "Key that isn't deleted".to_owned(),
        Reason::Paused => match key.terms.pause.map(Pause::ends_at) {
            Some(Some(until)) => format!("Request after {}", crate::times::rfc3339(until)),
            Some(None) => "Active key. This key is paused until someone resumes it.".to_owned(),
            None => "Any time. This key is no longer paused.".to_owned(),
        },
        Reason::Expired => match key.terms.expires_at {
            Some(at) => format!("Request before {}", crate::times::rfc3339(at)),
            None => "Any time. This key no longer expires.".to_owned(),
        },
        Reason::NotUnderstood => "Key version that this server supports".to_owned(),
        Reason::Rate => match own.rate {
            Some(rate) => format!("{rate} or fewer"),
            None => "Any number of requests".to_owned(),
        },
        Reason::VisitorRate => match own.visitor_rate {
            Some(rate) => format!("{rate} or fewer from each visitor"),
            None => "Any number of requests".to_owned(),
        },
        Reason::Quota => quotas(own),
        Reason::Image => match own.max_image_bytes {
            Some(bytes) => format!("{bytes} bytes or fewer"),
            None => "Any size up to the server's limit".to_owned(),
        },
        Reason::OutsideProjects => list_or(&own.projects, "Any project"),
        Reason::OutsideModels => list_or(&own.models, "Any model"),
        Reason::Missing | Reason::Ambiguous | Reason::Malformed | Reason::Stale | Reason::Unknown => {
            UNKNOWN.to_owned()
        }
    }
}

fn quotas(own: &Restrictions) -> String {
    let all: Vec<_> = own.quotas.iter().map(|quota| quota.to_string()).collect();
    if all.is_empty() { "No quota".to_owned() } else { all.join(", ") }
}

fn list_or<T: Ord + ToString>(only: &Allowlist<T>, any: &str) -> String {
    let Allowlist::Only(list_or) = only else { return any.to_owned() };
    let named: Vec<_> = list_or.iter().map(T::to_string).collect();
    if named.is_empty() { "None (empty list)".to_owned() } else { named.join(", ") }
}

/// Returns advice about a denial, and the page on which to follow the advice. `None` is a reason that a newer
/// version recorded.
fn advice_for(reason: Option<Reason>) -> (&'static str, EditLocation) {
    const UNKNOWN: (&str, EditLocation) =
        ("See the restrictions and limits on the key's page.", EditLocation::Key);
    let Some(reason) = reason else { return UNKNOWN };
    match reason {
        Reason::Network => (
            "If this is your app, add its IP address to Allowed IP addresses. If it is the address of your \
             proxy, start Keyrack with --trusted-proxy and this address.",
            EditLocation::Field("networks"),
        ),
        Reason::Origin => {
            ("If this is your site, add it to Allowed origins.", EditLocation::Field("origins"))
        }
        Reason::Permission => {
            ("Add the scope to the key, or create a separate key for this app.", EditLocation::Field("scope"))
        }
        Reason::InQuery => (
            "Send the key in the Authorization or X-Api-Key header, and rotate it, because URLs are logged.",
            EditLocation::Rotate,
        ),
        Reason::InBrowser => ("Use a publishable key in browsers, and rotate this one.", EditLocation::New),
        Reason::UntrustedFacts => (
            "If this is one of your services, give it a key with the Node scope. If not, someone else may \
             have this key: rotate it.",
            EditLocation::New,
        ),
        Reason::Retired => ("Use the new secret key. If you lost it, rotate again.", EditLocation::Rotate),
        Reason::Deleted => ("Deleted keys can't be restored. Create a new key.", EditLocation::New),
        Reason::Paused => ("Resume the key, or wait until the pause ends.", EditLocation::Key),
        Reason::Expired => ("Extend the key's expiration.", EditLocation::Field("expiry")),
        Reason::NotUnderstood => ("Upgrade all servers to the same version.", EditLocation::Key),
        Reason::Rate => {
            ("Send requests more slowly, or raise the rate limit.", EditLocation::Field("rate_requests"))
        }
        Reason::VisitorRate => (
            "Send fewer requests from the page, or raise the limit per visitor.",
            EditLocation::Field("visitor_requests"),
        ),
        Reason::Quota => (
            "Wait until the quota resets, or raise it. A raised quota applies immediately.",
            EditLocation::Field("predictions_day"),
        ),
        Reason::OutsideProjects => {
            ("If this app needs it, add the project to the key.", EditLocation::Field("projects"))
        }
        Reason::OutsideModels => {
            ("If this app needs it, add the model to the key.", EditLocation::Field("models"))
        }
        Reason::Image => {
            ("Send smaller images, or raise the key's maximum image size.", EditLocation::Field("max_image"))
        }
        Reason::Missing | Reason::Ambiguous | Reason::Malformed | Reason::Stale | Reason::Unknown => UNKNOWN,
    }
}

/// Decides only from the recorded fields of the request.
fn passes_now(reason: Option<Reason>, denied: &DeniedRequest, key: &KeyRow) -> Option<bool> {
    if key.deletion.is_some() {
        return Some(false);
    }
    let own = key.terms.restrictions.as_ref()?;
    match reason? {
        Reason::Network => Some(own.allow_address(denied.address)),
        Reason::Origin => Some(own.allow_origin(denied.origin.as_deref())),
        Reason::Permission => denied.permission.map(|needed| key.terms.permissions.contains(needed)),
        Reason::Retired => Some(false),
        Reason::Deleted
        | Reason::Paused
        | Reason::Expired
        | Reason::NotUnderstood
        | Reason::InQuery
        | Reason::InBrowser
        | Reason::VisitorRate
        | Reason::Rate
        | Reason::UntrustedFacts
        | Reason::OutsideProjects
        | Reason::OutsideModels
        | Reason::Image
        | Reason::Quota
        | Reason::Missing
        | Reason::Ambiguous
        | Reason::Malformed
        | Reason::Stale
        | Reason::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
