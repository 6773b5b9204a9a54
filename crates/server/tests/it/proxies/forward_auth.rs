//! The forward-auth route as proxies and other clients call it.

use keyrack_key::Scope;
use reqwest::{Method, RequestBuilder};

use crate::fixtures::AccessFixture;
use crate::harness::{Answer, send};

const ASK: &str = "/api/v1/forward-auth";

/// A proxy of our workspace verifies whether `secret` can predict.
fn ask(fixture: &AccessFixture, secret: &str) -> RequestBuilder {
    let request = fixture.server.request(Method::GET, ASK).header("x-api-key", secret);
    request.header("x-keyrack-for-workspace", "ours").header("x-keyrack-permission", "models:predict")
}

fn assert_ambiguous_request(answer: &Answer, expected: &str) {
    let problem = answer.problem(400, "ambiguous_request");
    assert!(problem["message"].as_str().unwrap().contains(expected), "{problem}");
}

#[tokio::test]
async fn forward_auth_of_allowed_key_names_the_caller() {
    let fixture = AccessFixture::start().await;
    let key = fixture.key_with_scopes(&[Scope::Project, Scope::Inference]);
    for workspace in ["ours".to_owned(), fixture.ours.id.to_string()] {
        let request = fixture.server.request(Method::GET, ASK).bearer_auth(&key.secret);
        let answer = send(request.header("x-keyrack-for-workspace", workspace)).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        assert_eq!(answer.header("x-keyrack-key"), key.id.to_string());
        assert_eq!(answer.header("x-keyrack-workspace"), fixture.ours.id.to_string());
        assert_eq!(answer.header("x-keyrack-scopes"), "project inference");
    }
}

#[tokio::test]
async fn forward_auth_head_is_answered_like_get() {
    let fixture = AccessFixture::start().await;
    let key = fixture.key_with_scopes(&[Scope::Inference]);
    for (below, allowed) in [("", 204), ("/cats/7", 200)] {
        let request = fixture.server.request(Method::HEAD, &format!("{ASK}{below}")).bearer_auth(&key.secret);
        let answer = send(request.header("x-keyrack-for-workspace", "ours")).await;
        assert_eq!(answer.status, allowed, "{answer:?}");
        assert_eq!(answer.header("x-keyrack-key"), key.id.to_string());
    }
    let answer = send(fixture.server.request(Method::HEAD, ASK)).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (401, ""), "{answer:?}");
    assert_eq!(answer.header("x-keyrack-code"), "missing_key");
}

#[tokio::test]
async fn forward_auth_with_ambiguous_headers_is_rejected() {
    let fixture = AccessFixture::start().await;
    let key = &fixture.key_with_scopes(&[Scope::Inference]).secret;
    assert_eq!(send(ask(&fixture, key)).await.status, 204);
    let empty = fixture.server.request(Method::GET, ASK).header("x-api-key", key);
    let empty = empty.header("x-keyrack-for-workspace", "ours").header("x-keyrack-permission", "");
    assert_ambiguous_request(&send(empty).await, "X-Keyrack-Permission is empty");
    for (name, value, expected) in [
        ("x-keyrack-for-workspace", "ours", "x-keyrack-for-workspace is duplicated"),
        ("x-keyrack-permission", "models:predict", "x-keyrack-permission is duplicated"),
    ] {
        assert_ambiguous_request(&send(ask(&fixture, key).header(name, value)).await, expected);
    }
    for name in ["x-original-uri", "x-forwarded-uri"] {
        assert_ambiguous_request(
            &send(ask(&fixture, key).header(name, "/a").header(name, "/b")).await,
            "is duplicated. Send it once.",
        );
        assert_ambiguous_request(&send(ask(&fixture, key).header(name, "http://")).await, "Use a path");
    }
    let bare = fixture.server.request(Method::GET, ASK).bearer_auth(key);
    assert_ambiguous_request(&send(bare).await, "X-Keyrack-For-Workspace is missing");
    let other = fixture.server.request(Method::GET, ASK).bearer_auth(key);
    let other = other.header("x-keyrack-for-workspace", "ours").header("x-keyrack-permission", "everything");
    assert_ambiguous_request(&send(other).await, "Use projects:manage");
}

#[tokio::test]
async fn forward_auth_accepts_query_key_only_for_inference() {
    let fixture = AccessFixture::start().await;
    let ask = |header: &str, secret: &str| {
        let request = fixture.server.request(Method::GET, ASK).header("x-keyrack-for-workspace", "ours");
        request.header(header, format!("/predict?api-key={secret}"))
    };
    let (public, secret) =
        (fixture.key_with_scopes(&[Scope::Inference]), fixture.key_with_scopes(&[Scope::Project]));
    for header in ["x-original-uri", "x-forwarded-uri"] {
        assert_eq!(send(ask(header, &public.secret)).await.status, 204);
        send(ask(header, &secret.secret)).await.problem(400, "key_in_query");
    }
    let both = ask("x-original-uri", &public.secret).bearer_auth(&secret.secret);
    send(both).await.problem(400, "ambiguous_key");
}

/// Browsers and programs don't escape all characters that a URI disallows, and guarded services accept them.
#[tokio::test]
async fn forward_auth_accepts_unescaped_original_url() {
    let fixture = AccessFixture::start().await;
    let key = &fixture.key_with_scopes(&[Scope::Inference]).secret;
    for header in ["x-original-uri", "x-forwarded-uri"] {
        for url in [
            "/für/日本?name=é".as_bytes(),
            b"/a\"b<c>d?e=\"<f>\"",
            b"/\xff\xfe?\x80=1",
            b"/a b?c d",
            b"/{id}|^`\\",
            b"/a?b#<c>",
        ] {
            let answer = send(ask(&fixture, key).header(header, url)).await;
            assert_eq!(answer.status, 204, "{} {answer:?}", String::from_utf8_lossy(url));
        }
        let bare = || {
            let request = fixture.server.request(Method::GET, ASK).header("x-keyrack-for-workspace", "ours");
            request.header("x-keyrack-permission", "models:predict")
        };
        // A key in the query is found next to raw bytes, and a wider key counts as exposed.
        let large = &fixture.key_with_scopes(&[Scope::Project]).secret;
        for (secret, status) in [(key, 204), (large, 400)] {
            let url = [b"/\xff<\">?x=\xe9&api-key=", secret.as_bytes()].concat();
            assert_eq!(send(bare().header(header, url.as_slice())).await.status, status);
        }
        let hidden = format!("/<a>?x=1#&api-key={key}");
        send(bare().header(header, hidden)).await.problem(401, "missing_key");
    }
}

/// Some proxies forward the method of their client and treat any 2xx response as allowed.
#[tokio::test]
async fn forward_auth_without_valid_key_never_succeeds() {
    let fixture = AccessFixture::start().await;
    let page = [
        ("origin", "https://app.example.org"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let methods =
        ["OPTIONS", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "options"];
    for method in methods.map(|method| method.parse::<Method>().unwrap()) {
        for below in ["", "/", "?a=b", "/?a=b", "/predict/7", "/predict/7/", "//", "/../forward-auth", "/%2e"]
        {
            for headers in [&[][..], &page[..]] {
                let request = fixture.server.request(method.clone(), &format!("{ASK}{below}"));
                let request =
                    request.header("x-keyrack-for-workspace", "ours").header("x-api-key", "nonsense");
                let request =
                    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
                for proxy in ["nginx", "envoy", "other"] {
                    let request = request.try_clone().unwrap().header("x-keyrack-proxy", proxy);
                    let answer = send(request).await;
                    assert!(!answer.status.is_success(), "{method} {below} {proxy}: {answer:?}");
                }
                assert!(!send(request).await.status.is_success(), "{method} {below}");
            }
        }
        for path in [
            "/api/v1/forward%2Dauth",
            "//api/v1/forward-auth",
            "/api/v1//forward-auth",
            "/api/v1/./forward-auth",
        ] {
            for end in ["", "/"] {
                let request = fixture.server.request(method.clone(), &format!("{path}{end}"));
                let answer =
                    send(page.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
                        .await;
                assert!(!answer.status.is_success(), "{method} {path}{end}: {answer:?}");
            }
        }
    }
    let options = fixture.server.request(Method::OPTIONS, ASK).header("origin", "https://app.example.org");
    let answer = send(options.header("access-control-request-method", "GET")).await;
    answer.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn forward_auth_denies_query_key_that_proxy_keeps() {
    let fixture = AccessFixture::start().await;
    let key = &fixture.key_with_scopes(&[Scope::Inference]).secret;
    let question = |query: String| {
        let request = fixture.server.request(Method::GET, ASK).header("x-keyrack-for-workspace", "ours");
        request.header("x-forwarded-uri", format!("/predict?{query}"))
    };
    // The key in the header is valid, and the proxy cannot find the one in the query.
    let hidden = question(format!("api%2Dkey={key}")).bearer_auth(key);
    assert_ambiguous_request(&send(hidden).await, "without escapes");
    let plain = || question(format!("a=b&api-key={key}"));
    assert_eq!(send(plain()).await.status, 204);
    assert_ambiguous_request(
        &send(plain().header("x-keyrack-proxy", "traefik")).await,
        "can't remove a key from the query",
    );
    let in_header = question("a=b".to_owned()).bearer_auth(key).header("x-keyrack-proxy", "traefik");
    assert_eq!(send(in_header).await.status, 204);
    let unknown = question("api-key=nonsense".to_owned()).header("x-keyrack-proxy", "traefik");
    send(unknown).await.problem(401, "malformed_key");
}

#[tokio::test]
async fn forward_auth_for_nginx_maps_status_to_403() {
    let fixture = AccessFixture::start().await;
    let nginx = |secret: &str| ask(&fixture, secret).header("x-keyrack-proxy", "nginx");
    let key = &fixture.key_with_scopes(&[Scope::Inference]).secret;
    assert_eq!(send(nginx(key)).await.status, 204);
    send(nginx("nonsense")).await.problem(401, "malformed_key");
    let two = send(nginx(key).bearer_auth(&fixture.their_key)).await;
    two.problem(403, "ambiguous_key");
    assert_eq!((two.header("x-keyrack-status"), two.header("x-keyrack-code")), ("400", "ambiguous_key"));
}

#[tokio::test]
async fn forward_auth_for_envoy_accepts_subpaths_and_methods() {
    let fixture = AccessFixture::start().await;
    let ask = |method: Method, rest: &str| {
        let request = fixture.server.request(method, &format!("{ASK}{rest}"));
        request.header("x-keyrack-for-workspace", "ours")
    };
    let key = &fixture.key_with_scopes(&[Scope::Inference]).secret;
    for (method, rest) in
        [(Method::POST, "/predict/7"), (Method::DELETE, "/a/b?c=d"), (Method::GET, "/"), (Method::POST, "/")]
    {
        let answer = send(ask(method, rest).header("x-api-key", key)).await;
        // Envoy accepts only 200.
        assert_eq!(answer.status, 200, "{rest} {answer:?}");
        assert_eq!(answer.header("x-keyrack-scopes"), "inference");
    }
    let in_query = send(ask(Method::PUT, &format!("/predict?api-key={key}"))).await;
    assert_eq!(in_query.status, 200, "{in_query:?}");
    let raw = send(ask(Method::POST, "/für/\"{}?name=é").header("x-api-key", key)).await;
    assert_eq!(raw.status, 200, "{raw:?}");
    let without = send(ask(Method::POST, "/")).await;
    without.problem(401, "missing_key");
    // Other proxies use GET or HEAD.
    let post = send(ask(Method::POST, "").header("x-api-key", key)).await;
    post.problem(405, "method_not_allowed");
}

/// The status, headers, and body of a response, without the values that differ for each response.
fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, serde_json::Value) {
    let is_own = |name: &str| {
        // A success response is for the proxy alone.
        matches!(name, "date" | "x-request-id") || answer.status == 204 && name.starts_with("access-control-")
    };
    let mut headers: Vec<_> = answer.headers.iter().filter(|(name, _)| !is_own(name.as_str())).collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    let headers = headers.into_iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()));
    let mut body = serde_json::from_str(&answer.text).unwrap_or_default();
    if let serde_json::Value::Object(problem) = &mut body {
        assert!(problem.remove("request_id").is_some());
    }
    (answer.status.as_u16(), headers.collect(), body)
}

#[tokio::test]
async fn forward_auth_fast_path_equals_route() {
    let fixture = AccessFixture::start().await;
    let [key, other] =
        [Scope::Inference, Scope::Project].map(|scope| fixture.key_with_scopes(&[scope]).secret.as_str());
    let mut statuses = Vec::new();
    for (name, value) in [
        ("x-api-key", key),
        ("x-api-key", other),
        ("x-api-key", &fixture.their_key),
        ("x-api-key", "nonsense"),
        ("authorization", "Basic bm9ib2R5"),
        ("x-keyrack-proxy", "nginx"),
        ("x-original-uri", &format!("/predict?api-key={key}")),
        ("x-original-uri", &format!("/predict?api-key={other}")),
        ("x-original-uri", "/a b"),
        ("x-original-uri", "http://"),
        ("x-keyrack-permission", "keys:manage"),
        ("x-keyrack-permission", "everything"),
        ("x-keyrack-for-workspace", "theirs"),
        ("x-keyrack-for-workspace", "nobodys"),
        ("origin", "https://elsewhere.example"),
        ("cookie", "keyrack_session=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        ("accept", "*/*"),
    ] {
        let ask = async |body: &'static str| {
            let mut request = fixture.server.request(Method::GET, ASK).header(name, value);
            for (name_of, value) in
                [("x-keyrack-for-workspace", "ours"), ("x-keyrack-permission", "models:predict")]
            {
                if name_of != name {
                    request = request.header(name_of, value);
                }
            }
            let has_key = matches!(name, "x-api-key" | "authorization");
            send(if has_key { request } else { request.bearer_auth(key) }.body(body)).await
        };
        // A request with a body takes the route instead of the fast path.
        let (short, long) = (ask("").await, ask("body").await);
        assert_eq!(comparable(&short), comparable(&long), "{name}: {value}");
        statuses.push(short.status.as_u16());
    }
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, [204, 400, 401, 403]);
}

#[tokio::test]
async fn forward_auth_on_page_allows_only_inference_key() {
    let fixture = AccessFixture::start().await;
    let own = fixture.server.url.replace("127.0.0.1", "site.example");
    let host = own.trim_start_matches("http://");
    for (scope, status) in [(Scope::Inference, 204), (Scope::Project, 403)] {
        for (name, value) in [
            ("origin", "https://elsewhere.example"),
            ("origin", own.as_str()),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "same-origin"),
        ] {
            let request = fixture.server.request(Method::GET, ASK).header("x-keyrack-for-workspace", "ours");
            let request = request.bearer_auth(&fixture.key_with_scopes(&[scope]).secret).header("host", host);
            let answer = send(request.header(name, value)).await;
            assert_eq!(answer.status, status, "{name}: {value} {answer:?}");
        }
    }
}
