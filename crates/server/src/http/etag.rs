//! Checks whether a client already has the current version of a resource.

use http::{HeaderMap, header};

/// Returns whether `If-None-Match` contains this tag or `*`. Weak tags match as well (RFC 9110, section 13.1.2).
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let tags = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    tags.flat_map(|tags| tags.split(','))
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etag_matches_alone_in_list_weak_or_wildcard() {
        let is_known = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::IF_NONE_MATCH, line.parse().unwrap());
            }
            super::is_known(&headers, "\"a-1\"")
        };
        for lines in [&["\"a-1\""][..], &["W/\"a-1\""], &["*"], &["\"b\", W/\"a-1\""], &["\"b\"", "\"a-1\""]]
        {
            assert!(is_known(lines), "{lines:?}");
        }
        for lines in [&[][..], &[""], &["a-1"], &["\"a-10\""], &["\"*\""], &["\"b\", \"c\""]] {
            assert!(!is_known(lines), "{lines:?}");
        }
    }
}
