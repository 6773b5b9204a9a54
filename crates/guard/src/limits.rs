//! The response headers for rate limits and quotas: `RateLimit-Policy` and `RateLimit`, structured fields of
//! draft-ietf-httpapi-ratelimit-headers-11. The draft may change. `Retry-After` (RFC 9110, section 10.2.3)
//! will not, and takes precedence over `t` if a response has both.
//!
//! ```
//! use http::HeaderMap;
//! use keyrack_guard::limits::Told;
//! use keyrack_key::{Allowance, Rate};
//!
//! let rate = Rate::new(100, 60).unwrap();
//! let state = Told::of_key(Allowance { rate, remaining: 99, full_in: 1 });
//! let mut headers = HeaderMap::new();
//! state.tell(&mut headers);
//! assert_eq!(headers["ratelimit-policy"], "\"key\";q=100;w=60");
//! assert_eq!(headers["ratelimit"], "\"key\";r=99;t=1");
//! ```

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderName, HeaderValue, Response};
use keyrack_key::{Allowance, Counted, Denial, Period, Quota, Rate, Standing, Timestamp};
use keyrack_rack::Caller;
use pin_project_lite::pin_project;

/// The limits: requests (`q`) in a window of seconds (`w`).
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The state of each limit: remaining requests (`r`), and seconds until more are available (`t`).
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The state of one limit for a caller. Becomes one item of each header.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    name: &'static str,
    quota: u32,
    /// In seconds; 0 if the window has no fixed length.
    window: u32,
    remaining: u32,
    seconds: u32,
}

impl Told {
    /// Creates the state of a key's rate limit.
    pub const fn of_key(Allowance { rate, remaining, full_in }: Allowance) -> Self {
        Self::of_rate("key", rate, remaining, full_in)
    }

    /// Creates the state of a key's rate limit for each visitor.
    pub const fn of_visitor(Allowance { rate, remaining, full_in }: Allowance) -> Self {
        Self::of_rate("visitor", rate, remaining, full_in)
    }

    /// Creates the state of a quota, which resets at the end of its day or month.
    pub fn of_quota(standing: Standing, now: Timestamp) -> Self {
        let Quota { of, limit, per } = standing.quota;
        Self::of_period(of, per, limit.get(), standing.left(), standing.resets_in(now))
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
    const fn of_period(of: Counted, per: Period, quota: u32, remaining: u32, seconds: u32) -> Self {
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

    /// Returns the item for [`POLICY`].
    pub(crate) fn policy(self) -> String {
        let Self { name, quota, window, .. } = self;
        let window = if window == 0 { String::new() } else { format!(";w={window}") };
        format!("\"{name}\";q={quota}{window}")
    }

    /// Returns the item for [`LIMIT`].
    pub(crate) fn limit(self) -> String {
        let Self { name, remaining, seconds, .. } = self;
        format!("\"{name}\";r={remaining};t={seconds}")
    }

    /// Adds the items to the headers of a response, after the items that are already there.
    pub fn tell(self, headers: &mut HeaderMap) {
        join(headers, POLICY, &self.policy());
        join(headers, LIMIT, &self.limit());
    }
}

/// Adds items to a list in a header. Keeps one header line, because some clients read only the first.
pub fn join(headers: &mut HeaderMap, name: HeaderName, items: &str) {
    let before = headers.get(&name).and_then(|value| value.to_str().ok());
    let text = before.map_or_else(|| items.to_owned(), |before| format!("{before}, {items}"));
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

const fn name_of(of: Counted, per: Period) -> &'static str {
    match (of, per) {
        (Counted::Predictions, Period::Day) => "predictions-day",
        (Counted::Predictions, Period::Month) => "predictions-month",
        (Counted::Images, Period::Day) => "images-day",
        (Counted::Images, Period::Month) => "images-month",
        (Counted::Trainings, Period::Day) => "trainings-day",
        (Counted::Trainings, Period::Month) => "trainings-month",
    }
}

pin_project! {
    /// The future of an allowed request. Adds the rate limit headers to the response.
    #[derive(Debug)]
    pub struct Admitted<F> {
        #[pin]
        inner: F,
        told: [Option<Told>; 2],
    }
}

impl<F> Admitted<F> {
    pub(crate) const fn new(inner: F, told: [Option<Told>; 2]) -> Self {
        Self { inner, told }
    }
}

/// Returns the state of a caller's rate limits: per visitor, and per key.
pub fn rates(caller: &Caller) -> [Option<Told>; 2] {
    [caller.visitor_allowance().map(Told::of_visitor), caller.allowance().map(Told::of_key)]
}

impl<F, B, E> Future for Admitted<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut answer = ready!(this.inner.poll(cx));
        if let Ok(response) = &mut answer {
            this.told.iter().flatten().for_each(|told| told.tell(response.headers_mut()));
        }
        Poll::Ready(answer)
    }
}
