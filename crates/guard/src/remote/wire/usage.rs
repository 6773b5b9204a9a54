//! The usage reports of a node.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keyrack_key::{Digest, Exposure, Hint, KeyId, WorkspaceId};
use keyrack_rack::{CallGroup, LastUse, Outcome, SanitizedText, SecretExposure, SecretUsage};
use serde::{Deserialize, Serialize};

use super::{WireError, bytes, time, time_text, word};

/// The usage of keys on a node since the previous report.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeUsageReport {
    /// The number of the report, from 1. The server ignores a number that it already has.
    #[cfg_attr(feature = "openapi", schema(example = 1, minimum = 1))]
    pub batch: u64,
    /// The usage of up to 500 secrets.
    #[cfg_attr(feature = "openapi", schema(example = json!([])))]
    pub keys: Vec<NodeKeyUsage>,
    /// Up to 500 callers.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = json!([])))]
    pub callers: Vec<NodeCaller>,
}

/// Requests of one caller that had the same outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeCaller {
    /// The id of the key.
    pub key: String,
    /// The last four characters of the secret.
    pub hint: String,
    /// The address of the client; null if it is unknown.
    #[serde(default)]
    pub address: Option<String>,
    /// The origin of the page that sent the requests; empty if there was none.
    #[serde(default)]
    pub origin: String,
    /// The `User-Agent` header; empty if there was none.
    #[serde(default)]
    pub agent: String,
    /// Where others can read the secret: `browser` or `url`. Missing or empty if nowhere.
    // Older servers do not know the field.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub exposure: String,
    /// The permission that the route required; null if any valid key was enough.
    #[serde(default)]
    pub permission: Option<String>,
    /// The code of the denial; null if the requests were allowed.
    #[serde(default)]
    pub denied: Option<String>,
    /// The time of the first request.
    pub first: String,
    /// The time of the last request.
    pub last: String,
    /// The number of requests.
    pub calls: u32,
}

/// The usage of one secret of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeKeyUsage {
    /// The id of the key.
    pub key: String,
    /// SHA-256 of the secret, in Base64; null if the node does not report it.
    #[serde(default)]
    pub secret: Option<String>,
    /// The number of checks for each outcome.
    pub counts: Vec<CheckCount>,
    /// The last allowed request; null if no request was allowed.
    #[serde(default)]
    pub last: Option<NodeKeyLastUse>,
    /// The exposures of the secret. Missing if there were none.
    // Older servers do not know the field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exposures: Vec<NodeKeyExposure>,
}

/// An exposure of a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeKeyExposure {
    /// The last four characters of the secret.
    pub hint: String,
    /// Where others can read the secret: `browser` or `url`.
    pub exposure: String,
    /// The origin of the page that sent the secret; empty if unknown.
    #[serde(default)]
    pub origin: String,
    /// The time of the first exposure since the previous report.
    pub at: String,
}

/// The number of checks with one outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckCount {
    /// The permission that the route required; null if any valid key was enough.
    #[serde(default)]
    pub permission: Option<String>,
    /// The code of the denial; null if the requests were allowed.
    #[serde(default)]
    pub denied: Option<String>,
    /// The number of checks.
    pub checks: u32,
}

/// The last allowed request with a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeKeyLastUse {
    /// The time of the request.
    pub at: String,
    /// The address of the client; null if it is unknown.
    #[serde(default)]
    pub address: Option<String>,
    /// The permission that the route required, if any.
    #[serde(default)]
    pub permission: Option<String>,
    /// The `User-Agent` header; empty if there was none.
    #[serde(default)]
    pub agent: String,
}

impl From<&SecretUsage> for NodeKeyUsage {
    fn from(used: &SecretUsage) -> Self {
        let name = |permission: keyrack_key::Permission| permission.name().to_owned();
        let count = |(outcome, checks): &(Outcome, u32)| CheckCount {
            permission: outcome.permission.map(name),
            denied: outcome.denied.map(str::to_owned),
            checks: *checks,
        };
        Self {
            key: used.key.to_string(),
            secret: used.secret.map(|digest| BASE64_STANDARD.encode(digest.as_bytes())),
            counts: used.counts.iter().map(count).collect(),
            last: used.last.as_ref().map(|last| NodeKeyLastUse {
                at: time_text(last.at),
                address: last.address.map(|address| address.to_string()),
                permission: last.permission.map(name),
                agent: last.agent().to_owned(),
            }),
            exposures: used.exposures.iter().map(NodeKeyExposure::from).collect(),
        }
    }
}

impl TryFrom<&NodeKeyUsage> for SecretUsage {
    type Error = WireError;

    fn try_from(uses: &NodeKeyUsage) -> Result<Self, WireError> {
        let permission =
            |name: &Option<String>| name.as_ref().map(|name| word(name, "a permission")).transpose();
        let count = |count: &CheckCount| {
            let outcome = Outcome::from_names(permission(&count.permission)?, count.denied.as_deref());
            Ok((outcome.ok_or(WireError("the end of a check"))?, count.checks))
        };
        let secret = uses.secret.as_ref().map(|text| bytes(text, "a digest"));
        let last = |last: &NodeKeyLastUse| {
            let address = last.address.as_ref().map(|text| word(text, "an address")).transpose()?;
            Ok(LastUse::new(time(&last.at)?, address, permission(&last.permission)?, last.agent.as_bytes()))
        };
        Ok(Self {
            key: word::<KeyId>(&uses.key, "a key")?,
            secret: secret.transpose()?.map(Digest::from_bytes),
            counts: uses.counts.iter().map(count).collect::<Result<_, _>>()?,
            last: uses.last.as_ref().map(last).transpose()?,
            exposures: uses.exposures.iter().map(SecretExposure::try_from).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&SecretExposure> for NodeKeyExposure {
    fn from(seen: &SecretExposure) -> Self {
        Self {
            hint: seen.hint.to_string(),
            exposure: seen.exposure.name().to_owned(),
            origin: seen.origin.as_str().to_owned(),
            at: time_text(seen.at),
        }
    }
}

impl TryFrom<&NodeKeyExposure> for SecretExposure {
    type Error = WireError;

    fn try_from(seen: &NodeKeyExposure) -> Result<Self, WireError> {
        let exposure: Exposure = word(&seen.exposure, "an exposure")?;
        if exposure == Exposure::None {
            return Err(WireError("an exposure"));
        }
        Ok(Self {
            hint: Hint::parse(&seen.hint).ok_or(WireError("the end of a secret"))?,
            exposure,
            origin: SanitizedText::new(seen.origin.as_bytes()),
            at: time(&seen.at)?,
        })
    }
}

impl From<&CallGroup> for NodeCaller {
    fn from(calls: &CallGroup) -> Self {
        Self {
            key: calls.key.to_string(),
            hint: calls.hint.to_string(),
            address: calls.address.map(|address| address.to_string()),
            origin: calls.origin.as_str().to_owned(),
            agent: calls.agent.as_str().to_owned(),
            exposure: calls.exposure.name().to_owned(),
            permission: calls.outcome.permission.map(|permission| permission.name().to_owned()),
            denied: calls.outcome.denied.map(str::to_owned),
            first: time_text(calls.first),
            last: time_text(calls.last),
            calls: calls.count,
        }
    }
}

impl NodeCaller {
    /// Converts to the form in which the store counts requests. `workspace` is the workspace of the key.
    pub fn calls(&self, workspace: WorkspaceId) -> Result<CallGroup, WireError> {
        let permission = self.permission.as_ref().map(|name| word(name, "a permission")).transpose()?;
        let outcome = Outcome::from_names(permission, self.denied.as_deref());
        let (first, last) = (time(&self.first)?, time(&self.last)?);
        if self.calls == 0 || first > last {
            return Err(WireError("calls"));
        }
        Ok(CallGroup {
            workspace,
            key: word::<KeyId>(&self.key, "a key")?,
            hint: Hint::parse(&self.hint).ok_or(WireError("the end of a secret"))?,
            address: self.address.as_ref().map(|text| word(text, "an address")).transpose()?,
            origin: SanitizedText::new(self.origin.as_bytes()),
            agent: SanitizedText::new(self.agent.as_bytes()),
            exposure: word::<Exposure>(&self.exposure, "an exposure")?,
            outcome: outcome.ok_or(WireError("the end of a check"))?,
            first,
            last,
            count: self.calls,
        })
    }
}
