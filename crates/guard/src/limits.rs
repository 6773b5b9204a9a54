//! The response headers for rate limits and quotas: `RateLimit-Policy` and `RateLimit`, structured fields of
//! draft-ietf-httpapi-ratelimit-headers-11. The draft may change. `Retry-After` (RFC 9110, section 10.2.3)
//! will not, and takes precedence over `t` if a response has both.
//!
//! ```
//! use http::HeaderMap;
//! use keyrack_guard::limits::RateLimitState;
//! use keyrack_key::{Rate, RateStatus};
//!
//! let rate = Rate::new(100, 60).unwrap();
//! let state = RateLimitState::of_key(RateStatus { rate, remaining: 99, full_in_seconds: 1 });
//! let mut headers = HeaderMap::new();
//! state.add_to(&mut headers);
//! assert_eq!(headers["ratelimit-policy"], "\"key\";q=100;w=60");
//! assert_eq!(headers["ratelimit"], "\"key\";r=99;t=1");
//! ```

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderName, HeaderValue, Response};
use keyrack_key::{Denial, Period, Quota, QuotaResource, QuotaState, Rate, RateStatus, Timestamp};
use keyrack_rack::Caller;
use pin_project_lite::pin_project;

/// The limits: requests (`q`) in a window of seconds (`w`).
pub const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The state of each limit: remaining requests (`r`), and seconds until more are available (`t`).
pub const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The state of one limit for a caller. Becomes one item of each header.
#[derive(Clone, Copy, Debug)]
pub struct RateLimitState {
    name: &'static str,
    quota: u32,
    /// In seconds; 0 if the window has no fixed length.
    window: u32,
    remaining: u32,
    seconds: u32,
}

impl RateLimitState {
    /// Creates the state of a key's rate limit.
    pub const fn of_key(RateStatus { rate, remaining, full_in_seconds }: RateStatus) -> Self {
        Self::of_rate("key", rate, remaining, full_in_seconds)
    }

    /// Creates the state of a key's rate limit for each visitor.
    pub const fn of_visitor(RateStatus { rate, remaining, full_in_seconds }: RateStatus) -> Self {
        Self::of_rate("visitor", rate, remaining, full_in_seconds)
    }

    /// Creates the state of a quota, which resets at the end of its day or month.
    pub fn of_quota(state: QuotaState, now: Timestamp) -> Self {
        let Quota { of, limit, per } = state.quota;
        Self::of_period(of, per, limit.get(), state.left(), state.resets_in(now))
    }

    /// Creates the state of the limit that a denial names; `None` if the denial has another reason.
    pub(crate) const fn of_denial(denial: Denial) -> Option<Self> {
        match denial {
            Denial::VisitorRate { rate, wait } => Some(Self::of_rate("visitor", rate, 0, wait)),
            Denial::Rate { rate, wait } => Some(Self::of_rate("key", rate, 0, wait)),
            Denial::Quota { of, per, limit, wait, .. } => {
                Some(Self::of_period(of, per, limit.get(), 0, wait))
            }
            _ => None,
        }
    }

    /// Months differ in length, so that a monthly quota has no window.
    const fn of_period(of: QuotaResource, per: Period, quota: u32, remaining: u32, seconds: u32) -> Self {
        let window = match per {
            Period::Day => 86_400,
            Period::Month => 0,
        };
        Self { name: name_of(of, per), quota, window, remaining, seconds }
    }

    const fn of_rate(name: &'static str, rate: Rate, remaining: u32, seconds: u32) -> Self {
        Self { name, quota: rate.requests(), window: rate.seconds(), remaining, seconds }
    }

    /// Returns the seconds until more requests are available.
    pub(crate) const fn seconds(self) -> u32 {
        self.seconds
    }

    /// Returns the item for [`RATELIMIT_POLICY`].
    pub(crate) fn policy(self) -> String {
        let Self { name, quota, window, .. } = self;
        let window = if window == 0 { String::new() } else { format!(";w={window}") };
        format!("\"{name}\";q={quota}{window}")
    }

    /// Returns the item for [`RATELIMIT`].
    pub(crate) fn limit(self) -> String {
        let Self { name, remaining, seconds, .. } = self;
        format!("\"{name}\";r={remaining};t={seconds}")
    }

    /// Adds the items to the headers of a response, after the items that are already there.
    pub fn add_to(self, headers: &mut HeaderMap) {
        append_items(headers, RATELIMIT_POLICY, &self.policy());
        append_items(headers, RATELIMIT, &self.limit());
    }
}

/// Adds items to a list in a header. Keeps one header line, because some clients read only the first.
pub fn append_items(headers: &mut HeaderMap, name: HeaderName, items: &str) {
    let before = headers.get(&name).and_then(|value| value.to_str().ok());
    let text = before.map_or_else(|| items.to_owned(), |before| format!("{before}, {items}"));
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

const fn name_of(of: QuotaResource, per: Period) -> &'static str {
    match (of, per) {
        (QuotaResource::Predictions, Period::Day) => "predictions-day",
        (QuotaResource::Predictions, Period::Month) => "predictions-month",
        (QuotaResource::Images, Period::Day) => "images-day",
        (QuotaResource::Images, Period::Month) => "images-month",
        (QuotaResource::Trainings, Period::Day) => "trainings-day",
        (QuotaResource::Trainings, Period::Month) => "trainings-month",
    }
}

pin_project! {
    /// The future of an allowed request. Adds the rate limit headers to the response.
    #[derive(Debug)]
    pub struct AllowedFuture<F> {
        #[pin]
        inner: F,
        state: [Option<RateLimitState>; 2],
    }
}

impl<F> AllowedFuture<F> {
    pub(crate) const fn new(inner: F, state: [Option<RateLimitState>; 2]) -> Self {
        Self { inner, state }
    }
}

/// Returns the state of a caller's rate limits: per visitor, and per key.
pub fn rate_limit_states(caller: &Caller) -> [Option<RateLimitState>; 2] {
    [
        caller.visitor_rate_status().map(RateLimitState::of_visitor),
        caller.rate_status().map(RateLimitState::of_key),
    ]
}

impl<F, B, E> Future for AllowedFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut answer = ready!(this.inner.poll(cx));
        if let Ok(response) = &mut answer {
            this.state.iter().flatten().for_each(|state| state.add_to(response.headers_mut()));
        }
        Poll::Ready(answer)
    }
}
