//! Times as people read them, with the exact time kept for machines and for whoever points at it.

#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// RFC 3339, for `<time datetime>`.
    pub(crate) iso: String,
    /// "2 min ago", "in 61 days".
    pub(crate) text: String,
    /// "22 November 2026, 21:08:26 UTC".
    pub(crate) full: String,
}

/// Something that somebody did, and when.
#[derive(Clone, Debug)]
pub(crate) struct By {
    pub(crate) when: Moment,
    pub(crate) who: String,
}

#[derive(Clone, Debug)]
pub(crate) struct LastUse {
    pub(crate) when: Moment,
    /// An address; empty when none was recorded.
    pub(crate) from: String,
    /// The caller's user agent; empty when it sent none.
    pub(crate) agent: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Expires {
    Never,
    /// Far enough away to need no attention.
    Later(Moment),
    /// Within a month: worth a word.
    Month(Moment),
    /// Within a week: worth a warning.
    Week(Moment),
    /// Within a day.
    Day(Moment),
    Passed(Moment),
}
