//! The reasons for denials, as stable codes.

use std::fmt;
use std::str::FromStr;

/// Why a request with an API key was denied. A new reason does not compile until the code that words reasons for clients,
/// pages, and explanations has decided about it: match without a wildcard.
///
/// # Examples
///
/// ```
/// use keyrack_key::DenialReason;
///
/// assert_eq!(DenialReason::Rate.code(), "rate_limited");
/// assert_eq!("rate_limited".parse(), Ok(DenialReason::Rate));
/// assert!("of_a_newer_version".parse::<DenialReason>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DenialReason {
    /// The request has no key.
    Missing,
    /// The request has two different keys.
    Ambiguous,
    /// The string is not a secret.
    Malformed,
    /// The rack may be behind the store.
    Stale,
    /// No key has the secret.
    Unknown,
    /// The secret was replaced, and its overlap is over.
    Retired,
    /// The key was deleted.
    Deleted,
    /// The key is paused.
    Paused,
    /// The key has expired.
    Expired,
    /// A newer version wrote something about the key that this version does not know.
    NotUnderstood,
    /// The key does not allow the client's network.
    Network,
    /// The key does not allow the origin.
    Origin,
    /// The key lacks the permission.
    Permission,
    /// A key that holds more than Inference is in a URL.
    InQuery,
    /// A key that holds more than Inference came from a browser.
    InBrowser,
    /// The visitor exceeds the per-visitor rate limit.
    VisitorRate,
    /// The key exceeds its rate limit.
    Rate,
    /// The holder of the key states facts that only a trusted service may state.
    UntrustedFacts,
    /// The key does not cover the project.
    OutsideProjects,
    /// The key does not cover the model.
    OutsideModels,
    /// The image is larger than the key may send.
    Image,
    /// The quota of the key is used up.
    Quota,
}

/// The code is not known to this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown denial reason")]
pub struct UnknownReason;

impl DenialReason {
    /// All reasons, in the order of the checks.
    pub const ALL: [Self; 22] = [
        Self::Missing,
        Self::Ambiguous,
        Self::Malformed,
        Self::Stale,
        Self::Unknown,
        Self::Retired,
        Self::Deleted,
        Self::Paused,
        Self::Expired,
        Self::NotUnderstood,
        Self::Network,
        Self::Origin,
        Self::Permission,
        Self::InQuery,
        Self::InBrowser,
        Self::VisitorRate,
        Self::Rate,
        Self::UntrustedFacts,
        Self::OutsideProjects,
        Self::OutsideModels,
        Self::Image,
        Self::Quota,
    ];

    /// The stable code in responses, logs, metrics, and the store.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing_key",
            Self::Ambiguous => "ambiguous_key",
            Self::Malformed => "malformed_key",
            Self::Stale => "not_ready",
            Self::Unknown => "unknown_key",
            Self::Retired => "retired_secret",
            Self::Deleted => "deleted_key",
            Self::Paused => "paused_key",
            Self::Expired => "expired_key",
            Self::NotUnderstood => "newer_key",
            Self::Network => "network_not_allowed",
            Self::Origin => "origin_not_allowed",
            Self::Permission => "insufficient_scope",
            Self::InQuery => "key_in_query",
            Self::InBrowser => "key_in_browser",
            Self::VisitorRate => "visitor_rate_limited",
            Self::Rate => "rate_limited",
            Self::UntrustedFacts => "untrusted_facts",
            Self::OutsideProjects => "outside_key",
            Self::OutsideModels => "model_outside_key",
            Self::Image => "image_too_large_for_key",
            Self::Quota => "quota_exceeded",
        }
    }
}

impl FromStr for DenialReason {
    type Err = UnknownReason;

    fn from_str(code: &str) -> Result<Self, UnknownReason> {
        Self::ALL.into_iter().find(|reason| reason.code() == code).ok_or(UnknownReason)
    }
}

impl fmt::Display for DenialReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse_back() {
        for (index, reason) in DenialReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index, "{reason:?} is missing in ALL or out of order");
            assert_eq!(reason.code().parse(), Ok(reason));
        }
    }
}
