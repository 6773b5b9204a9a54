//! Explains a denied request: the result of each check, the actual and the expected value, and where to change the key.

use keyrack_key::{Only, Pause, Restrictions, Scope};
use keyrack_store::{DeniedRequest, KeyRow};

/// Why a request was denied.
#[derive(Clone, Debug)]
pub struct Explained {
    pub refused: DeniedRequest,
    pub key: KeyRow,
    /// All checks, in their order.
    pub steps: Vec<Step>,
    /// The value that failed the check.
    pub saw: String,
    /// The value that the check expects, from the current state of the key.
    pub expected: String,
    /// What to do about the denial.
    pub advice: &'static str,
    /// Where to change the key.
    pub place: Place,
    /// Whether the request would pass the failed check with the current key. `None` if the record is not sufficient to decide.
    pub passes_now: Option<bool>,
}

/// A check with its result.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub name: &'static str,
    pub result: Result,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Result {
    Passed,
    Failed,
    /// An earlier check failed.
    NotReached,
}

/// The page on which something about a key can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A field of the key's form.
    Field(&'static str),
    /// The details page of the key.
    Key,
    /// The page that rotates the key.
    Rotate,
    /// The page that creates a key.
    New,
}

impl Place {
    /// Returns the path of the page. `base` is the path of the API Keys page.
    pub fn below(self, base: &str, key: keyrack_key::KeyId) -> String {
        match self {
            Self::Field(field) => format!("{base}/{key}/edit#f-{field}"),
            Self::Key => format!("{base}/{key}"),
            Self::Rotate => format!("{base}/{key}/rotate"),
            Self::New => format!("{base}/new"),
        }
    }
}

struct Check {
    name: &'static str,
    codes: &'static [&'static str],
}

/// The checks in the order in which the server makes them. The first check has no codes, because requests with unknown
/// keys are not recorded.
const CHECKS: [Check; 13] = [
    Check { name: "The key is known", codes: &[] },
    Check {
        name: "The key and its secret are alive",
        codes: &["deleted_key", "paused_key", "expired_key", "retired_secret"],
    },
    Check { name: "This server understands the key", codes: &["newer_key"] },
    Check { name: "The network is allowed", codes: &["network_not_allowed"] },
    Check { name: "The origin is allowed", codes: &["origin_not_allowed"] },
    Check { name: "The scopes hold the permission", codes: &["insufficient_scope"] },
    Check { name: "Nobody else can read the key", codes: &["key_in_query", "key_in_browser"] },
    Check { name: "This visitor did not use it too often", codes: &["visitor_rate_limited"] },
    Check { name: "It was not used too often", codes: &["rate_limited"] },
    Check { name: "The caller stated facts only about its own request", codes: &["untrusted_facts"] },
    Check { name: "The key covers what was asked for", codes: &["outside_key", "model_outside_key"] },
    Check { name: "The image is small enough", codes: &["image_too_large_for_key"] },
    Check { name: "There is some of its quota left", codes: &["quota_exceeded"] },
];

impl Explained {
    pub(super) fn of(refused: DeniedRequest, key: KeyRow) -> Self {
        let (saw, expected) = (saw(&refused), expected(&refused, &key));
        let (advice, place) = place_of(&refused.refused);
        let (steps, passes_now) = (steps(&refused.refused), passes_now(&refused, &key));
        Self { refused, key, steps, saw, expected, advice, place, passes_now }
    }

    /// Returns the name of the check that failed.
    pub fn failed(&self) -> &'static str {
        let failed = self.steps.iter().find(|step| step.result == Result::Failed);
        failed.map_or("Another limit of the key", |step| step.name)
    }
}

fn steps(code: &str) -> Vec<Step> {
    let failed = CHECKS.iter().position(|check| check.codes.contains(&code));
    let result = |at: usize| match failed {
        Some(failed) if at == failed => Result::Failed,
        Some(failed) if at > failed => Result::NotReached,
        _ => Result::Passed,
    };
    CHECKS.iter().enumerate().map(|(at, check)| Step { name: check.name, result: result(at) }).collect()
}

fn saw(refused: &DeniedRequest) -> String {
    let permission =
        refused.permission.map_or("no permission in particular".to_owned(), |one| one.to_string());
    match refused.refused.as_str() {
        "network_not_allowed" => {
            refused.address.map_or("an unknown address".to_owned(), |address| address.to_string())
        }
        "origin_not_allowed" => refused.origin.clone().unwrap_or_else(|| "no Origin header".to_owned()),
        "insufficient_scope" => permission,
        "key_in_query" => "the key in the URL".to_owned(),
        "untrusted_facts" => "a request that stated facts about another request".to_owned(),
        "key_in_browser" => {
            let page = refused.origin.as_deref().unwrap_or("a page of another site");
            format!("the key sent by a browser, from {page}")
        }
        "retired_secret" => "a secret that was replaced, after its time".to_owned(),
        "deleted_key" | "paused_key" | "expired_key" => {
            format!("a request at {}", crate::times::rfc3339(refused.at))
        }
        _ => format!("{} {}", refused.method, refused.route),
    }
}

/// The expected value, from the current state of the key, which may have changed since the denial.
fn expected(refused: &DeniedRequest, key: &KeyRow) -> String {
    let unrestricted = Restrictions::default();
    let own = key.terms.restrictions.as_ref().unwrap_or(&unrestricted);
    match refused.refused.as_str() {
        "network_not_allowed" => these(&own.networks, "any network"),
        "origin_not_allowed" => these(&own.origins, "any origin"),
        "insufficient_scope" => {
            let holding =
                refused.permission.map(|needed| Scope::holding(needed).map(Scope::title).collect::<Vec<_>>());
            let has: Vec<_> = key.scopes.iter().map(Scope::title).collect();
            format!(
                "the scope {}; the key has {}",
                holding.unwrap_or_default().join(" or "),
                has.join(" and ")
            )
        }
        "key_in_query" | "key_in_browser" => "a key that holds Inference alone".to_owned(),
        "untrusted_facts" => "a key with the scope Node in X-Keyrack-Service-Key".to_owned(),
        "retired_secret" => key
            .secrets
            .first()
            .map_or(String::new(), |secret| format!("the secret that ends in {}", secret.hint)),
        "deleted_key" => "a key that was not deleted".to_owned(),
        "paused_key" => match key.terms.pause.map(Pause::ends_at) {
            Some(Some(until)) => format!("a request after {}", crate::times::rfc3339(until)),
            Some(None) => "a key that was resumed".to_owned(),
            None => "any time: the key is not paused any more".to_owned(),
        },
        "expired_key" => match key.terms.expires_at {
            Some(at) => format!("a request before {}", crate::times::rfc3339(at)),
            None => "any time: the key does not expire any more".to_owned(),
        },
        "newer_key" => "a key that this version of the server can read".to_owned(),
        "rate_limited" => match own.rate {
            Some(rate) => format!("at most {rate}"),
            None => "any number of requests".to_owned(),
        },
        "visitor_rate_limited" => match own.visitor_rate {
            Some(rate) => format!("at most {rate} of each visitor"),
            None => "any number of requests".to_owned(),
        },
        "quota_exceeded" => quotas(own),
        "image_too_large_for_key" => match own.max_image_bytes {
            Some(bytes) => format!("an image of at most {bytes} bytes"),
            None => "an image of any size that this server takes".to_owned(),
        },
        "outside_key" => these(&own.projects, "any project"),
        "model_outside_key" => these(&own.models, "any model"),
        _ => "what the key allows".to_owned(),
    }
}

fn quotas(own: &Restrictions) -> String {
    let all: Vec<_> = own.quotas.iter().map(|quota| quota.to_string()).collect();
    if all.is_empty() { "as much as it likes".to_owned() } else { format!("that it may {}", all.join(", ")) }
}

fn these<T: Ord + ToString>(only: &Only<T>, any: &str) -> String {
    let Only::These(these) = only else { return any.to_owned() };
    let named: Vec<_> = these.iter().map(T::to_string).collect();
    if named.is_empty() { "nothing: the list is empty".to_owned() } else { named.join(", ") }
}

/// Returns advice about a denial code, and the page on which to follow the advice.
pub fn place_of(code: &str) -> (&'static str, Place) {
    match code {
        "network_not_allowed" => (
            "If the caller is yours, add its network. If that is the address of your proxy, start Keyrack with --trusted-proxy \
             and this address instead: it then sees who calls.",
            Place::Field("networks"),
        ),
        "origin_not_allowed" => ("If the page is yours, add its origin.", Place::Field("origins")),
        "insufficient_scope" => (
            "If the program needs it, give the key the scope; better, give the program a key of its own.",
            Place::Field("scope"),
        ),
        "key_in_query" => (
            "Send it as Authorization: Bearer or X-Api-Key, and rotate it: the URL was seen by others.",
            Place::Rotate,
        ),
        "key_in_browser" => ("Use a key with Inference alone on pages, and rotate this one.", Place::New),
        "untrusted_facts" => (
            "If this is one of your services, give it a key with the scope Node. If not, someone else is trying your key.",
            Place::New,
        ),
        "retired_secret" => {
            ("Give the program the new secret. If it is lost, rotate once more.", Place::Rotate)
        }
        "deleted_key" => ("A deleted key stays deleted: give the program a new one.", Place::New),
        "paused_key" => ("Resume the key, or wait until the pause ends by itself.", Place::Key),
        "expired_key" => ("Give the key a later expiry.", Place::Field("expiry")),
        "newer_key" => ("Bring every server to the same version.", Place::Key),
        "rate_limited" => ("Send fewer requests at once, or raise the limit.", Place::Field("rate_requests")),
        "visitor_rate_limited" => (
            "Let the page send fewer requests, or raise what each visitor may send.",
            Place::Field("visitor_requests"),
        ),
        "quota_exceeded" => (
            "Wait until the next day or month begins, or raise the quota: that counts at once.",
            Place::Field("predictions_day"),
        ),
        "outside_key" => ("If the program needs it, add the project.", Place::Field("projects")),
        "model_outside_key" => ("If the program needs it, add the model.", Place::Field("models")),
        "image_too_large_for_key" => {
            ("Let the program send smaller images, or raise the largest size.", Place::Field("max_image"))
        }
        _ => ("The page of the key says what narrows it.", Place::Key),
    }
}

/// Decides only from the recorded fields of the request.
fn passes_now(refused: &DeniedRequest, key: &KeyRow) -> Option<bool> {
    if key.deletion.is_some() {
        return Some(false);
    }
    let own = key.terms.restrictions.as_ref()?;
    match refused.refused.as_str() {
        "network_not_allowed" => Some(own.allow_address(refused.address)),
        "origin_not_allowed" => Some(own.allow_origin(refused.origin.as_deref())),
        "insufficient_scope" => refused.permission.map(|needed| key.terms.permissions.contains(needed)),
        "retired_secret" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_stands_where_its_check_stands() {
        let results = |code| steps(code).iter().map(|step| step.result).collect::<Vec<_>>();
        let network = results("network_not_allowed");
        assert_eq!(network[..3], [Result::Passed; 3]);
        assert_eq!(network[3], Result::Failed);
        assert!(network[4..].iter().all(|result| *result == Result::NotReached));
        assert_eq!(results("outside_key")[10], Result::Failed);
        assert!(results("of_a_newer_version").iter().all(|result| *result == Result::Passed));
    }

    /// In the same order as [`keyrack_key::Terms::decide`].
    #[test]
    fn every_reason_that_a_known_key_is_refused_for_has_a_place() {
        for code in
            ["deleted_key", "paused_key", "expired_key", "retired_secret", "newer_key", "network_not_allowed"]
                .into_iter()
                .chain([
                    "origin_not_allowed",
                    "insufficient_scope",
                    "key_in_query",
                    "key_in_browser",
                    "visitor_rate_limited",
                    "rate_limited",
                    "untrusted_facts",
                    "outside_key",
                    "model_outside_key",
                    "image_too_large_for_key",
                    "quota_exceeded",
                ])
        {
            assert!(steps(code).iter().any(|step| step.result == Result::Failed), "{code}");
        }
    }
}
