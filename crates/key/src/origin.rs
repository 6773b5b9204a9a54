//! The web origins that a key is restricted to.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An allowed origin (RFC 6454), such as `https://app.example.org` or `http://localhost:5173`.
/// `https://*.example.org` allows every host below `example.org`.
///
/// # Examples
///
/// ```
/// use keyrack_key::Origin;
///
/// let origin: Origin = "https://*.example.org".parse()?;
/// assert!(origin.matches("https://shop.example.org"));
/// assert!(!origin.matches("https://example.org"));
/// # Ok::<(), keyrack_key::OriginError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scheme: Box<str>,
    /// Without the `*.`. An IPv6 address is in brackets, as browsers write it.
    host: Box<str>,
    below: bool,
    port: Option<u16>,
    /// An earlier version accepted this text and this version does not: a wildcard below a public suffix such
    /// as `co.uk`, where anyone can register a host, or a host that no browser writes, such as `127.1`.
    matches_nothing: bool,
}

/// The text is not a valid origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The text does not have the form of an origin.
    #[error(
        "Enter an origin such as https://app.example.org, https://*.example.org or http://localhost:5173, without a path."
    )]
    Malformed,
    /// The wildcard is below a public suffix or in front of an address.
    #[error(
        "Anyone can register a site there. Use the star only with your own domain, such as \
         https://*.example.org."
    )]
    PublicSuffix,
}

impl Origin {
    /// Returns `true` if a request with this `Origin` header comes from this origin. The header must be an
    /// origin and nothing else, to the last byte. Allocates nothing.
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

    /// Returns `true` if `other` matches every origin that `self` matches.
    pub fn is_within(&self, other: &Self) -> bool {
        if self.matches_nothing || other.matches_nothing {
            return self.matches_nothing;
        }
        let host_within = if other.below {
            // `*.a.example.org` and `*.example.org` are within `*.example.org`; `example.org` is not.
            (self.below && self.host == other.host) || is_owned_below(&self.host, &other.host)
        } else {
            !self.below && self.host == other.host
        };
        host_within && self.scheme == other.scheme && self.port == other.port
    }

    /// Reads a stored origin. Also accepts texts that only an earlier version accepted, because otherwise the
    /// key's other restrictions could not be read either.
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

/// Earlier versions took any text of letters, digits, hyphens, dots, and colons for a host.
fn is_former_host(host: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':');
    !host.is_empty() && host.bytes().all(is_plain)
}

/// Returns `true` if a domain in lower case has an owner, who also owns the hosts below it: `example.co.uk`,
/// but not `co.uk`, `github.io`, or `com`. Source: <https://publicsuffix.org>, as of the build.
fn has_owner(domain: &str) -> bool {
    psl::domain_str(domain).is_some()
}

/// Returns `true` if `host` is below `domain` and has the same owner. `evil.s3.amazonaws.com` is below
/// `amazonaws.com`, but anyone can register it. Allocates nothing.
fn is_owned_below(host: &str, domain: &str) -> bool {
    // The public suffix list is in lower case. No host name is longer than 253 bytes.
    let mut lower = [0; 253];
    let Some(lower) = lower.get_mut(..host.len()) else { return false };
    lower.copy_from_slice(host.as_bytes());
    lower.make_ascii_lowercase();
    is_below(host, domain)
        && psl::domain(lower).is_some_and(|registered| registered.as_bytes().len() <= domain.len())
}

/// Returns `true` if `host` has at least one label in front of `domain`.
fn is_below(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.as_bytes(), domain.as_bytes());
    let labels = host.len().checked_sub(domain.len() + 1).filter(|labels| *labels > 0);
    labels.is_some_and(|labels| host[labels] == b'.' && host[labels + 1..].eq_ignore_ascii_case(domain))
}

/// The parts of `scheme://host[:port]`.
struct Parts<'a> {
    scheme: &'a str,
    host: HostText<'a>,
    /// `None` for the scheme's default port, which browsers leave out.
    port: Option<u16>,
}

/// A host in the spelling of browsers.
enum HostText<'a> {
    /// A DNS name in ASCII; international names are in Punycode.
    Name(&'a str),
    Ipv4(&'a str),
    Ipv6(Ipv6Addr),
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        Self::from(scheme, rest)
    }

    /// Takes the texts before and after `://`.
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

/// Accepts the spelling of browsers only: no sign, no leading zero.
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
        // A host whose last label is a number is an IPv4 address (WHATWG URL, "ends in a number"), which
        // browsers write in one form.
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
mod tests;
