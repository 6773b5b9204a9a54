//! Where a request carries its key.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, Uri, header};
use keyrack_key::Denial;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Where the key stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `Authorization: Bearer` or `X-Api-Key`.
    Header,
    /// `?api-key=`, which ends up in logs, histories and `Referer` headers of others.
    Query,
}

/// The bytes that a client sent as its key, not yet looked at. They do not print.
pub struct Credential<'a> {
    text: Cow<'a, [u8]>,
    place: Place,
}

impl<'a> Credential<'a> {
    /// Finds the key of a request. The same key in two places counts once; two different ones are refused,
    /// because which of them was meant cannot be known.
    ///
    /// An `Authorization` header of another scheme is somebody else's and is passed over.
    pub fn find(headers: &'a HeaderMap, uri: &'a Uri) -> Result<Option<Self>, Denial> {
        let mut found: Option<Self> = None;
        let in_headers = bearers(headers)
            .chain(headers.get_all(X_API_KEY).iter().map(http::HeaderValue::as_bytes))
            .map(|text| Self { text: Cow::Borrowed(text), place: Place::Header });
        for next in in_headers.chain(in_query(uri)) {
            match &mut found {
                // Sent in a header as well, it has stood in a URL nevertheless.
                Some(first) if first.text == next.text => first.place = next.place,
                Some(_) => return Err(Denial::Ambiguous),
                None => found = Some(next),
            }
        }
        Ok(found)
    }

    /// The bytes as sent.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where they stood; in the query, if there among others.
    pub const fn place(&self) -> Place {
        self.place
    }
}

impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("place", &self.place).finish_non_exhaustive()
    }
}

/// The tokens of `Authorization: Bearer` (RFC 6750; the scheme has no case, RFC 9110).
fn bearers(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| {
        let (scheme, rest) = value.as_bytes().split_at_checked(6)?;
        let ends = rest.first().is_none_or(|byte| *byte == b' ');
        (ends && scheme.eq_ignore_ascii_case(b"bearer")).then(|| rest.trim_ascii())
    })
}

fn in_query(uri: &Uri) -> impl Iterator<Item = Credential<'_>> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.filter(|(name, _)| name == "api-key").map(|(_, value)| {
        let text = match value {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        Credential { text, place: Place::Query }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn found(headers: &[(&'static str, &str)], uri: &str) -> Result<Option<(String, Place)>, Denial> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let uri = uri.parse().unwrap();
        let credential = Credential::find(&map, &uri)?;
        Ok(credential.map(|c| (String::from_utf8_lossy(c.text()).into_owned(), c.place())))
    }

    #[test]
    fn each_place_is_looked_at() {
        let header = Ok(Some(("a".to_owned(), Place::Header)));
        assert_eq!(found(&[("authorization", "Bearer a")], "/"), header);
        assert_eq!(found(&[("authorization", "bEaReR   a ")], "/"), header);
        assert_eq!(found(&[("x-api-key", "a")], "/"), header);
        assert_eq!(found(&[], "/?x=1&api-key=a%5Fb"), Ok(Some(("a_b".to_owned(), Place::Query))));
        assert_eq!(found(&[], "/?api-keys=a"), Ok(None));
        assert_eq!(found(&[("authorization", "Basic YTpi")], "/"), Ok(None));
        assert_eq!(found(&[("authorization", "Bearer")], "/"), Ok(Some((String::new(), Place::Header))));
    }

    #[test]
    fn one_key_twice_is_one_key_and_two_are_refused() {
        let once = Ok(Some(("a".to_owned(), Place::Header)));
        assert_eq!(found(&[("authorization", "Bearer a"), ("x-api-key", "a")], "/"), once);
        let seen = Ok(Some(("a".to_owned(), Place::Query)));
        assert_eq!(found(&[("authorization", "Bearer a"), ("x-api-key", "a")], "/?api-key=a"), seen);
        assert_eq!(found(&[("x-api-key", "a"), ("x-api-key", "b")], "/"), Err(Denial::Ambiguous));
        assert_eq!(found(&[("authorization", "Bearer a")], "/?api-key=b"), Err(Denial::Ambiguous));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(authorization: Vec<u8>, key: Vec<u8>) {
            let mut headers = HeaderMap::new();
            for (name, value) in [("authorization", authorization), ("x-api-key", key)] {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.append(name, value);
                }
            }
            let _ = Credential::find(&headers, &Uri::from_static("/"));
        }
    }
}
