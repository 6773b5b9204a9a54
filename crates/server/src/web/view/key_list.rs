//! The API Keys page.

use askama::Template;

use super::{By, Expires, Frame, LastUse, Moment, Paused, Scope, SeenBadge};

#[derive(Template)]
#[template(path = "key_list.html")]
pub(crate) struct KeyList {
    pub(crate) frame: Frame,
    /// `/w/{slug}/settings/api-keys`
    pub(crate) base: String,
    /// Whether this person may make and change keys; without it the page only shows.
    pub(crate) can_manage: bool,
    /// What is being looked for: text, `project` | `inference` | `keys` or empty, `live` (paused ones among them) | `paused` |
    /// `expired` | `deleted`.
    pub(crate) q: String,
    pub(crate) scope: String,
    pub(crate) status: String,
    /// Live, Paused, Expired, Deleted: each keeps the rest of the filter in its URL.
    pub(crate) tabs: Vec<Tab>,
    /// "5 keys"
    pub(crate) count: String,
    /// The keys that end next, within a month.
    pub(crate) ending: Vec<Ending>,
    pub(crate) rows: Vec<KeyRow>,
    /// The following page, when there is one.
    pub(crate) next_url: Option<String>,
    /// Services elsewhere that check these keys themselves.
    pub(crate) nodes: Vec<NodeRow>,
    /// A call that works on this server, for whoever has no key yet.
    pub(crate) curl_example: String,
}

/// A key that ends by itself before long.
pub(crate) struct Ending {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) when: Moment,
    pub(crate) ahead: Ahead,
}

/// How long before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ahead {
    Day,
    Week,
    Month,
}

pub(crate) struct NodeRow {
    pub(crate) name: String,
    /// The key that it follows with.
    pub(crate) key: Option<String>,
    pub(crate) heard: Moment,
    pub(crate) stand: NodeStand,
}

/// What is known of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeStand {
    /// It reads everything, and lets nobody through yet.
    Reads,
    /// It has every change.
    Follows,
    /// It was not heard of lately, and may go on with what it knew.
    CutOff,
}

pub(crate) struct Tab {
    pub(crate) label: String,
    pub(crate) url: String,
    pub(crate) current: bool,
}

pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `kr_sk_…9fQ2`
    pub(crate) masked: String,
    /// During a rotation: "old secret …Z7pe works until 14:05 tomorrow", and who still calls with it.
    pub(crate) retiring: Option<String>,
    pub(crate) paused: Option<Paused>,
    pub(crate) scopes: Vec<Scope>,
    /// A publishable key.
    pub(crate) public: bool,
    /// "1 project only · any network", where something narrows it.
    pub(crate) reach: Option<String>,
    pub(crate) created: By,
    pub(crate) last_use: Option<LastUse>,
    pub(crate) expires: Expires,
    pub(crate) deleted: Option<By>,
    /// Thirty bars as a path, and "1,204 calls in 30 days".
    pub(crate) spark: String,
    pub(crate) calls: String,
    /// That others have seen it.
    pub(crate) seen: Option<SeenBadge>,
    /// The first thing that would be better about it beyond that.
    pub(crate) advice: Option<&'static str>,
}

impl KeyList {
    /// Nothing is filtered away: there is nothing.
    fn is_first_run(&self) -> bool {
        self.rows.is_empty() && self.q.is_empty() && self.scope.is_empty() && self.status == "live"
    }

    /// Something ends within a week.
    fn ends_soon(&self) -> bool {
        self.ending.iter().any(|one| one.ahead != Ahead::Month)
    }

    fn is_filtered(&self) -> bool {
        !self.q.is_empty() || !self.scope.is_empty()
    }

    fn shows_deleted(&self) -> bool {
        self.status == "deleted"
    }
}
