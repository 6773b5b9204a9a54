//! One key and its facts.

use askama::Template;

use super::{
    AdviceLine, By, Expires, Frame, LastUse, Paused, QuotaBar, RefusedCalls, Scope, Seen, SeenInPublic,
};

#[derive(Template)]
#[template(path = "key_show.html")]
pub(crate) struct KeyPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) can_manage: bool,
    /// What happened to it.
    pub(crate) activity_url: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) masked: String,
    /// During a rotation: "…Z7pe works until 14:05 tomorrow".
    pub(crate) retiring: Option<String>,
    /// Who still calls with it.
    pub(crate) still_using: String,
    pub(crate) paused: Option<Paused>,
    /// Who was refused since it was paused, as far as that is counted, and from when on.
    pub(crate) refused: Vec<RefusedCalls>,
    pub(crate) refused_since: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) created: By,
    pub(crate) last_use: Option<LastUse>,
    pub(crate) expires: Expires,
    pub(crate) deleted: Option<By>,
    /// What narrows it beyond its scopes.
    pub(crate) limits: Vec<Limit>,
    /// How it stands with its quotas.
    pub(crate) quotas: Vec<QuotaBar>,
    /// A publishable key.
    pub(crate) public: bool,
    /// What people wrote beside it; may be empty.
    pub(crate) note: String,
    /// Why it was deleted, when that was said.
    pub(crate) deleted_because: Option<String>,
    /// That others have seen it.
    pub(crate) in_public: Option<SeenInPublic>,
    /// What would be better beyond that; empty where there is nothing to say.
    pub(crate) advice: Vec<AdviceLine>,
    pub(crate) seen: Seen,
}

/// One restriction.
pub(crate) struct Limit {
    pub(crate) label: &'static str,
    pub(crate) text: String,
}
