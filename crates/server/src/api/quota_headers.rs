//! The `RateLimit` headers of a response that a quota was taken for.

use http::HeaderMap;
use keyrack_core::quotas::Spent;
use keyrack_guard::limits::Told;
use keyrack_key::Timestamp;

/// The header items of each quota that `spent` was taken from.
pub fn items(spent: &Spent, now: Timestamp) -> impl Iterator<Item = Told> {
    spent.standings().map(move |standing| Told::of_quota(standing, now))
}

/// The same as headers.
pub fn headers(spent: &Spent, now: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    items(spent, now).for_each(|item| item.tell(&mut headers));
    headers
}
