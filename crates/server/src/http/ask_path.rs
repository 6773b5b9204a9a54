//! Envoy appends the path of the request that it checks to the path of this API, and uses the method of that request.

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};

/// The path at which proxies check requests.
pub const ASK: &str = "/api/v1/forward-auth";
/// The status for an allowed request, for all proxies but Envoy.
pub const YES: StatusCode = StatusCode::NO_CONTENT;
/// Names the proxy that sends the check, if the response depends on the proxy.
pub const PROXY: HeaderName = HeaderName::from_static("x-keyrack-proxy");
/// The value of [`PROXY`] for Envoy.
pub const ENVOY: &str = "envoy";
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// Rewrites `POST /api/v1/forward-auth/some/path?query` as `GET` [`ASK`], and appends the rest of the path to
/// `X-Forwarded-Uri`. Sets [`PROXY`] to Envoy if the request does not name a proxy. Keeps the method `HEAD`, so that the
/// response has no body.
pub fn settle<B>(request: &mut Request<B>) {
    if !request.uri().path().strip_prefix(ASK).is_some_and(|below| below.starts_with('/')) {
        return;
    }
    let text = request.uri().path_and_query().map_or("", PathAndQuery::as_str);
    let rest = text.strip_prefix(ASK).filter(|rest| *rest != "/");
    // From bytes, because clients may send unescaped UTF-8.
    let rest = rest.map(|rest| HeaderValue::from_bytes(rest.as_bytes()));
    // With HTTP/2 the URI also contains the host.
    let mut uri = request.uri().clone().into_parts();
    uri.path_and_query = Some(PathAndQuery::from_static(ASK));
    let (Ok(rest), Ok(uri)) = (rest.transpose(), Uri::from_parts(uri)) else { return };
    if let Some(rest) = rest {
        request.headers_mut().append(FORWARDED, rest);
    }
    request.headers_mut().entry(PROXY).or_insert(HeaderValue::from_static(ENVOY));
    *request.uri_mut() = uri;
    if *request.method() != Method::HEAD {
        *request.method_mut() = Method::GET;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(method: Method, uri: &str) -> (String, String, Option<String>) {
        let mut request = Request::builder().method(method).uri(uri).body(()).unwrap();
        settle(&mut request);
        let forwarded = request
            .headers()
            .get(FORWARDED)
            .map(|value| String::from_utf8(value.as_bytes().to_vec()).unwrap());
        (request.method().to_string(), request.uri().to_string(), forwarded)
    }

    #[test]
    fn path_below_forward_auth_becomes_the_forwarded_path() {
        let below = settled(Method::POST, "/api/v1/forward-auth/predict/7?api-key=x");
        assert_eq!(below, ("GET".into(), ASK.into(), Some("/predict/7?api-key=x".into())));
        let root = settled(Method::POST, "/api/v1/forward-auth/?a=b");
        assert_eq!(root, ("GET".into(), ASK.into(), Some("/?a=b".into())));
        assert_eq!(settled(Method::POST, "/api/v1/forward-auth/"), ("GET".into(), ASK.into(), None));
        assert_eq!(settled(Method::HEAD, "/api/v1/forward-auth/a").0, "HEAD");
        assert_eq!(settled(Method::OPTIONS, "/api/v1/forward-auth/a").0, "GET");
        let options = settled(Method::OPTIONS, "/api/v1/forward-auth/?a=b");
        assert_eq!(options, ("GET".into(), ASK.into(), Some("/?a=b".into())));
        assert_eq!(
            settled(Method::OPTIONS, "/api/v1/forward-auth/").0,
            "GET",
            "forward auth answers no preflight"
        );
        let raw = settled(Method::GET, "/api/v1/forward-auth/für?é=1");
        assert_eq!(raw.2.as_deref(), Some("/für?é=1"));
        for other in ["/api/v1/forward-auth", "/api/v1/forward-authors/7", "/forward-auth/7"] {
            assert_eq!(settled(Method::POST, other), ("POST".into(), other.into(), None));
        }
    }

    #[test]
    fn absolute_uri_keeps_its_host() {
        let (_, uri, _) = settled(Method::GET, "http://keys.example.org/api/v1/forward-auth/a?b=c");
        assert_eq!(uri, "http://keys.example.org/api/v1/forward-auth");
    }
}
