//! The quotas of a key, as the API reads and shows them.

use keyrack_core::Invalid;
use keyrack_core::times::rfc3339;
use keyrack_key::{Counted, Period, Quota, Quotas, Standing};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

/// At most `limit` of something in each day or month of the calendar: from midnight to midnight, UTC. A key has one for each
/// kind and period at the most. What is beyond is answered 429 with `quota_exceeded` and `Retry-After`, and each answer to
/// counted work says in `RateLimit` what is left. Work that is refused, whatever for, is not counted; work whose answer nobody
/// waited for is. Counted for the key and not for each of its secrets, and kept when the server starts anew. Each key is
/// counted on its own, and hands on no quota that is higher than its own.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Quota)]
pub struct QuotaFields {
    /// `predictions`; `images`, those that become records of a dataset; or `trainings`, those that are begun.
    #[schema(value_type = crate::api::schema::QuotaKind)]
    of: String,
    /// How many, from 1 to 1,000,000,000. Another number counts at once, and what was used stays used.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000_000, example = 1_000)]
    limit: Number,
    /// `day` or `month`.
    #[schema(value_type = crate::api::schema::QuotaPeriod)]
    per: String,
}

/// How a key stands with one of its quotas.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QuotaUsage)]
pub struct QuotaStanding {
    /// `predictions`, `images` or `trainings`.
    #[schema(value_type = crate::api::schema::QuotaKind)]
    of: &'static str,
    #[schema(example = 1_000)]
    limit: u32,
    /// `day` or `month`.
    #[schema(value_type = crate::api::schema::QuotaPeriod)]
    per: &'static str,
    /// In the day or the month that it is.
    #[schema(example = 387)]
    used: u32,
    #[schema(example = 613)]
    remaining: u32,
    /// When the next day or month begins, and there is all of it again.
    #[schema(format = DateTime, example = "2027-01-01T00:00:00Z")]
    resets_at: String,
}

const FIELD: &str = "restrictions.quotas";

impl QuotaFields {
    pub(super) fn of(quotas: &Quotas) -> Option<Vec<Self>> {
        let fields = |quota: Quota| Self {
            of: quota.of.name().to_owned(),
            limit: quota.limit.get().into(),
            per: quota.per.name().to_owned(),
        };
        (!quotas.is_empty()).then(|| quotas.iter().map(fields).collect())
    }

    /// All of them, or what is wrong with the first that is wrong.
    pub(super) fn parse_all(list: Vec<Self>, invalid: &mut Invalid) -> Quotas {
        invalid.take(FIELD, parse_each(list)).unwrap_or_default()
    }

    fn parse(self) -> Result<Quota, String> {
        let of = self.of.parse::<Counted>().map_err(|error| format!("of: {error}"))?;
        let per = self.per.parse::<Period>().map_err(|error| format!("per: {error}"))?;
        // What fits no number is out of every range.
        let limit = self.limit.as_u64().and_then(|limit| u32::try_from(limit).ok()).unwrap_or(0);
        Quota::new(of, limit, per).map_err(|error| format!("limit: {error}"))
    }
}

fn parse_each(list: Vec<QuotaFields>) -> Result<Quotas, String> {
    let mut quotas = Quotas::NONE;
    for (place, fields) in list.into_iter().enumerate() {
        let one = fields.parse().and_then(|quota| quotas.add(quota).map_err(|twice| twice.to_string()));
        one.map_err(|expected| format!("{expected} (number {})", place + 1))?;
    }
    Ok(quotas)
}

impl From<Standing> for QuotaStanding {
    fn from(standing: Standing) -> Self {
        Self {
            of: standing.quota.of.name(),
            limit: standing.quota.limit.get(),
            per: standing.quota.per.name(),
            used: standing.used,
            remaining: standing.left(),
            resets_at: rfc3339(standing.window.ends),
        }
    }
}
