//! The web origins from which a key may be used.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An allowed origin (RFC 6454): `https://app.example.org`, `http://localhost:5173`,
/// or every host below one with `https://*.example.org`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scheme: Box<str>,
    /// Without the `*.`.
    host: Box<str>,
    below: bool,
    port: Option<u16>,
}

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an origin such as https://app.example.org, https://*.example.org or http://localhost:5173, without a path"
)]
pub struct OriginError;

impl Origin {
    /// Whether a request with this `Origin` header comes from here.
    pub fn matches(&self, header: &str) -> bool {
        let Some((scheme, host, port)) = split(header) else {
            return false;
        };
        let host_fits = if self.below {
            host.len() > self.host.len() + 1
                && host.is_char_boundary(host.len() - self.host.len())
                && host[host.len() - self.host.len()..].eq_ignore_ascii_case(&self.host)
                && host.as_bytes()[host.len() - self.host.len() - 1] == b'.'
        } else {
            host.eq_ignore_ascii_case(&self.host)
        };
        host_fits && scheme.eq_ignore_ascii_case(&self.scheme) && significant(scheme, port) == self.port
    }

    /// Whether every origin that `self` matches is matched by `other` as well.
    pub fn is_within(&self, other: &Self) -> bool {
        let host_within = if other.below {
            // `*.a.example` lies within `*.example`, and `*.example` within itself; `example` does not.
            self.host
                .strip_suffix(&*other.host)
                .is_some_and(|rest| if rest.is_empty() { self.below } else { rest.ends_with('.') })
        } else {
            !self.below && self.host == other.host
        };
        host_within && self.scheme == other.scheme && self.port == other.port
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (scheme, host, port) = split(text).ok_or(OriginError)?;
        let (below, host) = host.strip_prefix("*.").map_or((false, host), |rest| (true, rest));
        let scheme_fits = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        // Below `com` are everybody's pages, so a star needs two labels behind it.
        if !scheme_fits || !is_host(host) || (below && !host.trim_end_matches('.').contains('.')) {
            return Err(OriginError);
        }
        Ok(Self {
            scheme: scheme.to_ascii_lowercase().into(),
            host: host.to_ascii_lowercase().into(),
            below,
            port: significant(scheme, port),
        })
    }
}

/// `scheme://host[:port]`, and nothing else.
fn split(text: &str) -> Option<(&str, &str, Option<u16>)> {
    let (scheme, rest) = text.split_once("://")?;
    let end_of_address = rest.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match rest[end_of_address..].rfind(':') {
        Some(colon) => {
            let digits = &rest[end_of_address + colon + 1..];
            let port = if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None };
            (&rest[..end_of_address + colon], Some(port?))
        }
        None => (rest, None),
    };
    Some((scheme, host, port))
}

/// The port where it is not the scheme's own: browsers leave that one out.
fn significant(scheme: &str, port: Option<u16>) -> Option<u16> {
    let usual = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    port.filter(|port| *port != usual)
}

/// A DNS name as browsers send it (ASCII, punycode for others), or an address in brackets.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.below { "*." } else { "" };
        write!(f, "{}://{star}{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    #[test]
    fn an_exact_origin_matches_itself_alone() {
        let shop = origin("https://Shop.example.org");
        assert!(shop.matches("https://shop.example.org"));
        assert!(shop.matches("https://shop.example.org:443"));
        for other in [
            "http://shop.example.org",
            "https://shop.example.org:8443",
            "https://a.shop.example.org",
            "null",
            "",
        ] {
            assert!(!shop.matches(other), "{other}");
        }
    }

    #[test]
    fn a_star_matches_what_is_below_and_not_the_host_itself() {
        let all = origin("https://*.example.org");
        assert!(all.matches("https://a.example.org"));
        assert!(all.matches("https://a.b.example.org"));
        for other in [
            "https://example.org",
            "https://badexample.org",
            "https://.example.org.evil.net",
            "https://é.xample.org",
        ] {
            assert!(!all.matches(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "example.org",
            "https://",
            "https://*.org",
            "https://a.org/",
            "https://a.org/path",
            "ftp://a.org",
            "https://a..org",
            "https://user@a.org",
            "https://a.org:99999",
            "https://a.org:+1",
            "https://*",
            "null",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError), "{text}");
        }
        assert!("http://[::1]:3000".parse::<Origin>().is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = text.parse::<Origin>();
            let _ = origin("https://*.example.org").matches(&text);
        }

        #[test]
        fn what_lies_within_matches_no_more(
            inner in "https?://(\\*\\.)?([ab]\\.){0,2}ex\\.org(:8443)?", outer in "https?://(\\*\\.)?([ab]\\.){0,2}ex\\.org(:8443)?",
            header in "https?://([ab]\\.){0,3}ex\\.org(:8443)?",
        ) {
            let (inner, outer) = (origin(&inner), origin(&outer));
            if inner.is_within(&outer) && inner.matches(&header) {
                prop_assert!(outer.matches(&header));
            }
            prop_assert!(inner.is_within(&inner));
        }
    }
}
