//! The paths of the API. The documentation writes them without `/api/v1`, so the server accepts both forms. A missing
//! prefix is added first, so that the guard, the routes, the log, and the metrics see only one form.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};

use crate::api::{OPENAPI, Route};

/// The prefix of the API's paths.
pub const PREFIX: &str = "/api/v1";

/// The prefix of the one page whose path is also a path of the API. The `manage_url` of a denial leads to this page.
const PAGE_OF_KEY: &str = "/keys/";

/// The first segments of the API's paths. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiPaths(Arc<BTreeSet<String>>);

impl ApiPaths {
    /// Collects the segments of `routes` and of the API description.
    pub fn new(routes: &[Route]) -> Self {
        let paths = routes.iter().map(|route| route.path.as_str()).chain([OPENAPI]);
        Self(Arc::new(paths.map(|path| first_segment(path).to_owned()).collect()))
    }

    /// Adds [`PREFIX`] to a path of the API without the prefix. Allocates only for such paths.
    pub fn add_prefix<B>(&self, request: &mut Request<B>) {
        let path = request.uri().path();
        if path.starts_with("/api/") || !self.0.contains(first_segment(path)) || is_for_page(request) {
            return;
        }
        let path_and_query = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let Ok(prefixed) = PathAndQuery::try_from(format!("{PREFIX}{path_and_query}")) else { return };
        // With HTTP/2 the URI also contains the host.
        let mut uri = request.uri().clone().into_parts();
        uri.path_and_query = Some(prefixed);
        if let Ok(uri) = Uri::from_parts(uri) {
            *request.uri_mut() = uri;
        }
    }
}

/// Returns the first segment of a path, without its slashes.
pub fn first_segment(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

/// Returns whether a request carries a key, valid or not, in a place where the guard expects keys.
pub fn carries_key(headers: &HeaderMap, uri: &Uri) -> bool {
    let is_bearer = |value: &HeaderValue| {
        value.as_bytes().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
    };
    headers.contains_key("x-api-key")
        || headers.get_all(header::AUTHORIZATION).iter().any(is_bearer)
        || form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .any(|(name, _)| name == "api-key")
}

/// Returns whether a person follows the link to the page of a key: a browser accepts HTML and carries no key.
fn is_for_page<B>(request: &Request<B>) -> bool {
    let is_link = matches!(*request.method(), Method::GET | Method::HEAD)
        && request
            .uri()
            .path()
            .strip_prefix(PAGE_OF_KEY)
            .is_some_and(|id| !id.trim_end_matches('/').contains('/'));
    is_link && accepts_html(request.headers()) && !carries_key(request.headers(), request.uri())
}

/// Returns whether a client names HTML in `Accept`. Programs that accept `*/*` do not.
pub fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml")
    })
}

#[cfg(test)]
mod tests {
    use keyrack_key::Permission;
    use keyrack_store::Role;

    use super::*;
    use crate::api::RouteAccess;

    fn prefixed(request: http::request::Builder) -> String {
        let access = RouteAccess::Guarded(Permission::KeysManage, Role::Viewer);
        let route = |path: &str| Route { method: Method::GET, path: path.to_owned(), access };
        let paths =
            ApiPaths::new(&[route("/keys/{id}"), route("/predict/classify/{model_id}"), route("/verify")]);
        let mut request = request.body(()).unwrap();
        paths.add_prefix(&mut request);
        request.uri().to_string()
    }

    #[test]
    fn api_paths_get_the_prefix_and_others_stay() {
        let get = |uri: &str| prefixed(Request::get(uri));
        assert_eq!(get("/predict/classify/mdl_1/"), "/api/v1/predict/classify/mdl_1/");
        assert_eq!(get("/predict"), "/api/v1/predict");
        assert_eq!(get("/predict/no/such/path?a=b&c"), "/api/v1/predict/no/such/path?a=b&c");
        assert_eq!(get("/openapi.json"), "/api/v1/openapi.json");
        assert_eq!(get("/verify"), "/api/v1/verify");
        let with_host = get("https://keys.example.org/verify?a=b");
        assert_eq!(with_host, "https://keys.example.org/api/v1/verify?a=b");
        for other in
            ["/", "/w/keys", "/verified", "/sign-in", "/api/v1/verify", "/api/v2/verify", "/api/keys"]
        {
            assert_eq!(get(other), other);
        }
    }

    #[test]
    fn key_link_opens_a_page_in_browsers_only() {
        let link =
            || Request::get("/keys/key_1").header("accept", "text/html,application/xml;q=0.9,*/*;q=0.8");
        assert_eq!(prefixed(link()), "/keys/key_1");
        assert_eq!(prefixed(Request::get("/keys/key_1/").header("accept", "TEXT/HTML")), "/keys/key_1/");
        let api = "/api/v1/keys/key_1";
        assert_eq!(prefixed(Request::get("/keys/key_1")), api);
        assert_eq!(prefixed(Request::get("/keys/key_1").header("accept", "*/*")), api);
        assert_eq!(prefixed(link().method(Method::DELETE)), api);
        assert_eq!(prefixed(link().header("x-api-key", "x")), api);
        assert_eq!(prefixed(link().header("authorization", "Bearer x")), api);
        let below = Request::get("/keys/key_1/usage").header("accept", "text/html");
        assert_eq!(prefixed(below), "/api/v1/keys/key_1/usage");
        assert_eq!(prefixed(Request::get("/keys").header("accept", "text/html")), "/api/v1/keys");
    }
}
