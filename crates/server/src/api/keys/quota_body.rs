//! Quotas of a key as JSON, and their usage.

use keyrack_key::{Period, Quota, QuotaResource, QuotaState, Quotas};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use keyrack_core::Invalid;
use keyrack_core::times::rfc3339;

/// A quota: at most `limit` predictions, images, or training runs in each calendar day or month (UTC). A key has at
/// most one quota of each kind and period. The server responds to further requests with 429, `quota_exceeded`, and
/// `Retry-After`, and to counted requests with the remaining number in `RateLimit`. Denied requests don't count.
/// Requests whose client disconnects before the response do. All secrets of a key share the quota. Restarts keep the
/// counts. A key can't grant a higher quota than its own.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Quota)]
pub struct QuotaBody {
    /// `predictions`, `images` (added to datasets), or `trainings` (started training runs).
    #[schema(value_type = crate::api::schema::QuotaKind)]
    of: String,
    /// The limit. A new limit applies immediately and doesn't reset the usage.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000_000, example = 1_000)]
    limit: Number,
    /// `day` or `month`.
    #[schema(value_type = crate::api::schema::QuotaPeriod)]
    per: String,
}

/// The usage of a quota in the current period.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotaUsage {
    /// `predictions`, `images`, or `trainings`.
    #[schema(value_type = crate::api::schema::QuotaKind)]
    of: &'static str,
    #[schema(example = 1_000)]
    limit: u32,
    /// `day` or `month`.
    #[schema(value_type = crate::api::schema::QuotaPeriod)]
    per: &'static str,
    /// The usage in the current day or month.
    #[schema(example = 387)]
    used: u32,
    #[schema(example = 613)]
    remaining: u32,
    /// When the next period starts.
    #[schema(format = DateTime, example = "2027-01-01T00:00:00Z")]
    resets_at: String,
}

const FIELD: &str = "restrictions.quotas";

impl QuotaBody {
    /// Returns `None` if there are no quotas.
    pub(super) fn list(quotas: &Quotas) -> Option<Vec<Self>> {
        let fields = |quota: Quota| Self {
            of: quota.of.name().to_owned(),
            limit: quota.limit.get().into(),
            per: quota.per.name().to_owned(),
        };
        (!quotas.is_empty()).then(|| quotas.iter().map(fields).collect())
    }

    /// Parses all quotas. Adds the first invalid quota to `invalid` and returns no quotas.
    pub(super) fn parse_all(list: Vec<Self>, invalid: &mut Invalid) -> Quotas {
        invalid.take(FIELD, parse_each(list)).unwrap_or_default()
    }

    fn parse(self) -> Result<Quota, String> {
        let of = self.of.parse::<QuotaResource>().map_err(|error| format!("of: {error}"))?;
        let per = self.per.parse::<Period>().map_err(|error| format!("per: {error}"))?;
        // 0 is out of range, so numbers that don't fit become 0.
        let limit = self.limit.as_u64().and_then(|limit| u32::try_from(limit).ok()).unwrap_or(0);
        Quota::new(of, limit, per).map_err(|error| format!("limit: {error}"))
    }
}

fn parse_each(list: Vec<QuotaBody>) -> Result<Quotas, String> {
    let mut quotas = Quotas::NONE;
    for (place, fields) in list.into_iter().enumerate() {
        let one = fields.parse().and_then(|quota| quotas.add(quota).map_err(|twice| twice.to_string()));
        one.map_err(|expected| format!("Item {}: {expected}", place + 1))?;
    }
    Ok(quotas)
}

impl From<QuotaState> for QuotaUsage {
    fn from(standing: QuotaState) -> Self {
        Self {
            of: standing.quota.of.name(),
            limit: standing.quota.limit.get(),
            per: standing.quota.per.name(),
            used: standing.used,
            remaining: standing.left(),
            resets_at: rfc3339(standing.window.end),
        }
    }
}
