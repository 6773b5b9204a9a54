//! The limits of a key: their fields, and how it stands with its quotas.

use super::{Field, Moment};

/// The fields that limit a key. All may be left empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct LimitFields {
    /// POST `rate_requests`, `rate_every`, `rate_unit`
    pub(crate) rate: RateFields,
    /// POST `visitor_requests`, `visitor_every`, `visitor_unit`
    pub(crate) visitor: RateFields,
    pub(crate) quotas: Vec<QuotaRow>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct RateFields {
    /// A whole number; empty for no limit.
    pub(crate) requests: Field,
    /// A whole number of `unit`; empty for one.
    pub(crate) every: Field,
    /// `second`, `minute` (also when the value is empty), `hour`.
    pub(crate) unit: String,
}

/// The quotas of one kind.
#[derive(Clone, Debug)]
pub(crate) struct QuotaRow {
    /// "Predictions"
    pub(crate) label: &'static str,
    /// Whether it counts predictions, which is all that a public key does.
    pub(crate) predicts: bool,
    /// A day's and a month's.
    pub(crate) fields: [QuotaFields; 2],
}

#[derive(Clone, Debug)]
pub(crate) struct QuotaFields {
    /// POST `predictions_day` and so on: a whole number; empty for no limit.
    pub(crate) name: &'static str,
    /// `day`, `month`
    pub(crate) per: &'static str,
    pub(crate) field: Field,
}

/// How a key stands with a quota.
pub(crate) struct QuotaBar {
    /// "Predictions today"
    pub(crate) label: String,
    pub(crate) used: u32,
    pub(crate) limit: u32,
    pub(crate) left: u32,
    /// When there is all of it again.
    pub(crate) resets: Moment,
}

impl LimitFields {
    /// Whether any limit is set.
    pub(crate) fn are_set(&self) -> bool {
        self.all().any(|field| !field.value.is_empty())
    }

    /// Whether something was set or is wrong.
    pub(crate) fn are_touched(&self) -> bool {
        self.are_set()
            || self.all().chain([&self.rate.every, &self.visitor.every]).any(|field| field.error.is_some())
    }

    /// Each field without which its limit is none.
    fn all(&self) -> impl Iterator<Item = &Field> {
        let quotas = self.quotas.iter().flat_map(|row| &row.fields).map(|quota| &quota.field);
        [&self.rate.requests, &self.visitor.requests].into_iter().chain(quotas)
    }
}

impl RateFields {
    /// Whether the time of the rate is counted in `unit`.
    pub(crate) fn is_by(&self, unit: &str) -> bool {
        self.unit == unit || (self.unit.is_empty() && unit == "minute")
    }
}
