//! What a node does while it cannot reach its server.

use std::str::FromStr;
use std::time::Duration;

/// What a node does while it cannot reach its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenCutOff {
    /// Denies every request with status 503 when the lease ends, a few seconds after the last contact. A
    /// deletion is confirmed by then.
    Refuse,
    /// Continues with the known keys for this long, up to one hour. A deletion in this time is reported as
    /// unconfirmed, with the latest time at which the node can still accept the key.
    ServeFor(Duration),
}

impl Default for WhenCutOff {
    /// One minute, so that a restart of the server does not interrupt the service.
    fn default() -> Self {
        Self::ServeFor(Duration::from_mins(1))
    }
}

/// The text is not a valid [`WhenCutOff`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected refuse, or serve-for= and up to 3600 seconds, such as serve-for=60s")]
pub struct UnknownChoice;

impl FromStr for WhenCutOff {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<Self, UnknownChoice> {
        if text == "refuse" {
            return Ok(Self::Refuse);
        }
        let seconds = text.strip_prefix("serve-for=").and_then(|rest| rest.strip_suffix('s'));
        let seconds = seconds.and_then(|digits| digits.parse().ok()).filter(|seconds| *seconds <= 3_600);
        seconds.map(|seconds| Self::ServeFor(Duration::from_secs(seconds))).ok_or(UnknownChoice)
    }
}
