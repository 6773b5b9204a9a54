use http::{HeaderMap, header};

/// Returns the origin of a request, or `None` if the request has no `Origin` header, or several: a browser sends one at most
/// (RFC 6454, section 7.3).
pub fn origin(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::ORIGIN).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn request_with_two_origins_has_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(origin(&headers), None);
        headers.append(header::ORIGIN, HeaderValue::from_static("https://a.example.org"));
        assert_eq!(origin(&headers), Some("https://a.example.org"));
        headers.append(header::ORIGIN, HeaderValue::from_static("https://evil.example"));
        assert_eq!(origin(&headers), None);
    }
}
