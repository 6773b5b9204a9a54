//! The headers `RateLimit` and `RateLimit-Policy` of responses to requests that used a quota.

use http::HeaderMap;
use keyrack_guard::limits::RateLimitState;
use keyrack_key::Timestamp;

use keyrack_core::quotas::QuotaUnit;

/// Returns the header items of all quotas that the request used.
pub fn items(quota: &QuotaUnit, now: Timestamp) -> impl Iterator<Item = RateLimitState> {
    quota.states().map(move |state| RateLimitState::of_quota(state, now))
}

/// Returns the headers of all quotas that the request used. Empty if the request used none.
pub fn headers(quota: &QuotaUnit, now: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    items(quota, now).for_each(|item| item.add_to(&mut headers));
    headers
}
