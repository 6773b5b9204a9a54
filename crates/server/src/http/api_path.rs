//! The paths of the API. That platform's documentation writes them without `/api/v1`, so both forms are answered; one of them
//! is made of the other before anything looks at the path, so that guard, routes, log and metrics know one form alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};

use crate::api::{OPENAPI, Route};

/// Where the API is, in full.
pub const PREFIX: &str = "/api/v1";

/// The page that shares its path with the API: `manage_url` of a denial leads to it.
const PAGE_OF_KEY: &str = "/keys/";

/// The first segments of the API's paths. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiPaths(Arc<BTreeSet<String>>);

impl ApiPaths {
    /// Of `routes` and the description of the API.
    pub fn new(routes: &[Route]) -> Self {
        let paths = routes.iter().map(|route| route.path.as_str()).chain([OPENAPI]);
        Self(Arc::new(paths.map(|path| first_segment(path).to_owned()).collect()))
    }

    /// Puts [`PREFIX`] before a path of the API that comes without. Allocates for those paths only.
    pub fn add_prefix<B>(&self, request: &mut Request<B>) {
        let path = request.uri().path();
        if path.starts_with("/api/") || !self.0.contains(first_segment(path)) || is_for_page(request) {
            return;
        }
        let path_and_query = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let Ok(prefixed) = PathAndQuery::try_from(format!("{PREFIX}{path_and_query}")) else { return };
        // With HTTP/2 the host is part of it.
        let mut uri = request.uri().clone().into_parts();
        uri.path_and_query = Some(prefixed);
        if let Ok(uri) = Uri::from_parts(uri) {
            *request.uri_mut() = uri;
        }
    }
}

/// The part of a path before its second slash.
pub fn first_segment(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

/// Whether a request carries a key, or what is meant as one, in a place where keys are looked for.
pub fn carries_key(headers: &HeaderMap, uri: &Uri) -> bool {
    let is_bearer = |value: &HeaderValue| {
        value.as_bytes().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
    };
    headers.contains_key("x-api-key")
        || headers.get_all(header::AUTHORIZATION).iter().any(is_bearer)
        || form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .any(|(name, _)| name == "api-key")
}

/// Whether a person follows the link to the page of a key: a browser says that it reads HTML, and carries no key.
fn is_for_page<B>(request: &Request<B>) -> bool {
    let is_link = matches!(*request.method(), Method::GET | Method::HEAD)
        && request
            .uri()
            .path()
            .strip_prefix(PAGE_OF_KEY)
            .is_some_and(|id| !id.trim_end_matches('/').contains('/'));
    is_link && accepts_html(request.headers()) && !carries_key(request.headers(), request.uri())
}

/// Whether a client names HTML among what it reads. Programs that accept anything do not.
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
    fn paths_of_the_api_get_its_prefix_and_others_stay() {
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
    fn the_link_to_a_key_is_a_page_for_browsers_alone() {
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
