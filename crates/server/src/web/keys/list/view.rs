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
    /// Whether the workspace never had a key.
    pub(crate) is_first_run: bool,
    /// The filter. `scope` is `project`, `inference`, `keys`, `node`, or empty; `status` is `active`, `paused`,
    /// `expired`, or `deleted`.
    pub(crate) q: String,
    pub(crate) scope: String,
    pub(crate) status: &'static str,
    /// `soon` if the list is limited to keys that expire within a week; otherwise empty.
    pub(crate) expires: &'static str,
    /// The filter for keys that need attention.
    pub(crate) attention: AttentionFilter,
    /// The tabs Active, Paused, Expired, and Deleted. Their URLs keep the rest of the filter.
    pub(crate) tabs: Vec<Tab>,
    /// The keys on the page among all matching keys, such as "51–100 of 231 keys".
    pub(crate) range: String,
    pub(crate) columns: KeyColumns,
    /// The orders: the name in URLs, the label, and whether the list has the order.
    pub(crate) orders: [(&'static str, &'static str, bool); 5],
    /// `reverse` if the order is reversed; otherwise empty.
    pub(crate) direction: &'static str,
    /// The keys that expire within a week.
    pub(crate) expiring: Option<ExpiringKeys>,
    pub(crate) rows: Vec<KeyListRow>,
    /// The URL of this page of the list, to which users return from the selected keys.
    pub(crate) back: String,
    pub(crate) previous_url: Option<String>,
    pub(crate) next_url: Option<String>,
    /// The nodes that check keys of this workspace.
    pub(crate) nodes: Vec<NodeRow>,
    /// A request that works on this server, for users without a key.
    pub(crate) curl_example: String,
}

/// The filter for keys that need attention.
pub(crate) struct AttentionFilter {
    pub(crate) is_on: bool,
    /// The URL of the list with the filter, or without it if it is on.
    pub(crate) url: String,
    /// The number of keys. Empty if it is not known without a search.
    pub(crate) count: String,
    /// A sentence if the search ended before it had checked all keys. Otherwise empty.
    pub(crate) extent: String,
}

/// A line about keys that expire soon.
pub(crate) struct ExpiringKeys {
    /// The number of keys, such as "2 keys expire within 7 days".
    pub(crate) text: String,
    /// The URL of the list of these keys.
    pub(crate) url: String,
}

/// The columns that sort the list.
pub(crate) struct KeyColumns {
    pub(crate) name: Column,
    pub(crate) created: Column,
    pub(crate) last_used: Column,
    pub(crate) usage: Column,
    pub(crate) expires: Column,
}

pub(crate) struct Column {
    pub(crate) label: String,
    /// The URL of the list in the order of this column, or reversed if the list has this order.
    pub(crate) url: String,
    /// The value of `aria-sort`. `None` if the list has another order.
    pub(crate) sort: Option<&'static str>,
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
    pub(crate) label: &'static str,
    pub(crate) count: String,
    pub(crate) url: String,
    pub(crate) current: bool,
}

pub(crate) struct KeyListRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The masked secret, such as `kr_sk_…9fQ2`.
    pub(crate) masked: String,
    /// The whole text of a publishable key.
    pub(crate) publishable: Option<String>,
    /// During a rotation, the end of the old secret and its callers, such as "Old secret …Z7pe works
    /// until 14:05 tomorrow. …".
    pub(crate) rotating: Option<String>,
    pub(crate) paused: Option<PauseSummary>,
    pub(crate) is_expired: bool,
    pub(crate) scopes: Vec<ScopeBadge>,
    /// Whether the key is publishable.
    pub(crate) public: bool,
    /// The restrictions and limits, such as "Only 2 projects". Empty if the key is unrestricted.
    pub(crate) limits: Vec<String>,
    pub(crate) created: Attribution,
    pub(crate) last_used: Option<LastUsed>,
    pub(crate) expires: ExpiryStatus,
    pub(crate) deleted: Option<Attribution>,
    /// The usage as an SVG path with thirty bars.
    pub(crate) spark: String,
    /// The number of requests, such as "1,204" or "2 denied".
    pub(crate) requests: String,
    /// Whether all requests were denied.
    pub(crate) is_denied: bool,
    /// A badge, if the key was exposed.
    pub(crate) exposure: Option<ExposureBadge>,
    /// The title of the first recommendation other than the exposure.
    pub(crate) advice: Option<&'static str>,
    /// Why the key needs attention, other than the exposure. `None` if it doesn't.
    pub(crate) attention: Option<Vec<&'static str>>,
}

impl KeyListPage {
    /// Whether the list shows a part of the keys with the status.
    fn is_filtered(&self) -> bool {
        !self.q.is_empty() || !self.scope.is_empty() || self.expires_soon() || self.attention.is_on
    }

    fn expires_soon(&self) -> bool {
        !self.expires.is_empty()
    }

    /// Whether users can select keys. Nothing can be done with deleted keys.
    fn can_select(&self) -> bool {
        self.can_manage && !self.shows_deleted()
    }

    fn shows_deleted(&self) -> bool {
        self.status == "deleted"
    }
}

impl KeyListRow {
    fn reasons(&self) -> &[&'static str] {
        self.attention.as_deref().unwrap_or_default()
    }

    /// The first reason in a few words, such as "Over-scoped".
    fn first_reason(&self) -> Option<&'static str> {
        self.reasons().first().map(|title| title.split_once(':').map_or(*title, |(words, _)| words))
    }
}
