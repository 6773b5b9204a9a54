//! What a key with a rate is told of it: `RateLimit-Policy` and `RateLimit`, as structured fields, by
//! draft-ietf-httpapi-ratelimit-headers-11. Drafts may change; `Retry-After` (RFC 9110, section 10.2.3) will not, and
//! goes before `t` where both are there.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderName, HeaderValue, Response};
use keyrack_key::{Allowance, Rate};
use pin_project_lite::pin_project;

/// Rules: so many requests (`q`) in so many seconds (`w`).
pub(crate) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Where the key stands: requests left (`r`), and the seconds until there is more (`t`).
pub(crate) const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

pub(crate) fn policy(rate: Rate) -> String {
    format!("\"key\";q={};w={}", rate.requests(), rate.seconds())
}

pub(crate) fn limit(remaining: u32, seconds: u32) -> String {
    format!("\"key\";r={remaining};t={seconds}")
}

pin_project! {
    /// What the service inside is doing. Its answer to a key with a rate says what is left.
    #[derive(Debug)]
    pub struct Admitted<F> {
        #[pin]
        inner: F,
        allowance: Option<Allowance>,
    }
}

impl<F> Admitted<F> {
    pub(crate) const fn new(inner: F, allowance: Option<Allowance>) -> Self {
        Self { inner, allowance }
    }
}

impl<F, B, E> Future for Admitted<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut answer = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(allowance)) = (&mut answer, *this.allowance) {
            tell(response.headers_mut(), allowance);
        }
        Poll::Ready(answer)
    }
}

fn tell(headers: &mut HeaderMap, allowance: Allowance) {
    let told = [(POLICY, policy(allowance.rate)), (LIMIT, limit(allowance.remaining, allowance.full_in))];
    for (name, text) in told {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}
