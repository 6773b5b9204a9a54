//! Checks that a browser sent its request from Keyrack's own pages, and to a host name of this server.

use std::net::IpAddr;

use http::{HeaderMap, Method, StatusCode, header};
use keyrack_guard::{OwnOrigins, Problem};

/// Why a browser's request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// The host name is not a name of this server.
    #[error("Unknown host name. If it is correct, start Keyrack with --public-url.")]
    Host,
    /// A page of another site, or a program that states no origin, sent a request that changes something.
    #[error("Cross-site request blocked. Reload the page and try again.")]
    Origin,
}

impl Foreign {
    /// Converts the denial to a problem of the API.
    pub fn problem(self) -> Problem {
        match self {
            Self::Host => Problem::new(StatusCode::MISDIRECTED_REQUEST, "foreign_host", self.to_string()),
            Self::Origin => Problem::new(StatusCode::FORBIDDEN, "foreign_origin", self.to_string()),
        }
    }
}

/// Checks the host and the origin of a request. Every request that a cookie authenticates must pass this check, on the
/// pages and in the API.
pub fn check(method: &Method, headers: &HeaderMap, home: &OwnOrigins) -> Result<(), Foreign> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).ok_or(Foreign::Host)?;
    if !home.is_own_host(host) {
        return Err(Foreign::Host);
    }
    if method.is_safe() {
        return Ok(());
    }
    // Browsers send Sec-Fetch-Site only to trustworthy origins, so a plain HTTP host is checked by Origin.
    let own = all(headers, "sec-fetch-site", |site| site == "same-origin" || site == "none")
        .or_else(|| all(headers, "origin", |origin| home.is_own_origin(origin, Some(host))));
    if own == Some(true) { Ok(()) } else { Err(Foreign::Origin) }
}

/// Returns whether all headers of this name are right, or `None` if there are none.
fn all(headers: &HeaderMap, name: &str, is_right: impl Fn(&str) -> bool) -> Option<bool> {
    let values = headers.get_all(name);
    values.iter().next()?;
    Some(values.iter().all(|value| value.to_str().is_ok_and(&is_right)))
}

/// Returns whether other machines can reach an address, so that plain HTTP deserves a warning.
pub const fn is_public(address: IpAddr) -> bool {
    !address.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_request(
        method: &Method,
        headers: &[(&'static str, &str)],
        public: Option<&str>,
    ) -> Result<(), Foreign> {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let own_origins = public.map_or(OwnOrigins::local(), |url| OwnOrigins::with(url).unwrap());
        check(method, &headers, &own_origins)
    }

    #[test]
    fn post_from_another_origin_is_rejected() {
        let host = ("host", "127.0.0.1:8080");
        let post = |headers: &[(&'static str, &str)]| check_request(&Method::POST, headers, None);
        assert_eq!(post(&[host]), Err(Foreign::Origin));
        assert_eq!(post(&[host, ("sec-fetch-site", "same-origin")]), Ok(()));
        assert_eq!(post(&[host, ("origin", "http://127.0.0.1:8080")]), Ok(()));
        for foreign in
            ["null", "http://127.0.0.1:9999", "https://evil.example", "http://127.0.0.1:8080.evil.example"]
        {
            assert_eq!(post(&[host, ("origin", foreign)]), Err(Foreign::Origin), "{foreign}");
        }
        for site in ["cross-site", "same-site", "SAME-ORIGIN "] {
            let both = [host, ("sec-fetch-site", site), ("origin", "http://127.0.0.1:8080")];
            assert_eq!(post(&both), Err(Foreign::Origin), "{site}");
        }
    }

    #[test]
    fn foreign_host_is_rejected() {
        let get = |host, public| check_request(&Method::GET, &[("host", host)], public);
        assert_eq!(get("localhost:8080", None), Ok(()));
        assert_eq!(get("[::1]:8080", None), Ok(()));
        assert_eq!(get("keys.example.org", None), Err(Foreign::Host));
        assert_eq!(get("keys.example.org", Some("https://keys.example.org")), Ok(()));
        assert_eq!(check_request(&Method::GET, &[], None), Err(Foreign::Host));
        for odd in ["evil.example@localhost", "localhost/x", "localhost#x", "localhost?x", "localhost\\x"] {
            assert_eq!(get(odd, None), Err(Foreign::Host), "{odd}");
        }
    }

    #[test]
    fn public_origin_is_accepted_behind_a_proxy() {
        let headers = [("host", "localhost:8080"), ("origin", "https://keys.example.org")];
        assert_eq!(check_request(&Method::POST, &headers, Some("https://keys.example.org")), Ok(()));
        assert_eq!(check_request(&Method::POST, &headers, None), Err(Foreign::Origin));
    }
}
