//! Normalizes the spelling of a path: `/%70rojects` becomes `/projects`.

use http::uri::PathAndQuery;
use http::{Request, Uri};

/// Decodes percent-encoded letters, digits, and `-._~` in the path, because both spellings mean the same path (RFC 3986,
/// section 6.2.2.2). Decodes once, so that `%2570` stays `%2570`. Keeps other encoded characters and the query.
pub fn settle<B>(request: &mut Request<B>) {
    let Some(path) = plain(request.uri().path()) else { return };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = request.uri().clone().into_parts();
    let Ok(path) = PathAndQuery::try_from(path + query.as_str()) else { return };
    parts.path_and_query = Some(path);
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

/// Returns the decoded path, or `None` if the path needs no change.
fn plain(path: &str) -> Option<String> {
    let mut pieces = path.split('%');
    let mut plain = pieces.next()?.to_owned();
    let mut is_changed = false;
    for piece in pieces {
        let code = piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code.filter(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte)) {
            Some(byte) => {
                plain.push(byte.into());
                plain.push_str(&piece[2..]);
                is_changed = true;
            }
            None => {
                plain.push('%');
                plain.push_str(piece);
            }
        }
    }
    is_changed.then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unneeded_percent_encoding_is_decoded() {
        for (sent, settled) in [
            ("/api/v1/%70rojects", "/api/v1/projects"),
            ("/api/v1/%70ro%6Aects/?%70=%71", "/api/v1/projects/?%70=%71"),
            ("/%61%70%69/v1/keys/key%5F0", "/api/v1/keys/key_0"),
            ("/%2570rojects", "/%2570rojects"),
            ("/a%2Fb%3F%23%00", "/a%2Fb%3F%23%00"),
            ("/%e2%82%ac", "/%e2%82%ac"),
            ("/a%", "/a%"),
            ("/a%7", "/a%7"),
            ("/a%+1b", "/a%+1b"),
            ("http://h/%61", "http://h/a"),
        ] {
            let mut request = Request::builder().uri(sent).body(()).unwrap();
            settle(&mut request);
            assert_eq!(request.uri().to_string(), settled, "{sent}");
        }
    }
}
