//! The origins of the service's own pages, and whether a page of another origin sent a request.
//!
//! A page is the service's own if a browser loaded it from one of the service's host names. IP addresses and
//! `localhost` always count, since DNS cannot redirect them. The operator must list any other host name.
//! Otherwise an attacker could point a host name of theirs to this service (DNS rebinding), and the browser
//! would treat their page as the same origin.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderName, HeaderValue, header, request};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origins of the service's own pages, which may send any key.
///
/// # Examples
///
/// ```
/// use keyrack_guard::OwnOrigins;
///
/// let own = OwnOrigins::with("https://keys.example.org").unwrap();
/// assert!(own.is_own_origin("https://keys.example.org", None));
/// assert!(!own.is_own_origin("https://shop.example.org", None));
/// ```
#[derive(Clone, Debug, Default)]
pub struct OwnOrigins(OriginList);

#[derive(Clone, Debug, Default)]
enum OriginList {
    #[default]
    None,
    /// Pages at IP addresses, at `localhost`, and at this origin.
    Listed(Option<NamedOrigin>),
}

/// An origin that the operator listed.
#[derive(Clone, Debug)]
struct NamedOrigin {
    scheme: Scheme,
    host: String,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// A host and a port, from an `Origin` or a `Host` header.
#[derive(Clone, Copy)]
struct Authority<'a> {
    host: &'a str,
    port: Option<u16>,
}

impl OwnOrigins {
    /// Creates a list without any origin: no page is the service's own.
    pub const fn none() -> Self {
        Self(OriginList::None)
    }

    /// Creates a list with IP addresses and `localhost` only.
    pub const fn local() -> Self {
        Self(OriginList::Listed(None))
    }

    /// Creates a list with IP addresses, `localhost`, and `origin`, such as `https://keys.example.org`.
    /// Returns `None` unless `origin` has the form `http://host[:port]` or `https://host[:port]`.
    pub fn with(origin: &str) -> Option<Self> {
        let (scheme, Authority { host, port }) = split_origin(origin.trim_end_matches('/'))?;
        let named = NamedOrigin { scheme, host: host.to_owned(), port: port.unwrap_or(scheme.port()) };
        Some(Self(OriginList::Listed(Some(named))))
    }

    /// Returns `true` if `host`, the value of a `Host` header, always leads to this service, whatever DNS
    /// answers. Allocates nothing.
    pub fn is_own_host(&self, host: &str) -> bool {
        Authority::parse(host).is_some_and(|authority| self.is_own(authority))
    }

    /// Returns `true` if `origin`, the value of an `Origin` header, is one of the service's own
    /// pages in a request for `host`. Ignores the scheme of a page at `host`, because a proxy may
    /// terminate TLS. Allocates nothing.
    pub fn is_own_origin(&self, origin: &str, host: Option<&str>) -> bool {
        let Some((scheme, page)) = split_origin(origin) else { return false };
        let port = page.port.unwrap_or(scheme.port());
        if let OriginList::Listed(Some(named)) = &self.0
            && (named.scheme, named.port) == (scheme, port)
            && named.host.eq_ignore_ascii_case(page.host)
        {
            return true;
        }
        host.and_then(Authority::parse).is_some_and(|own| {
            self.is_own(own)
                && own.host.eq_ignore_ascii_case(page.host)
                && own.port.unwrap_or(scheme.port()) == port
        })
    }

    /// Returns `true` if a page of another origin sent the request: its `Origin` header is not one of ours,
    /// or `Sec-Fetch-Site` names another site or origin, or the page's host name is not ours. A request
    /// without these headers counts as sent by a program, whatever its `Host`. `Sec-Fetch-Mode` is ignored,
    /// because Node's `fetch` also sends it. Allocates nothing.
    pub fn is_cross_origin(&self, request: &request::Parts) -> bool {
        let host = host_of(request);
        let is_elsewhere = |site: &HeaderValue| match site.as_bytes() {
            b"cross-site" | b"same-site" => true,
            b"same-origin" => !host.is_some_and(|host| self.is_own_host(host)),
            _ => false,
        };
        let is_own =
            |origin: &HeaderValue| origin.to_str().is_ok_and(|origin| self.is_own_origin(origin, host));
        all(&request.headers, &SEC_FETCH_SITE).any(is_elsewhere)
            || !all(&request.headers, &header::ORIGIN).all(is_own)
    }

    fn is_own(&self, Authority { host, .. }: Authority<'_>) -> bool {
        match &self.0 {
            OriginList::None => false,
            OriginList::Listed(named) => {
                is_fixed(host) || named.as_ref().is_some_and(|named| named.host.eq_ignore_ascii_case(host))
            }
        }
    }
}

impl Scheme {
    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl<'a> Authority<'a> {
    /// Parses `host[:port]` (RFC 9110, section 7.2).
    fn parse(text: &'a str) -> Option<Self> {
        let end = match text.strip_prefix('[') {
            Some(_) => text.find(']')? + 1,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, rest) = text.split_at(end);
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            _ => return None,
        };
        is_host(host).then_some(Self { host, port })
    }
}

fn split_origin(origin: &str) -> Option<(Scheme, Authority<'_>)> {
    let (scheme, rest) = match origin.strip_prefix("https://") {
        Some(rest) => (Scheme::Https, rest),
        None => (Scheme::Http, origin.strip_prefix("http://")?),
    };
    Some((scheme, Authority::parse(rest)?))
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            !host.is_empty() && host.bytes().all(is_fit)
        }
    }
}

/// Returns `true` if no DNS server resolves this host. Browsers resolve `localhost`
/// themselves (RFC 6761, section 6.3).
fn is_fixed(host: &str) -> bool {
    host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok() || host.eq_ignore_ascii_case("localhost")
}

/// Returns the host of the request. HTTP/2 sends it in the URI, which takes precedence over the header
/// (RFC 9113, section 8.3.1).
fn host_of(request: &request::Parts) -> Option<&str> {
    let named = request.uri.authority().map(http::uri::Authority::as_str);
    named.or_else(|| request.headers.get(header::HOST)?.to_str().ok())
}

fn all<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a HeaderValue> {
    headers.get_all(name).iter()
}

#[cfg(test)]
mod tests;
