//! The query of the API Keys page: filter, order, and position.

use std::time::Duration;

use keyrack_key::{Scope, Timestamp};
use keyrack_store::{KeyFilter, KeyOrder, KeySlice, KeyStatus};
use serde::Deserialize;

pub(super) const ON_A_PAGE: u32 = 50;
/// The list can be limited to keys that expire within this duration.
pub(super) const EXPIRES_SOON: Duration = Duration::from_hours(7 * 24);

/// The statuses that are tabs, with the names that URLs have for them.
pub(super) const STATUSES: [(KeyStatus, &str); 4] = [
    (KeyStatus::Live, "active"),
    (KeyStatus::Paused, "paused"),
    (KeyStatus::Expired, "expired"),
    (KeyStatus::Deleted, "deleted"),
];

/// The orders of the list: the name in URLs and the label.
pub(super) const ORDERS: [(&str, &str); 5] = [
    ("created", "Created"),
    ("name", "Name"),
    ("last-used", "Last used"),
    ("expires", "Expires"),
    ("usage", "Usage"),
];

/// What the list shows. Invalid values are ignored; without a status, the list shows active keys.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyListQuery {
    pub(super) q: String,
    pub(super) scope: String,
    status: String,
    /// `soon` limits the list to keys that expire within seven days.
    expires: String,
    /// `yes` limits the list to keys that need attention.
    attention: String,
    sort: String,
    /// `reverse` reverses the order.
    order: String,
    /// The number of the page, from 1.
    page: String,
}

impl KeyListQuery {
    pub(super) fn status(&self) -> (KeyStatus, &'static str) {
        STATUSES.into_iter().find(|(_, name)| *name == self.status).unwrap_or(STATUSES[0])
    }

    /// The name of the order in URLs.
    pub(super) fn order(&self) -> &'static str {
        ORDERS.into_iter().map(|(name, _)| name).find(|name| *name == self.sort).unwrap_or(ORDERS[0].0)
    }

    pub(super) fn is_reversed(&self) -> bool {
        self.order == "reverse"
    }

    pub(super) fn expires_soon(&self) -> bool {
        self.expires == "soon"
    }

    pub(super) fn needs_attention(&self) -> bool {
        self.attention == "yes"
    }

    /// Whether the list shows a part of the keys with a status.
    pub(super) fn is_filtered(&self) -> bool {
        !self.q.is_empty() || !self.scope.is_empty() || self.expires_soon() || self.needs_attention()
    }

    /// The number of the page, from 0.
    pub(super) fn page(&self) -> u32 {
        // A limit that no workspace reaches keeps the position within the range of its type.
        self.page.parse().unwrap_or(1_u32).clamp(1, 1_000_000) - 1
    }

    pub(super) fn filter(&self, now: Timestamp) -> KeyFilter<'_> {
        let text = self.q.trim();
        // No name is longer than 100 characters.
        let text = text.char_indices().nth(100).map_or(text, |(end, _)| &text[..end]);
        KeyFilter {
            status: self.status().0,
            scope: self.scope.parse::<Scope>().ok(),
            text: (!text.is_empty()).then_some(text),
            expires_by: self.expires_soon().then(|| now.plus(EXPIRES_SOON)),
            limit: ON_A_PAGE,
            ..KeyFilter::any(now)
        }
    }

    /// The part of the list on the page. `used_since` is the start of the period whose requests count as usage.
    pub(super) fn slice(&self, used_since: Timestamp) -> KeySlice {
        let order = match self.order() {
            "name" => KeyOrder::Name,
            "last-used" => KeyOrder::LastUsed,
            "expires" => KeyOrder::Expires,
            "usage" => KeyOrder::Usage { since: used_since },
            _ => KeyOrder::Created,
        };
        KeySlice { order, reversed: self.is_reversed(), skip: self.page() * ON_A_PAGE }
    }

    /// The URL of the first page with another status.
    pub(super) fn with_status(&self, base: &str, status: &str) -> String {
        Self { status: status.to_owned(), page: String::new(), ..self.clone() }.url(base)
    }

    /// The URL of the first page with only the keys that need attention, or with all keys.
    pub(super) fn with_attention(&self, base: &str, is_needed: bool) -> String {
        let attention = if is_needed { "yes" } else { "" }.to_owned();
        Self { attention, page: String::new(), ..self.clone() }.url(base)
    }

    /// The URL of the first page in another order. The current order is reversed.
    pub(super) fn with_order(&self, base: &str, name: &str) -> String {
        let reverses = self.order() == name && !self.is_reversed();
        let order = if reverses { "reverse" } else { "" }.to_owned();
        Self { sort: name.to_owned(), order, page: String::new(), ..self.clone() }.url(base)
    }

    /// The URL of the page with a number, from 0.
    pub(super) fn with_page(&self, base: &str, page: u32) -> String {
        Self { page: (page + 1).to_string(), ..self.clone() }.url(base)
    }

    /// The URL of the list with this query.
    pub(super) fn url(&self, base: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("status", self.status().1);
        let page = if self.page() == 0 { "" } else { &self.page };
        for (name, value) in [
            ("q", self.q.as_str()),
            ("scope", &self.scope),
            ("expires", &self.expires),
            ("attention", &self.attention),
            ("sort", &self.sort),
            ("order", &self.order),
            ("page", page),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("{base}?{}", query.finish())
    }
}
