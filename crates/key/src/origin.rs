//! The web origins from which a key may be used.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An allowed origin (RFC 6454): `https://app.example.org`, `http://localhost:5173`,
/// or every host below one with `https://*.example.org`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scheme: Box<str>,
    /// Without the `*.`. An IPv6 address stands in brackets, as browsers write it.
    host: Box<str>,
    below: bool,
    port: Option<u16>,
    /// Accepted by an earlier version and no longer: below a public suffix such as `co.uk`, where anybody can register, or a
    /// host that no browser writes so, such as `127.1`.
    matches_nothing: bool,
}

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It is not written as an origin.
    #[error(
        "Enter an origin such as https://app.example.org, https://*.example.org or http://localhost:5173, without a path."
    )]
    Malformed,
    /// A star below a public suffix, or in front of an address.
    #[error(
        "Anybody can register a site there. Put the star in front of a domain of your own, such as https://*.example.org."
    )]
    PublicSuffix,
}

impl Origin {
    /// Whether a request with this `Origin` header comes from here. Only a header that is an origin to the last byte
    /// matches. No allocation.
    pub fn matches(&self, header: &str) -> bool {
        let Some(Parts { scheme, host, port }) = Parts::of(header) else {
            return false;
        };
        let host_fits = match host {
            _ if self.matches_nothing => false,
            HostText::Ipv6(address) => self.ipv6() == Some(address),
            HostText::Ipv4(host) => !self.below && *host == *self.host,
            HostText::Name(host) if self.below => is_owned_below(host, &self.host),
            HostText::Name(host) => host.eq_ignore_ascii_case(&self.host),
        };
        host_fits && scheme.eq_ignore_ascii_case(&self.scheme) && port == self.port
    }

    /// Whether every origin that `self` matches is matched by `other` as well.
    pub fn is_within(&self, other: &Self) -> bool {
        if self.matches_nothing || other.matches_nothing {
            return self.matches_nothing;
        }
        let host_within = if other.below {
            // `*.a.example.org` lies within `*.example.org`, and that within itself; `example.org` does not.
            (self.below && self.host == other.host) || is_owned_below(&self.host, &other.host)
        } else {
            !self.below && self.host == other.host
        };
        host_within && self.scheme == other.scheme && self.port == other.port
    }

    /// Reads an origin that was stored. What was accepted once is kept, so that the key's other restrictions stay readable.
    fn stored(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::Malformed)?;
        let (below, rest) = rest.strip_prefix("*.").map_or((false, rest), |rest| (true, rest));
        match Parts::from(scheme, rest) {
            Some(parts) => Ok(Self::of(&parts, below)),
            None if is_former_host(rest) => Ok(Self {
                scheme: scheme.to_ascii_lowercase().into(),
                host: rest.to_ascii_lowercase().into(),
                below,
                port: None,
                matches_nothing: true,
            }),
            None => Err(OriginError::Malformed),
        }
    }

    fn of(parts: &Parts<'_>, below: bool) -> Self {
        let (host, has_owner) = match &parts.host {
            HostText::Ipv6(address) => (format!("[{address}]"), false),
            HostText::Ipv4(host) => ((*host).to_owned(), false),
            HostText::Name(host) => {
                let host = host.to_ascii_lowercase();
                let has_owner = has_owner(&host);
                (host, has_owner)
            }
        };
        let scheme = parts.scheme.to_ascii_lowercase().into();
        Self { scheme, host: host.into(), below, port: parts.port, matches_nothing: below && !has_owner }
    }

    fn ipv6(&self) -> Option<Ipv6Addr> {
        self.host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::Malformed)?;
        let (below, rest) = rest.strip_prefix("*.").map_or((false, rest), |rest| (true, rest));
        let origin = Self::of(&Parts::from(scheme, rest).ok_or(OriginError::Malformed)?, below);
        if origin.matches_nothing { Err(OriginError::PublicSuffix) } else { Ok(origin) }
    }
}

/// Letters, digits, hyphens and dots: earlier versions took them for a host, a port behind them included.
fn is_former_host(host: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':');
    !host.is_empty() && host.bytes().all(is_plain)
}

/// Whether a domain, in lower case, belongs to somebody, whose hosts lie below it: `example.co.uk`, and not `co.uk`, `github.io` or `com`
/// (<https://publicsuffix.org>, as of the build).
fn has_owner(domain: &str) -> bool {
    psl::domain_str(domain).is_some()
}

/// Whether `host` lies below `domain`, and both have the same owner. `evil.s3.amazonaws.com` lies below
/// `amazonaws.com`, but anybody can register it. No allocation.
fn is_owned_below(host: &str, domain: &str) -> bool {
    // The list is in lower case. Longer hosts are none.
    let mut lower = [0; 253];
    let Some(lower) = lower.get_mut(..host.len()) else { return false };
    lower.copy_from_slice(host.as_bytes());
    lower.make_ascii_lowercase();
    is_below(host, domain)
        && psl::domain(lower).is_some_and(|registered| registered.as_bytes().len() <= domain.len())
}

/// Whether `host` has at least one label in front of `domain`.
fn is_below(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.as_bytes(), domain.as_bytes());
    let labels = host.len().checked_sub(domain.len() + 1).filter(|labels| *labels > 0);
    labels.is_some_and(|labels| host[labels] == b'.' && host[labels + 1..].eq_ignore_ascii_case(domain))
}

/// `scheme://host[:port]`, and nothing else.
struct Parts<'a> {
    scheme: &'a str,
    host: HostText<'a>,
    /// Where it is not the scheme's own: browsers leave that one out.
    port: Option<u16>,
}

/// A host as browsers write it.
enum HostText<'a> {
    /// A DNS name in ASCII, punycode for others.
    Name(&'a str),
    Ipv4(&'a str),
    Ipv6(Ipv6Addr),
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        Self::from(scheme, rest)
    }

    /// Of what stands before and behind `://`.
    fn from(scheme: &'a str, rest: &'a str) -> Option<Self> {
        let usual = match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => 443,
            _ if scheme.eq_ignore_ascii_case("http") => 80,
            _ => return None,
        };
        let end_of_address = rest.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match rest[end_of_address..].rfind(':') {
            Some(colon) => {
                (&rest[..end_of_address + colon], Some(port(&rest[end_of_address + colon + 1..])?))
            }
            None => (rest, None),
        };
        Some(Self { scheme, host: HostText::of(host)?, port: port.filter(|port| *port != usual) })
    }
}

/// Digits alone, as browsers write them: no sign, no zero in front.
fn port(digits: &str) -> Option<u16> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| is_plain)
}

impl<'a> HostText<'a> {
    fn of(host: &'a str) -> Option<Self> {
        if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return address.parse().ok().map(Self::Ipv6);
        }
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if host.len() > 253 || !host.split('.').all(is_label) {
            return None;
        }
        // A last label of digits makes it an address (WHATWG URL, "ends in a number"), of which browsers write one form.
        let last = host.rsplit('.').next().unwrap_or_default();
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
            || last.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"));
        match host.parse::<Ipv4Addr>() {
            Ok(_) => Some(Self::Ipv4(host)),
            Err(_) => (!is_number).then_some(Self::Name(host)),
        }
    }
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
        Self::stored(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
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
    fn a_header_matches_only_if_it_is_an_origin_to_the_last_byte() {
        let all = origin("https://*.example.org");
        for header in [
            "https://evil.net/.example.org",
            "https://evil.net?.example.org",
            "https://evil.net#.example.org",
            "https://evil.net\\.example.org",
            "https://evil.net:443/.example.org",
            "https://user@a.example.org",
            "https://evil.net@a.example.org",
            "https://evil.net%2f.example.org",
            "https://evil net.example.org",
            "https://..example.org",
            "https://a..example.org",
            "https://-.example.org",
            "https://a.example.org.",
            "https://a.example.org:",
            "https://a.example.org:0443",
            "https://a.example.org:+443",
            "https://a.example.org/",
            " https://a.example.org",
            "https://a.example.org https://b.example.org",
            "https:a.example.org",
            "https:///a.example.org",
        ] {
            assert!(!all.matches(header), "{header}");
        }
        assert!(all.matches("HTTPS://A.EXAMPLE.ORG:443"));
        assert!(all.matches("https://xn--bcher-kva.example.org"));
    }

    #[test]
    fn addresses_are_compared_as_addresses() {
        let six = origin("http://[0:0:0:0:0:0:0:1]:3000");
        assert_eq!(six.to_string(), "http://[::1]:3000");
        assert!(six.matches("http://[::1]:3000") && six.matches("http://[0::0001]:3000"));
        assert!(!six.matches("http://[::2]:3000") && !six.matches("http://[::1]"));
        assert!(origin("https://[::ffff:192.0.2.1]").matches("https://[::ffff:c000:201]"));
        let four = origin("http://192.0.2.1:8080");
        assert!(four.matches("http://192.0.2.1:8080") && !four.matches("http://192.0.2.2:8080"));
        for text in
            ["http://127.1", "http://2130706433", "http://0x7f.0x1", "http://192.0.2.256", "http://a.1"]
        {
            assert_eq!(text.parse::<Origin>(), Err(OriginError::Malformed), "{text}");
        }
    }

    #[test]
    fn a_star_needs_a_domain_that_somebody_owns() {
        for text in [
            "https://*.org",
            "https://*.co.uk",
            "https://*.CO.UK",
            "https://*.github.io",
            "https://*.s3.amazonaws.com",
            "https://*.localhost",
            "https://*.2.3.4",
            "https://*.192.0.2.1",
            "https://*.[::1]",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
        for text in ["https://*.example.co.uk", "https://*.me.github.io", "https://*.apps.corp"] {
            assert!(text.parse::<Origin>().is_ok(), "{text}");
        }
    }

    #[test]
    fn a_star_matches_no_host_that_somebody_else_owns() {
        for (star, owned_by_others) in [
            ("https://*.kawasaki.jp", "https://evil.foo.kawasaki.jp"),
            ("https://*.amazonaws.com", "https://evil.s3.amazonaws.com"),
            ("https://*.amazonaws.com", "https://EVIL.S3.amazonaws.com"),
            ("https://*.windows.net", "https://evil.blob.core.windows.net"),
        ] {
            let star = origin(star);
            assert!(!star.matches(owned_by_others), "{star} {owned_by_others}");
            assert!(!origin(owned_by_others).is_within(&star), "{star} {owned_by_others}");
        }
        assert!(origin("https://*.evil.s3.amazonaws.com").matches("https://a.evil.s3.amazonaws.com"));
        assert!(origin("https://*.amazonaws.com").matches("https://docs.amazonaws.com"));
    }

    #[test]
    fn a_stored_star_below_a_public_suffix_is_read_and_matches_nothing() {
        let stored: Origin = serde_json::from_str("\"https://*.co.uk\"").unwrap();
        assert_eq!(serde_json::to_string(&stored).unwrap(), "\"https://*.co.uk\"");
        assert!(!stored.matches("https://evil.co.uk"));
        let inner = origin("https://*.example.co.uk");
        assert!(!inner.is_within(&stored) && stored.is_within(&inner));
        let former: Origin = serde_json::from_str("\"http://127.1:3000\"").unwrap();
        assert_eq!(former.to_string(), "http://127.1:3000");
        assert!(!former.matches("http://127.1:3000") && !former.matches("http://127.0.0.1:3000"));
        assert!(serde_json::from_str::<Origin>("\"https://a.org/\"").is_err());
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "example.org",
            "https://",
            "https://a.org/",
            "https://a.org/path",
            "ftp://a.org",
            "https://a..org",
            "https://a.org.",
            "https://user@a.org",
            "https://a.org:99999",
            "https://a.org:+1",
            "https://*",
            "https://*.*.example.org",
            "https://a.*.example.org",
            "https://b\u{fc}cher.example",
            "null",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError::Malformed), "{text}");
        }
        assert!("http://[::1]:3000".parse::<Origin>().is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = text.parse::<Origin>();
            let _ = origin("https://*.example.org").matches(&text);
        }

        /// Whatever stands in front of our domain: what matches is a host below it, as the URL standard reads it.
        #[test]
        fn what_matches_a_star_leads_to_a_host_below(front in "[a-z0-9./:@?#\\\\\\[\\]%_ *-]{0,12}", back in "[.:/0-9]{0,3}") {
            let header = format!("https://{front}.example.org{back}");
            if origin("https://*.example.org").matches(&header) {
                let url = url::Url::parse(&header).unwrap();
                prop_assert!(url.host_str().unwrap().ends_with(".example.org"), "{header}");
                prop_assert_eq!(url.origin().ascii_serialization(), header.trim_end_matches(":443"));
            }
        }

        /// What is accepted is what browsers send for it.
        #[test]
        fn an_origin_is_what_the_url_standard_makes_of_it(text in "https?://[a-c0-9.:\\[\\]-]{1,12}(:[0-9]{1,4})?") {
            if let Ok(read) = text.parse::<Origin>() {
                let url = url::Url::parse(&text).unwrap();
                prop_assert!(read.matches(&url.origin().ascii_serialization()), "{text}");
            }
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
