//! What a node tells of the use of keys.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keyrack_key::{Digest, Exposure, Hint, KeyId, WorkspaceId};
use keyrack_rack::{Calls, LastUse, Outcome, Seen, Used, Words};
use serde::{Deserialize, Serialize};

use super::{Unreadable, bytes, time, time_text, word};

/// What keys were used for on a node since its last batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodeUsageReport))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Uses {
    /// The number of the batch, from 1. One that was taken before is not counted again.
    #[cfg_attr(feature = "openapi", schema(example = 1, minimum = 1))]
    pub batch: u64,
    /// Up to 500 keys.
    #[cfg_attr(feature = "openapi", schema(example = json!([])))]
    pub keys: Vec<KeyUses>,
    /// Who called: up to 500 callers.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = json!([])))]
    pub callers: Vec<Called>,
}

/// Calls of one caller that ended in one way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodeCaller))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Called {
    /// The key's id.
    pub key: String,
    /// The last four characters of the secret.
    pub secret: String,
    /// From where, if known.
    #[serde(default)]
    pub address: Option<String>,
    /// The page that called; empty where none did.
    #[serde(default)]
    pub origin: String,
    /// The program, as it calls itself.
    #[serde(default)]
    pub agent: String,
    /// Where others can read the secret that came along: `browser` or `url`; left out or empty: nowhere.
    // Not said where there is nothing to say: servers of before do not know the word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub exposure: String,
    /// What was asked for.
    #[serde(default)]
    pub permission: Option<String>,
    /// The code of the refusal; null where it was let through.
    #[serde(default)]
    pub refused: Option<String>,
    /// When the first of them came.
    pub first: String,
    /// When the last of them came.
    pub last: String,
    /// How many they are.
    pub calls: u32,
}

/// What one secret of a key was used for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodeKeyUsage))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyUses {
    /// The key's id.
    pub key: String,
    /// Which of its secrets: SHA-256, in Base64. Left out: it is not told.
    #[serde(default)]
    pub secret: Option<String>,
    /// How its checks ended.
    pub counts: Vec<Count>,
    /// Its last use, if one was let through.
    #[serde(default)]
    pub last: Option<Last>,
    /// Where others could read the secret. Left out where nobody could.
    // Servers of before do not know the word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<SeenAt>,
}

/// Where others could read a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeenAt {
    /// The last four characters of the secret.
    pub secret: String,
    /// `browser` or `url`.
    pub exposure: String,
    /// The page that called; empty where none did.
    #[serde(default)]
    pub origin: String,
    /// When it was first seen there since the last batch.
    pub at: String,
}

/// How often checks ended in one way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CheckCount))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Count {
    /// What was asked for.
    #[serde(default)]
    pub permission: Option<String>,
    /// The code of the refusal; null where it was let through.
    #[serde(default)]
    pub refused: Option<String>,
    /// How often.
    pub checks: u32,
}

/// The last use of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodeKeyLastUse))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Last {
    /// When.
    pub at: String,
    /// From where, if known.
    #[serde(default)]
    pub address: Option<String>,
    /// What for.
    #[serde(default)]
    pub permission: Option<String>,
    /// The program, as it calls itself.
    #[serde(default)]
    pub agent: String,
}

impl From<&Used> for KeyUses {
    fn from(used: &Used) -> Self {
        let name = |permission: keyrack_key::Permission| permission.name().to_owned();
        let count = |(outcome, checks): &(Outcome, u32)| Count {
            permission: outcome.permission.map(name),
            refused: outcome.refused.map(str::to_owned),
            checks: *checks,
        };
        Self {
            key: used.key.to_string(),
            secret: used.secret.map(|digest| BASE64_STANDARD.encode(digest.as_bytes())),
            counts: used.counts.iter().map(count).collect(),
            last: used.last.as_ref().map(|last| Last {
                at: time_text(last.at),
                address: last.address.map(|address| address.to_string()),
                permission: last.permission.map(name),
                agent: last.agent().to_owned(),
            }),
            seen: used.seen.iter().map(SeenAt::from).collect(),
        }
    }
}

impl TryFrom<&KeyUses> for Used {
    type Error = Unreadable;

    fn try_from(uses: &KeyUses) -> Result<Self, Unreadable> {
        let permission =
            |name: &Option<String>| name.as_ref().map(|name| word(name, "a permission")).transpose();
        let count = |count: &Count| {
            let outcome = Outcome::named(permission(&count.permission)?, count.refused.as_deref());
            Ok((outcome.ok_or(Unreadable("the end of a check"))?, count.checks))
        };
        let secret = uses.secret.as_ref().map(|text| bytes(text, "a digest"));
        let last = |last: &Last| {
            let address = last.address.as_ref().map(|text| word(text, "an address")).transpose()?;
            Ok(LastUse::new(time(&last.at)?, address, permission(&last.permission)?, last.agent.as_bytes()))
        };
        Ok(Self {
            key: word::<KeyId>(&uses.key, "a key")?,
            secret: secret.transpose()?.map(Digest::from_bytes),
            counts: uses.counts.iter().map(count).collect::<Result<_, _>>()?,
            last: uses.last.as_ref().map(last).transpose()?,
            seen: uses.seen.iter().map(Seen::try_from).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Seen> for SeenAt {
    fn from(seen: &Seen) -> Self {
        Self {
            secret: seen.hint.to_string(),
            exposure: seen.exposure.name().to_owned(),
            origin: seen.origin.as_str().to_owned(),
            at: time_text(seen.at),
        }
    }
}

impl TryFrom<&SeenAt> for Seen {
    type Error = Unreadable;

    fn try_from(seen: &SeenAt) -> Result<Self, Unreadable> {
        let exposure: Exposure = word(&seen.exposure, "an exposure")?;
        if exposure == Exposure::None {
            return Err(Unreadable("an exposure"));
        }
        Ok(Self {
            hint: Hint::parse(&seen.secret).ok_or(Unreadable("the end of a secret"))?,
            exposure,
            origin: Words::new(seen.origin.as_bytes()),
            at: time(&seen.at)?,
        })
    }
}

impl From<&Calls> for Called {
    fn from(calls: &Calls) -> Self {
        Self {
            key: calls.key.to_string(),
            secret: calls.hint.to_string(),
            address: calls.address.map(|address| address.to_string()),
            origin: calls.origin.as_str().to_owned(),
            agent: calls.agent.as_str().to_owned(),
            exposure: calls.exposure.name().to_owned(),
            permission: calls.outcome.permission.map(|permission| permission.name().to_owned()),
            refused: calls.outcome.refused.map(str::to_owned),
            first: time_text(calls.first),
            last: time_text(calls.last),
            calls: calls.number,
        }
    }
}

impl Called {
    /// The calls as they are counted, of a key of `workspace`.
    pub fn calls(&self, workspace: WorkspaceId) -> Result<Calls, Unreadable> {
        let permission = self.permission.as_ref().map(|name| word(name, "a permission")).transpose()?;
        let outcome = Outcome::named(permission, self.refused.as_deref());
        let (first, last) = (time(&self.first)?, time(&self.last)?);
        if self.calls == 0 || first > last {
            return Err(Unreadable("calls"));
        }
        Ok(Calls {
            workspace,
            key: word::<KeyId>(&self.key, "a key")?,
            hint: Hint::parse(&self.secret).ok_or(Unreadable("the end of a secret"))?,
            address: self.address.as_ref().map(|text| word(text, "an address")).transpose()?,
            origin: Words::new(self.origin.as_bytes()),
            agent: Words::new(self.agent.as_bytes()),
            exposure: word::<Exposure>(&self.exposure, "an exposure")?,
            outcome: outcome.ok_or(Unreadable("the end of a check"))?,
            first,
            last,
            number: self.calls,
        })
    }
}
