//! What a key with limits is told of them: `RateLimit-Policy` and `RateLimit`, as structured fields, by
//! draft-ietf-httpapi-ratelimit-headers-11. Drafts may change; `Retry-After` (RFC 9110, section 10.2.3) will not, and
//! goes before `t` where both are there.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderName, HeaderValue, Response};
use keyrack_key::{Allowance, Counted, Denial, Period, Quota, Rate, Standing, Timestamp};
use keyrack_rack::Caller;
use pin_project_lite::pin_project;

/// Rules: so many requests (`q`) in so many seconds (`w`).
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Where the key stands with each: requests left (`r`), and the seconds until there is more (`t`).
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// One limit, and where whoever asks stands with it: an item of each field.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    name: &'static str,
    quota: u32,
    /// In seconds; 0 where it is not told.
    window: u32,
    remaining: u32,
    seconds: u32,
}

impl Told {
    /// The key's rate.
    pub const fn of_key(Allowance { rate, remaining, full_in }: Allowance) -> Self {
        Self::of_rate("key", rate, remaining, full_in)
    }

    /// The key's rate per visitor, and how this one stands.
    pub const fn of_visitor(Allowance { rate, remaining, full_in }: Allowance) -> Self {
        Self::of_rate("visitor", rate, remaining, full_in)
    }

    /// A quota, of which all comes back when the next day or month begins.
    pub fn of_quota(standing: Standing, now: Timestamp) -> Self {
        let Quota { of, limit, per } = standing.quota;
        Self::of_period(of, per, limit.get(), standing.left(), standing.resets_in(now))
    }

    /// What a refusal names, if it is one because of a limit: there is nothing left of it.
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

    /// Months differ in length: a quota of a month is told without a window.
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

    /// The seconds until there is more.
    pub(crate) const fn seconds(self) -> u32 {
        self.seconds
    }

    /// The item of [`POLICY`].
    pub(crate) fn policy(self) -> String {
        let Self { name, quota, window, .. } = self;
        let window = if window == 0 { String::new() } else { format!(";w={window}") };
        format!("\"{name}\";q={quota}{window}")
    }

    /// The item of [`LIMIT`].
    pub(crate) fn limit(self) -> String {
        let Self { name, remaining, seconds, .. } = self;
        format!("\"{name}\";r={remaining};t={seconds}")
    }

    /// Adds it to what an answer tells already.
    pub fn tell(self, headers: &mut HeaderMap) {
        join(headers, POLICY, &self.policy());
        join(headers, LIMIT, &self.limit());
    }
}

/// Adds items to a list in a header, on one line: not every client reads further ones.
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
    /// What the service inside is doing. Its answer to a key with rates says what is left.
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

/// What the rates of a caller leave.
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
