//! The API Keys page.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::keys::exposure::ExposureBadge;
use crate::web::text::{Attribution, DisplayTime, ExpiryStatus, LastUsed, PauseSummary, ScopeBadge};

#[derive(Template)]
#[template(path = "keys/list/list.html")]
pub(crate) struct KeyListPage {
    pub(crate) frame: Frame,
    /// `/w/{slug}/settings/api-keys`.
    pub(crate) base: String,
    /// Whether the user may create and change keys. If not, the page has no buttons for it.
    pub(crate) can_manage: bool,
    /// The filter. `scope` is `project`, `inference`, `keys`, or empty; `status` is `live` (which includes
    /// paused keys), `paused`, `expired`, or `deleted`.
    pub(crate) q: String,
    pub(crate) scope: String,
    pub(crate) status: String,
    /// The tabs Live, Paused, Expired, and Deleted. Their URLs keep the rest of the filter.
    pub(crate) tabs: Vec<Tab>,
    /// The number of keys, such as "5 keys".
    pub(crate) count: String,
    /// The keys that expire within a month, soonest first.
    pub(crate) ending: Vec<ExpiringKeyRow>,
    pub(crate) rows: Vec<KeyListRow>,
    /// The URL of the next page. `None` on the last page.
    pub(crate) next_url: Option<String>,
    /// The nodes that check keys of this workspace.
    pub(crate) nodes: Vec<NodeRow>,
    /// A request that works on this server, for users without a key.
    pub(crate) curl_example: String,
}

/// A key that expires within a month.
pub(crate) struct ExpiringKeyRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) when: DisplayTime,
    pub(crate) ahead: ExpiryHorizon,
}

/// The time until a key expires, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpiryHorizon {
    Day,
    Week,
    Month,
}

pub(crate) struct NodeRow {
    pub(crate) name: String,
    /// The key that the node follows with.
    pub(crate) key: Option<String>,
    pub(crate) last_contact: DisplayTime,
    pub(crate) state: NodeState,
}

/// The state of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeState {
    /// The node is loading the keys, and denies all requests until it has them.
    Reads,
    /// The node has every change.
    Follows,
    /// The node has not contacted the server within its lease, and may use old keys.
    CutOff,
}

pub(crate) struct Tab {
    pub(crate) label: String,
    pub(crate) url: String,
    pub(crate) current: bool,
}

pub(crate) struct KeyListRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The masked secret, such as `kr_sk_…9fQ2`.
    pub(crate) masked: String,
    /// During a rotation, the end of the old secret and its callers, such as "old secret …Z7pe works
    /// until 14:05 tomorrow".
    pub(crate) retiring: Option<String>,
    pub(crate) paused: Option<PauseSummary>,
    pub(crate) scopes: Vec<ScopeBadge>,
    /// Whether the key is publishable.
    pub(crate) public: bool,
    /// A summary of the restrictions, such as "1 project only · any network". `None` without restrictions.
    pub(crate) restriction_summary: Option<String>,
    pub(crate) created: Attribution,
    pub(crate) last_used: Option<LastUsed>,
    pub(crate) expires: ExpiryStatus,
    pub(crate) deleted: Option<Attribution>,
    /// The usage as an SVG path with thirty bars, and as text such as "1,204 calls in 30 days".
    pub(crate) spark: String,
    pub(crate) calls: String,
    /// A badge, if the key was exposed.
    pub(crate) seen: Option<ExposureBadge>,
    /// The title of the first recommendation other than the exposure.
    pub(crate) advice: Option<&'static str>,
}

impl KeyListPage {
    /// Whether the workspace has no keys: the list is empty without a filter.
    fn is_first_run(&self) -> bool {
        self.rows.is_empty() && self.q.is_empty() && self.scope.is_empty() && self.status == "live"
    }

    /// Whether a key expires within a week.
    fn ends_soon(&self) -> bool {
        self.ending.iter().any(|one| one.ahead != ExpiryHorizon::Month)
    }

    fn is_filtered(&self) -> bool {
        !self.q.is_empty() || !self.scope.is_empty()
    }

    fn shows_deleted(&self) -> bool {
        self.status == "deleted"
    }
}
