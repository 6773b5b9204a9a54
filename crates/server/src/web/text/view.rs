//! Values as users read them: times, actors, scopes, limits, and snippets of code.

/// A pause that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct PauseSummary {
    pub(crate) since: Attribution,
    /// The end, such as "until 22 Nov 2026, 21:18 UTC" or "until someone resumes it".
    pub(crate) until: String,
}

/// The usage of a quota in the current period.
pub(crate) struct QuotaBar {
    /// The quota and its period, such as "Predictions today".
    pub(crate) label: String,
    pub(crate) used: u32,
    pub(crate) limit: u32,
    /// The usage, such as "19,996 of 20,000 used".
    pub(crate) usage: String,
    /// The rest, such as "4 left.", or "Quota reached."
    pub(crate) left: String,
    /// The class that colors the bar. Empty below 80 %.
    pub(crate) class: &'static str,
    /// When the next period starts.
    pub(crate) resets: DisplayTime,
}

pub(crate) struct Snippet {
    pub(crate) label: String,
    pub(crate) code: String,
}

/// One restriction of a key.
pub(crate) struct RestrictionRow {
    pub(crate) label: &'static str,
    pub(crate) text: String,
}

#[derive(Clone, Debug)]
pub(crate) struct DisplayTime {
    /// The time in RFC 3339, for `<time datetime>`.
    pub(crate) iso: String,
    /// The relative time, such as "2 min ago" or "in 61 days".
    pub(crate) text: String,
    /// The exact time, such as "22 Nov 2026, 21:08 UTC".
    pub(crate) full: String,
}

/// Who did something, and when.
#[derive(Clone, Debug)]
pub(crate) struct Attribution {
    pub(crate) when: DisplayTime,
    pub(crate) who: String,
}

#[derive(Clone, Debug)]
pub(crate) struct LastUsed {
    pub(crate) when: DisplayTime,
    /// The address of the caller. Empty if it was not recorded.
    pub(crate) from: String,
    /// The user agent of the caller. Empty if it sent none.
    pub(crate) agent: String,
}

#[derive(Clone, Debug)]
pub(crate) enum ExpiryStatus {
    Never,
    /// Expires in more than a month.
    Later(DisplayTime),
    /// Expires within a month; shown in words.
    Month(DisplayTime),
    /// Expires within a week; shown as a warning.
    Week(DisplayTime),
    /// Expires within a day.
    Day(DisplayTime),
    Passed(DisplayTime),
}
