//! The limits of a key in its forms: rate limit, rate limit per visitor, and quotas.

use keyrack_core::Invalid;
use keyrack_key::{Period, Quota, QuotaResource, Quotas, Rate, RateError, Restrictions};
use serde::Deserialize;

use super::limits_view::{LimitFields, QuotaInput, QuotaRow, RateInputs};
use crate::web::form::field;
use crate::web::text;

/// The submitted limits. An empty field removes its limit; a missing field (`None`) keeps the current limit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web::keys) struct LimitsForm {
    rate_requests: Option<String>,
    rate_every: String,
    rate_unit: String,
    pub(in crate::web::keys) visitor_requests: Option<String>,
    pub(in crate::web::keys) visitor_every: String,
    pub(in crate::web::keys) visitor_unit: String,
    predictions_day: Option<String>,
    predictions_month: Option<String>,
    images_day: Option<String>,
    images_month: Option<String>,
    trainings_day: Option<String>,
    trainings_month: Option<String>,
}

/// The parsed limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::web::keys) struct KeyLimits {
    rate: Option<Rate>,
    visitor_rate: Option<Rate>,
    quotas: Quotas,
}

impl KeyLimits {
    /// Replaces the limits in `restrictions`.
    pub(in crate::web::keys) fn within(self, restrictions: Restrictions) -> Restrictions {
        let Self { rate, visitor_rate, quotas } = self;
        Restrictions { rate, visitor_rate, quotas, ..restrictions }
    }
}

/// The fields of a rate limit.
#[derive(Clone, Copy)]
struct RateForm<'a> {
    requests: Option<&'a str>,
    every: &'a str,
    unit: &'a str,
    /// The names of the fields for the number of requests and for the time, under which errors are reported.
    names: [&'static str; 2],
}

const OF_KEY: [&str; 2] = ["rate_requests", "rate_every"];
const OF_VISITOR: [&str; 2] = ["visitor_requests", "visitor_every"];

impl LimitsForm {
    /// A form with the limits of a key.
    pub(in crate::web::keys) fn of(own: &Restrictions) -> Self {
        let [rate_requests, rate_every, rate_unit] = texts(own.rate);
        let [visitor_requests, visitor_every, visitor_unit] = texts(own.visitor_rate);
        let quota =
            |of, per| Some(own.quotas.one(of, per).map_or(String::new(), |quota| quota.limit.to_string()));
        Self {
            rate_requests: Some(rate_requests),
            rate_every,
            rate_unit,
            visitor_requests: Some(visitor_requests),
            visitor_every,
            visitor_unit,
            predictions_day: quota(QuotaResource::Predictions, Period::Day),
            predictions_month: quota(QuotaResource::Predictions, Period::Month),
            images_day: quota(QuotaResource::Images, Period::Day),
            images_month: quota(QuotaResource::Images, Period::Month),
            trainings_day: quota(QuotaResource::Trainings, Period::Day),
            trainings_month: quota(QuotaResource::Trainings, Period::Month),
        }
    }

    /// Parses the limits. Missing fields keep the limits in `has`. Returns all errors at once.
    pub(in crate::web::keys) fn parse_with(&self, has: &Restrictions) -> Result<KeyLimits, Invalid> {
        let rate = self.rate().parse(has.rate);
        let visitor_rate = self.visitor_rate().parse(has.visitor_rate);
        let quotas = self.quotas(has.quotas);
        match (rate, visitor_rate, quotas) {
            (Ok(rate), Ok(visitor_rate), Ok(quotas)) => Ok(KeyLimits { rate, visitor_rate, quotas }),
            (rate, visitor_rate, quotas) => Err(Invalid::all([rate.err(), visitor_rate.err(), quotas.err()])),
        }
    }

    /// The fields for the page, with the errors next to them. A public key has only quotas of predictions.
    pub(in crate::web::keys) fn fields(&self, invalid: Option<&Invalid>, public: bool) -> LimitFields {
        let rows = QuotaResource::ALL.into_iter().filter(|of| !public || *of == QuotaResource::Predictions);
        LimitFields {
            rate: self.rate().fields(invalid),
            visitor: self.visitor_fields(invalid),
            quotas: rows.map(|of| self.row(of, invalid)).collect(),
        }
    }

    pub(in crate::web::keys) fn visitor_fields(&self, invalid: Option<&Invalid>) -> RateInputs {
        self.visitor_rate().fields(invalid)
    }

    /// Removes the quotas that don't apply to a publishable key, which can only make predictions.
    pub(in crate::web::keys) fn keep_predictions(&mut self) {
        for other in
            [&mut self.images_day, &mut self.images_month, &mut self.trainings_day, &mut self.trainings_month]
        {
            *other = None;
        }
    }

    fn rate(&self) -> RateForm<'_> {
        let Self { rate_requests, rate_every, rate_unit, .. } = self;
        RateForm { requests: rate_requests.as_deref(), every: rate_every, unit: rate_unit, names: OF_KEY }
    }

    fn visitor_rate(&self) -> RateForm<'_> {
        let Self { visitor_requests, visitor_every, visitor_unit, .. } = self;
        RateForm {
            requests: visitor_requests.as_deref(),
            every: visitor_every,
            unit: visitor_unit,
            names: OF_VISITOR,
        }
    }

    fn quotas(&self, has: Quotas) -> Result<Quotas, Invalid> {
        let (mut quotas, mut invalid) = (Quotas::NONE, Invalid::default());
        for of in QuotaResource::ALL {
            for per in Period::ALL {
                let quota = match self.quota(of, per) {
                    (_, None) => has.one(of, per),
                    (_, Some("")) => None,
                    (name, Some(typed)) => {
                        invalid.take(name, Quota::new(of, typed.parse().unwrap_or(0), per))
                    }
                };
                if let Some(quota) = quota {
                    // Each quota has one field, so no quota can be added twice.
                    let _ = quotas.add(quota);
                }
            }
        }
        if invalid.fields().next().is_none() { Ok(quotas) } else { Err(invalid) }
    }

    /// The field of a quota: its name, and its trimmed value. `None` if the form has no such field.
    fn quota(&self, of: QuotaResource, per: Period) -> (&'static str, Option<&str>) {
        let (name, typed) = match (of, per) {
            (QuotaResource::Predictions, Period::Day) => ("predictions_day", &self.predictions_day),
            (QuotaResource::Predictions, Period::Month) => ("predictions_month", &self.predictions_month),
            (QuotaResource::Images, Period::Day) => ("images_day", &self.images_day),
            (QuotaResource::Images, Period::Month) => ("images_month", &self.images_month),
            (QuotaResource::Trainings, Period::Day) => ("trainings_day", &self.trainings_day),
            (QuotaResource::Trainings, Period::Month) => ("trainings_month", &self.trainings_month),
        };
        (name, typed.as_deref().map(str::trim))
    }

    fn row(&self, of: QuotaResource, invalid: Option<&Invalid>) -> QuotaRow {
        let fields = Period::ALL.map(|per| {
            let (name, typed) = self.quota(of, per);
            QuotaInput { name, per: per.name(), field: field(typed.unwrap_or_default(), invalid, name) }
        });
        QuotaRow { label: text::counted(of), predicts: of == QuotaResource::Predictions, fields }
    }
}

impl RateForm<'_> {
    /// Parses the rate limit. Returns `None` without a number of requests, and `has` if the form has no such field.
    fn parse(self, has: Option<Rate>) -> Result<Option<Rate>, Invalid> {
        let [of_requests, of_every] = self.names;
        let Some(requests) = self.requests.map(str::trim) else { return Ok(has) };
        if requests.is_empty() {
            return Ok(None);
        }
        let unit = match self.unit {
            "hour" => 3_600,
            "minute" | "" => 60,
            "second" => 1,
            _ => return Err(Invalid::field(of_every, "Choose seconds, minutes, or hours.")),
        };
        let every = Some(self.every.trim()).filter(|typed| !typed.is_empty()).unwrap_or("1");
        let seconds = every.parse::<u32>().ok().and_then(|every| every.checked_mul(unit));
        let rate = Rate::new(requests.parse().unwrap_or(0), seconds.unwrap_or(0));
        rate.map(Some).map_err(|error| match error {
            RateError::Requests => Invalid::field(of_requests, error.to_string()),
            RateError::Seconds => Invalid::field(of_every, "Enter a whole number, up to 24 hours."),
        })
    }

    fn fields(self, invalid: Option<&Invalid>) -> RateInputs {
        let [of_requests, of_every] = self.names;
        RateInputs {
            requests: field(self.requests.unwrap_or_default().trim(), invalid, of_requests),
            every: field(self.every.trim(), invalid, of_every),
            unit: self.unit.to_owned(),
        }
    }
}

/// The values of the fields for a rate limit: requests, time, and unit of the time.
fn texts(rate: Option<Rate>) -> [String; 3] {
    let Some(rate) = rate else { return Default::default() };
    let (every, unit) = text::in_units(rate.seconds());
    [rate.requests().to_string(), every.to_string(), unit.to_owned()]
}
