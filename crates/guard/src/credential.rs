//! Finds the key in a request.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use keyrack_key::{Brands, Denial, Presented};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The part of a request that contains the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLocation {
    /// The header `Authorization: Bearer` or `X-Api-Key`.
    Header,
    /// The parameter `?api-key=`, which also gets into logs, histories, and `Referer` headers.
    Query,
}

/// The text that a client sent as its key, before it is parsed. Debug output does not contain the text.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue, Uri};
/// use keyrack_guard::{Credential, KeyLocation};
/// use keyrack_key::Brands;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("authorization", HeaderValue::from_static("Bearer kr_sk_example"));
/// let uri = Uri::from_static("/");
/// let found = Credential::find(&headers, &uri, &Brands::default()).unwrap().unwrap();
/// assert_eq!(found.text(), b"kr_sk_example");
/// assert_eq!(found.location(), KeyLocation::Header);
/// ```
pub struct Credential<'a> {
    text: Cow<'a, [u8]>,
    location: KeyLocation,
}

impl<'a> Credential<'a> {
    /// Finds the key of a request. A key that occurs twice counts once. Two different keys of `brands` are
    /// denied, because the server cannot know which one is meant.
    ///
    /// Browsers, front ends, and proxies add credentials of their own. An `Authorization` header of another
    /// scheme is ignored. A text that does not have the form of a key is ignored if the request also has a
    /// key; otherwise it is returned, and parsing it fails.
    pub fn find(headers: &'a HeaderMap, uri: &'a Uri, brands: &Brands) -> Result<Option<Self>, Denial> {
        let in_headers = bearers(headers)
            .chain(headers.get_all(X_API_KEY).iter().map(|value| bare(value.as_bytes())))
            .map(|text| Self { text: Cow::Borrowed(text), location: KeyLocation::Header });
        let mut found: Option<Self> = None;
        for next in in_headers.chain(in_query(uri)) {
            found = Some(match found {
                Some(first) => first.or(next, brands)?,
                None => next,
            });
        }
        Ok(found)
    }

    /// Reads the key from a header that [`Self::find`] does not look at.
    pub fn of_header(value: &'a HeaderValue) -> Self {
        Self { text: Cow::Borrowed(bare(value.as_bytes())), location: KeyLocation::Header }
    }

    /// Chooses between two credentials of one request.
    fn or(mut self, next: Self, brands: &Brands) -> Result<Self, Denial> {
        if self.text == next.text {
            // A key that is also in a header was exposed in the URL nevertheless.
            self.location = next.location;
            return Ok(self);
        }
        match (self.is_ours(brands), next.is_ours(brands)) {
            (true, true) => Err(Denial::Ambiguous),
            (false, true) => Ok(next),
            (_, false) => Ok(self),
        }
    }

    /// Returns `true` if the text has the form of a key of `brands`, with a correct checksum. Such a
    /// key may still be unknown.
    pub fn is_ours(&self, brands: &Brands) -> bool {
        Presented::parse(&self.text, brands).is_ok()
    }

    /// Returns the text, without the scheme in front.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Returns the location of the text. If there are several, the query takes precedence.
    pub const fn location(&self) -> KeyLocation {
        self.location
    }
}

impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("location", &self.location).finish_non_exhaustive()
    }
}

/// Iterates over the tokens of `Authorization: Bearer`.
fn bearers(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| after_scheme(value.as_bytes()))
}

/// Returns the text after `Bearer` (RFC 6750). The scheme is case-insensitive (RFC 9110).
fn after_scheme(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(6)?;
    let ends = rest.first().is_none_or(|byte| *byte == b' ');
    (ends && scheme.eq_ignore_ascii_case(b"bearer")).then(|| rest.trim_ascii())
}

/// Removes a scheme that clients put in front of a key by mistake.
fn bare(value: &[u8]) -> &[u8] {
    after_scheme(value).unwrap_or(value)
}

fn in_query(uri: &Uri) -> impl Iterator<Item = Credential<'_>> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.filter(|(name, _)| name == "api-key").map(|(_, value)| {
        let text = match value {
            Cow::Borrowed(text) => Cow::Borrowed(bare(text.as_bytes())),
            Cow::Owned(text) => Cow::Owned(bare(text.as_bytes()).to_owned()),
        };
        Credential { text, location: KeyLocation::Query }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrack_key::{Class, Secret};
    use proptest::prelude::*;

    fn found(headers: &[(&'static str, &str)], uri: &str) -> Result<Option<(String, KeyLocation)>, Denial> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let uri = uri.parse().unwrap();
        let credential = Credential::find(&map, &uri, &Brands::default())?;
        Ok(credential.map(|c| (String::from_utf8_lossy(c.text()).into_owned(), c.location())))
    }

    /// Generates a key with an accepted brand.
    fn key() -> String {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        Secret::generate(Brands::default().current(), Class::Secret, &mut rng).expose().to_owned()
    }

    #[test]
    fn key_is_found_in_header_and_query() {
        let header = Ok(Some(("a".to_owned(), KeyLocation::Header)));
        assert_eq!(found(&[("authorization", "Bearer a")], "/"), header);
        assert_eq!(found(&[("authorization", "bEaReR   a ")], "/"), header);
        assert_eq!(found(&[("x-api-key", "a")], "/"), header);
        assert_eq!(found(&[], "/?x=1&api-key=a%5Fb"), Ok(Some(("a_b".to_owned(), KeyLocation::Query))));
        assert_eq!(found(&[], "/?api-keys=a"), Ok(None));
        assert_eq!(found(&[("authorization", "Basic YTpi")], "/"), Ok(None));
        assert_eq!(found(&[("authorization", "")], "/"), Ok(None));
        assert_eq!(
            found(&[("authorization", "Bearer")], "/"),
            Ok(Some((String::new(), KeyLocation::Header)))
        );
    }

    #[test]
    fn bearer_scheme_is_stripped_in_every_location() {
        for written in ["Bearer a", "bearer  a", "BEARER a "] {
            assert_eq!(
                found(&[("x-api-key", written)], "/"),
                Ok(Some(("a".to_owned(), KeyLocation::Header)))
            );
            let query = format!("/?api-key={}", written.replace(' ', "+"));
            assert_eq!(found(&[], &query), Ok(Some(("a".to_owned(), KeyLocation::Query))));
        }
        assert_eq!(
            found(&[("x-api-key", "bearer_a")], "/"),
            Ok(Some(("bearer_a".to_owned(), KeyLocation::Header)))
        );
    }

    #[test]
    fn repeated_key_is_one_key_and_two_keys_are_ambiguous() {
        let (a, b) = (key(), key());
        let bearer = format!("Bearer {a}");
        let (auth, own) = (("authorization", bearer.as_str()), ("x-api-key", a.as_str()));
        assert_eq!(found(&[auth, own], "/"), Ok(Some((a.clone(), KeyLocation::Header))));
        assert_eq!(found(&[auth, own], &format!("/?api-key={a}")), Ok(Some((a.clone(), KeyLocation::Query))));
        assert_eq!(found(&[own, ("x-api-key", &b)], "/"), Err(Denial::Ambiguous));
        assert_eq!(found(&[auth, ("x-api-key", "junk"), ("x-api-key", &b)], "/"), Err(Denial::Ambiguous));
        assert_eq!(found(&[auth], &format!("/?api-key={b}")), Err(Denial::Ambiguous));
    }

    #[test]
    fn other_credential_is_ignored_if_key_is_present() {
        let key = key();
        let ours = Ok(Some((key.clone(), KeyLocation::Header)));
        let mut mistyped = key.clone();
        mistyped.pop();
        for other in
            ["", "Bearer", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer null", &format!("Bearer {mistyped}")]
        {
            assert_eq!(found(&[("authorization", other), ("x-api-key", &key)], "/"), ours, "{other}");
        }
        let bearer = format!("Bearer {key}");
        for other in ["", "undefined", &mistyped] {
            assert_eq!(found(&[("authorization", &bearer), ("x-api-key", other)], "/"), ours, "{other}");
            let query = format!("/?api-key={other}");
            assert_eq!(found(&[("authorization", &bearer)], &query), ours, "{other}");
        }
        let query = format!("/?api-key={key}");
        let in_query = Ok(Some((key.clone(), KeyLocation::Query)));
        assert_eq!(found(&[("authorization", "Bearer")], &query), in_query);
        // Without a valid key, the first text is returned and fails to parse.
        let first = Ok(Some(("x".to_owned(), KeyLocation::Header)));
        assert_eq!(found(&[("authorization", "Bearer x"), ("x-api-key", "y")], "/?api-key=z"), first);
    }

    proptest! {
        #[test]
        fn find_never_panics(authorization: Vec<u8>, key: Vec<u8>) {
            let mut headers = HeaderMap::new();
            for (name, value) in [("authorization", authorization), ("x-api-key", key)] {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.append(name, value);
                }
            }
            let _ = Credential::find(&headers, &Uri::from_static("/"), &Brands::default());
        }
    }
}
