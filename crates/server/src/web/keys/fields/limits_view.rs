//! The fields for the limits of a key, and the usage of its quotas.

use crate::web::form::Field;

/// The fields for the limits of a key. All are optional.
#[derive(Clone, Debug, Default)]
pub(crate) struct LimitFields {
    /// The form fields `rate_requests`, `rate_every`, and `rate_unit`.
    pub(crate) rate: RateInputs,
    /// The form fields `visitor_requests`, `visitor_every`, and `visitor_unit`.
    pub(crate) visitor: RateInputs,
    pub(crate) quotas: Vec<QuotaRow>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct RateInputs {
    /// A whole number. Empty without a limit.
    pub(crate) requests: Field,
    /// A whole number of `unit`s. Empty means one.
    pub(crate) every: Field,
    /// `second`, `minute` (also if empty), or `hour`.
    pub(crate) unit: String,
}

/// The quotas of one kind of work.
#[derive(Clone, Debug)]
pub(crate) struct QuotaRow {
    /// The kind, such as "Predictions".
    pub(crate) label: &'static str,
    /// Whether the quota counts predictions, the only kind of work that publishable keys do.
    pub(crate) predicts: bool,
    /// The quotas per day and per month.
    pub(crate) fields: [QuotaInput; 2],
}

#[derive(Clone, Debug)]
pub(crate) struct QuotaInput {
    /// The name of the form field, such as `predictions_day`. Its value is a whole number, empty without a limit.
    pub(crate) name: &'static str,
    /// `day` or `month`.
    pub(crate) per: &'static str,
    pub(crate) field: Field,
}

impl LimitFields {
    /// The number of limits that are set.
    pub(crate) fn set(&self) -> usize {
        self.all().filter(|field| !field.value.is_empty()).count()
    }

    pub(crate) fn have_error(&self) -> bool {
        self.all().chain([&self.rate.every, &self.visitor.every]).any(|field| field.error.is_some())
    }

    /// The fields that decide whether a limit is set.
    fn all(&self) -> impl Iterator<Item = &Field> {
        let quotas = self.quotas.iter().flat_map(|row| &row.fields).map(|quota| &quota.field);
        [&self.rate.requests, &self.visitor.requests].into_iter().chain(quotas)
    }
}

impl RateInputs {
    /// Whether `unit` is selected.
    pub(crate) fn is_by(&self, unit: &str) -> bool {
        self.unit == unit || (self.unit.is_empty() && unit == "minute")
    }
}
