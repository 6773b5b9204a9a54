//! What a node does while it cannot reach its server.

use std::str::FromStr;
use std::time::Duration;

/// What a node does while it cannot reach its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfflinePolicy {
    /// Denies every request with status 503 when the lease ends, a few seconds after the last contact. A
    /// deletion is confirmed by then.
    Deny,
    /// Continues with the known keys for this long, up to one hour. A deletion in this time is reported as
    /// unconfirmed, with the latest time at which the node can still accept the key.
    ServeFor(Duration),
}

impl Default for OfflinePolicy {
    /// One minute, so that a restart of the server does not interrupt the service.
    fn default() -> Self {
        Self::ServeFor(Duration::from_mins(1))
    }
}

/// The text is not a valid [`OfflinePolicy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use deny, or serve-for= and up to 3600 seconds, such as serve-for=60s")]
pub struct OfflinePolicyError;

impl FromStr for OfflinePolicy {
    type Err = OfflinePolicyError;

    fn from_str(text: &str) -> Result<Self, OfflinePolicyError> {
        if text == "deny" {
            return Ok(Self::Deny);
        }
        let seconds = text.strip_prefix("serve-for=").and_then(|rest| rest.strip_suffix('s'));
        let seconds = seconds.and_then(|digits| digits.parse().ok()).filter(|seconds| *seconds <= 3_600);
        seconds.map(|seconds| Self::ServeFor(Duration::from_secs(seconds))).ok_or(OfflinePolicyError)
    }
}
