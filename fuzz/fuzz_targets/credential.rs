//! Lines of bytes as each part of a request that can carry a key: `Authorization`, `X-Api-Key`, the query of its own
//! URL, and that of the URL which a proxy tells.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use keyrack_guard::{Credential, KeyLocation};
use keyrack_key::{Brands, Denial, Presented};
use libfuzzer_sys::fuzz_target;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    let mut uri = Uri::from_static("/");
    for line in bytes.split(|byte| *byte == b'\n').take(8) {
        let Some((kind, line)) = line.split_first() else { continue };
        match kind {
            b'a' => add(&mut headers, header::AUTHORIZATION, line),
            b'k' => add(&mut headers, API_KEY, line),
            _ => uri = Uri::try_from(line).unwrap_or(uri),
        }
    }
    match Credential::find(&headers, &uri, &Brands::default()) {
        Ok(Some(found)) => {
            let carried = |value: &HeaderValue| holds(value.as_bytes(), found.text());
            match found.location() {
                KeyLocation::Header => assert!(headers.values().any(carried), "a key is what was sent"),
                KeyLocation::Query => assert!(uri.query().is_some_and(|query| query.contains("api-key"))),
            }
            assert!(!format!("{found:?}").contains("text"));
            let _ = Presented::parse(found.text(), &Brands::default()).map(|presented| presented.digest());
        }
        Ok(None) => assert!(!headers.contains_key(API_KEY)),
        Err(denial) => assert_eq!(denial, Denial::Ambiguous),
    }
});

fn add(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.append(name, value);
    }
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}
