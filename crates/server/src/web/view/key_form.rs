//! Add New Key, and the fields that it shares with Edit scopes.

use askama::Template;

use super::{Field, Frame, LimitFields, NarrowFields, PublicFields};

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
    /// POST `expiry`: one of `expiries`, of which one is chosen.
    pub(crate) expiry: Field,
    pub(crate) expiries: Vec<ExpiryChoice>,
    /// POST `expires_on`: `YYYY-MM-DD`, read when `expiry` is `date`.
    pub(crate) expires_on: Field,
    /// The first date that the date field offers, `YYYY-MM-DD`.
    pub(crate) earliest: String,
    /// The last date that it offers, where the workspace has a longest life for keys.
    pub(crate) latest: Option<String>,
    /// "This workspace lets a key live for 90 days at most."
    pub(crate) policy: Option<String>,
    /// A publishable key: Inference and nothing else.
    pub(crate) public: bool,
    pub(crate) besides: Besides,
    pub(crate) limits: LimitFields,
    pub(crate) narrow: NarrowFields,
    /// Whether it is asked where a key with Inference will be used: only when one is made.
    pub(crate) asks_where: bool,
    pub(crate) to_publish: PublicFields,
    /// Whether a key without Project and Inference can be chosen again after one of them was: only when editing.
    pub(crate) offers_none: bool,
}

/// When a key may end, as it is picked.
#[derive(Clone, Debug)]
pub(crate) struct ExpiryChoice {
    /// `never`, `keep`, `30d`, `90d`, `365d`, `longest`, `date`.
    pub(crate) value: &'static str,
    /// "In 30 days"
    pub(crate) label: String,
    /// "Expires in 30 days"
    pub(crate) fact: String,
    /// "It stops working on 26 December 2026. …"
    pub(crate) says: String,
    pub(crate) is_chosen: bool,
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
            || !matches!(self.expiry.value.as_str(), "" | "never" | "keep" | "longest")
            || self.expiry.error.is_some()
            || self.expires_on.error.is_some()
            || self.limits.are_touched()
            || self.narrow.is_touched()
    }

    /// What is set inside the fold, said on its outside.
    pub(crate) fn facts(&self) -> String {
        let expiry = self.expiries.iter().find(|choice| choice.is_chosen);
        let expiry = expiry.map_or("Never expires", |choice| choice.fact.as_str());
        let reach = self.narrow.reach();
        let limits =
            if self.limits.are_set() || !self.narrow.max_image.value.is_empty() { " · limits" } else { "" };
        let keys = if self.besides.keys { " · may manage keys" } else { "" };
        let node = if self.besides.node { " · may check keys" } else { "" };
        format!("{expiry} · {reach}{limits}{keys}{node}")
    }
}
