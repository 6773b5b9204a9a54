//! Whether a request was made by a page in a browser, and by whose.

use http::{HeaderMap, HeaderName, HeaderValue, header};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where our own pages come from.
#[derive(Clone, Debug)]
pub(crate) enum Home {
    /// The host that a request is addressed to.
    Host,
    /// That, and this origin.
    At(String),
    /// No page is ours.
    Nowhere,
}

impl Home {
    /// That origin, as browsers write it.
    pub(crate) fn at(origin: &str) -> Self {
        Self::At(origin.trim_end_matches('/').to_ascii_lowercase())
    }

    /// Whether a page that is not ours sent this: its `Origin` is another one, or the browser says that the page is of
    /// another site, or of another origin of ours. `Sec-Fetch-Mode` says nothing: Node's `fetch` sends it as well.
    /// No allocation.
    pub(crate) fn is_left_by(&self, headers: &HeaderMap) -> bool {
        let is_elsewhere = |site: &HeaderValue| match site.as_bytes() {
            b"cross-site" | b"same-site" => true,
            b"same-origin" => matches!(self, Self::Nowhere),
            _ => false,
        };
        headers.get_all(SEC_FETCH_SITE).iter().any(is_elsewhere)
            || headers.get_all(header::ORIGIN).iter().any(|origin| !self.is_own(origin, headers))
    }

    fn is_own(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        match self {
            Self::Nowhere => return false,
            Self::At(own) if own.eq_ignore_ascii_case(origin) => return true,
            Self::At(_) | Self::Host => {}
        }
        // A proxy may speak HTTPS for us, so the scheme is not compared: who answers at this host is us in any case.
        let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(headers: &[(&'static str, &str)]) -> bool {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Home::at("https://keys.example.org/").is_left_by(&headers)
    }

    #[test]
    fn whoever_has_no_pages_is_left_by_all_of_them() {
        let nowhere = |name: &'static str, value: &'static str| {
            let headers = HeaderMap::from_iter([
                (header::HOST, HeaderValue::from_static("127.0.0.1:8080")),
                (HeaderName::from_static(name), HeaderValue::from_static(value)),
            ]);
            Home::Nowhere.is_left_by(&headers)
        };
        assert!(nowhere("origin", "http://127.0.0.1:8080"));
        assert!(nowhere("sec-fetch-site", "same-origin"));
        assert!(!nowhere("sec-fetch-site", "none"), "typed into the address bar");
        assert!(!nowhere("sec-fetch-mode", "cors"), "Node");
    }

    #[test]
    fn programs_and_our_own_pages_are_at_home() {
        let host = ("host", "127.0.0.1:8080");
        assert!(!left(&[]));
        assert!(!left(&[host, ("sec-fetch-mode", "cors")]), "Node");
        assert!(!left(&[host, ("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8080")]));
        assert!(!left(&[host, ("origin", "https://keys.example.org")]));
        assert!(!left(&[host, ("sec-fetch-site", "none")]), "typed into the address bar");
    }

    #[test]
    fn pages_of_others_are_not() {
        let host = ("host", "127.0.0.1:8080");
        for origin in [
            "null",
            "",
            "https://evil.example",
            "http://127.0.0.1",
            "http://127.0.0.1:8081",
            "http://localhost:8080",
            "https://keys.example.org.evil.example",
            "https://keys.example.org:8443",
            "http://keys.example.org",
            "ftp://127.0.0.1:8080",
            "127.0.0.1:8080",
        ] {
            assert!(left(&[host, ("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            assert!(left(&[host, ("sec-fetch-site", site), ("origin", "http://127.0.0.1:8080")]), "{site}");
        }
    }
}
