//! Times and actors as users read them.

#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// The time in RFC 3339, for `<time datetime>`.
    pub(crate) iso: String,
    /// The relative time, such as "2 min ago" or "in 61 days".
    pub(crate) text: String,
    /// The exact time, such as "22 November 2026, 21:08:26 UTC".
    pub(crate) full: String,
}

/// Who did something, and when.
#[derive(Clone, Debug)]
pub(crate) struct By {
    pub(crate) when: Moment,
    pub(crate) who: String,
}

#[derive(Clone, Debug)]
pub(crate) struct LastUse {
    pub(crate) when: Moment,
    /// The address of the caller. Empty if it was not recorded.
    pub(crate) from: String,
    /// The user agent of the caller. Empty if it sent none.
    pub(crate) agent: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Expires {
    Never,
    /// Expires in more than a month.
    Later(Moment),
    /// Expires within a month; shown in words.
    Month(Moment),
    /// Expires within a week; shown as a warning.
    Week(Moment),
    /// Expires within a day.
    Day(Moment),
    Passed(Moment),
}
