//! Envoy asks under the path and with the method of the request that it asks about.

use http::{HeaderName, HeaderValue, Method, Request, Uri};

/// The question of proxies.
pub const ASK: &str = "/api/v1/forward-auth";
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// Turns `POST /api/v1/forward-auth/some/path?query` into the question that it is, with what follows in `X-Forwarded-Uri`.
pub fn settle<B>(mut request: Request<B>) -> Request<B> {
    let text = request.uri().path_and_query().map_or("", |path| path.as_str());
    let Some(rest) = text.strip_prefix(ASK).filter(|rest| rest.starts_with('/') && rest.len() > 1) else {
        return request;
    };
    if let Ok(rest) = HeaderValue::from_str(rest) {
        request.headers_mut().append(FORWARDED, rest);
        *request.uri_mut() = Uri::from_static(ASK);
        *request.method_mut() = Method::GET;
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(path: &str) -> (String, String, Option<String>) {
        let request = Request::post(path).body(()).unwrap();
        let request = settle(request);
        let forwarded = request.headers().get(FORWARDED).map(|value| value.to_str().unwrap().to_owned());
        (request.method().to_string(), request.uri().to_string(), forwarded)
    }

    #[test]
    fn what_lies_below_the_question_is_what_it_is_about() {
        let below = settled("/api/v1/forward-auth/predict/7?api-key=x");
        assert_eq!(below, ("GET".into(), ASK.into(), Some("/predict/7?api-key=x".into())));
        for other in
            ["/api/v1/forward-auth", "/api/v1/forward-auth/", "/api/v1/forward-authors/7", "/forward-auth/7"]
        {
            assert_eq!(settled(other), ("POST".into(), other.into(), None));
        }
    }
}
