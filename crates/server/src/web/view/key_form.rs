//! Add New Key, and the fields that it shares with Edit scopes.

use askama::Template;

use super::{Field, Frame, LimitFields};

#[derive(Template)]
#[template(path = "key_new.html")]
pub(crate) struct NewKey {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    /// Spent by the first POST that succeeds.
    pub(crate) nonce: String,
    pub(crate) fields: KeyFields,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct KeyFields {
    /// POST `name`
    pub(crate) name: Field,
    /// POST `scope`: `project`, `inference`; when editing also `none`. Absent when no card is chosen.
    pub(crate) scope: Field,
    /// POST `expiry`: `never` (also when the value is empty), `30d`, `90d`, `365d`, `date`; when editing also `keep`.
    pub(crate) expiry: Field,
    /// POST `expires_on`: `YYYY-MM-DD`, read when `expiry` is `date`.
    pub(crate) expires_on: Field,
    /// When a key ends that is made now.
    pub(crate) ends: Ends,
    /// The first date that the date field offers, `YYYY-MM-DD`.
    pub(crate) earliest: String,
    /// Editing a key that expires: "on 21 January 2027, 14:05 UTC", offered as `keep`.
    pub(crate) kept_expiry: Option<String>,
    /// "all projects · any network": what the form does not change.
    pub(crate) reach: String,
    /// A publishable key: Inference and nothing else.
    pub(crate) public: bool,
    pub(crate) besides: Besides,
    pub(crate) limits: LimitFields,
    /// Whether a key without Project and Inference can be chosen again after one of them was: only when editing.
    pub(crate) offers_none: bool,
}

/// "26 December 2026": what a choice of an expiry comes to, made today.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    pub(crate) month: String,
    pub(crate) quarter: String,
    pub(crate) year: String,
}

/// What a key may do besides its scope.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Besides {
    /// POST `keys=on`
    pub(crate) keys: bool,
    /// POST `node=on`
    pub(crate) node: bool,
}

impl KeyFields {
    /// The fold stands open when something in it was changed or is wrong.
    pub(crate) fn advanced_is_open(&self) -> bool {
        self.besides.keys
            || self.besides.node
            || !matches!(self.expiry.value.as_str(), "" | "never" | "keep")
            || self.expiry.error.is_some()
            || self.expires_on.error.is_some()
            || self.limits.are_touched()
    }

    /// What is set inside the fold, said on its outside.
    pub(crate) fn facts(&self) -> String {
        let expiry = match self.expiry.value.as_str() {
            "30d" => "Expires in 30 days",
            "90d" => "Expires in 90 days",
            "365d" => "Expires in one year",
            "date" => "Expires on a date",
            "keep" => &format!("Expires {}", self.kept_expiry.as_deref().unwrap_or_default()),
            _ => "Never expires",
        };
        let limits = if self.limits.are_set() { " · limits" } else { "" };
        let keys = if self.besides.keys { " · may manage keys" } else { "" };
        let node = if self.besides.node { " · may check keys" } else { "" };
        format!("{expiry} · {}{limits}{keys}{node}", self.reach)
    }
}
