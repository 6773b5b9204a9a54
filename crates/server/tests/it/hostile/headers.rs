//! Headers that are duplicate, too long, too many, or contain invalid bytes.

use keyrack_store::Role;

use crate::fixtures::{AccessFixture, unknown_secret};
use crate::harness::Answer;
use crate::raw_http::exchange;

/// Sends a request with these lines after `Host`. `None` if the server closes the connection without a response.
async fn ask(fixture: &AccessFixture, start: &str, lines: &[u8], body: &str) -> Option<Answer> {
    let head = format!(
        "{start} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
        fixture.host(),
        body.len()
    );
    let request = [head.as_bytes(), lines, b"\r\n", body.as_bytes()].concat();
    exchange(&fixture.server.url, request).await
}

fn lines(headers: &[(&str, &str)]) -> Vec<u8> {
    headers.iter().flat_map(|(name, value)| format!("{name}: {value}\r\n").into_bytes()).collect()
}

#[tokio::test]
async fn duplicate_header_is_rejected() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let fixture = &mut fixture;
    let (key, other) = (fixture.key().to_owned(), unknown_secret());
    let bearer = format!("Bearer {key}");
    let other_bearer = format!("Bearer {other}");
    let json = ("content-type", "application/json");
    let auth = ("authorization", bearer.as_str());
    let new = "{\"name\": \"x\", \"scopes\": [\"inference\"]}";
    let one = format!("/api/v1/keys/{}", fixture.ours.key);
    let patch = format!("PATCH {one}");
    let own = fixture.member(Role::Owner).cookie.clone();
    let long = "x".repeat(201);
    let cookie = ("cookie", own.as_str());
    let same = ("sec-fetch-site", "same-origin");
    let cases = [
        ("GET /api/v1/keys", vec![auth, ("authorization", &other_bearer)], 400, "ambiguous_key"),
        ("GET /api/v1/keys", vec![("x-api-key", &key), ("X-Api-Key", &other)], 400, "ambiguous_key"),
        (
            "GET /api/v1/keys",
            vec![cookie, ("x-keyrack-workspace", "ours"), ("x-keyrack-workspace", "ours")],
            400,
            "missing_workspace",
        ),
        ("GET /api/v1/keys", vec![("cookie", "a=b"), cookie, ("x-api-key", &key)], 400, "key_and_cookie"),
        (
            "POST /api/v1/keys",
            vec![auth, json, ("idempotency-key", "a"), ("idempotency-key", "a")],
            422,
            "invalid",
        ),
        ("POST /api/v1/keys", vec![auth, json, ("idempotency-key", "")], 422, "invalid"),
        ("POST /api/v1/keys", vec![auth, json, ("idempotency-key", &long)], 422, "invalid"),
        ("POST /api/v1/keys", vec![auth, json, ("content-type", "text/plain")], 415, "not_json"),
        (&patch, vec![auth, json, ("if-match", "\"1\""), ("if-match", "*")], 422, "invalid"),
        (&patch, vec![auth, json, ("if-match", "1")], 422, "invalid"),
        (&patch, vec![auth, json, ("if-match", "\"-1\"")], 412, "changed_meanwhile"),
        (&patch, vec![auth, json, ("if-match", "\"99999999999999999999\"")], 412, "changed_meanwhile"),
        (&patch, vec![auth, json, ("if-match", "\"18446744073709551615\"")], 412, "changed_meanwhile"),
        (&patch, vec![auth, json, ("if-match", "")], 422, "invalid"),
        ("GET /api/v1/keys", vec![auth, ("host", fixture.host())], 400, "bad_host"),
        (
            "POST /api/v1/keys",
            vec![cookie, same, ("sec-fetch-site", "cross-site"), ("x-keyrack-workspace", "ours"), json],
            403,
            "foreign_origin",
        ),
        (
            "POST /api/v1/keys",
            vec![
                cookie,
                ("origin", &fixture.server.url),
                ("origin", "https://evil.example"),
                ("x-keyrack-workspace", "ours"),
                json,
            ],
            403,
            "foreign_origin",
        ),
    ];
    for (start, headers, status, code) in cases {
        let body = if start.starts_with("GET") { "" } else { new };
        let answer = ask(fixture, start, &lines(&headers), body).await.unwrap();
        answer.problem(status, code);
    }
    assert_eq!(fixture.stored_data().await, before);
}

/// Browsers, frontends, and proxies add their own credentials.
#[tokio::test]
async fn foreign_credential_beside_key_is_ignored() {
    let fixture = AccessFixture::start().await;
    let key = fixture.key();
    let mistyped = crate::fixtures::mistyped_secret();
    for other in ["", "Bearer", "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic YTpi", "Bearer null", &mistyped] {
        let headers = lines(&[("authorization", other), ("x-api-key", key)]);
        assert_eq!(ask(&fixture, "GET /api/v1/keys", &headers, "").await.unwrap().status, 200, "{other}");
    }
    let bearer = format!("Bearer {key}");
    for own in [bearer.clone(), bearer.to_lowercase().replace(&key.to_lowercase(), key)] {
        let answer = ask(&fixture, "GET /api/v1/keys", &lines(&[("x-api-key", &own)]), "").await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let headers = lines(&[("authorization", &bearer), ("x-api-key", "undefined")]);
    assert_eq!(ask(&fixture, "GET /api/v1/keys", &headers, "").await.unwrap().status, 200);
    let public = format!("GET /api/v1/keys?api-key=Bearer%20{key}");
    ask(&fixture, &public, b"", "").await.unwrap().problem(400, "key_in_query");
    ask(&fixture, "GET /api/v1/keys", &lines(&[("authorization", "Bearer null")]), "")
        .await
        .unwrap()
        .problem(401, "malformed_key");
    // A page uses the session, regardless of headers that a proxy adds.
    let cookie = fixture.member(Role::Owner).cookie.clone();
    let headers = lines(&[("authorization", "Bearer eyJhbGciOiJub25lIn0.e30."), ("cookie", &cookie)]);
    assert_eq!(ask(&fixture, "GET /account", &headers, "").await.unwrap().status, 200);
}

#[tokio::test]
async fn header_with_invalid_bytes_is_rejected() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let key = fixture.key().to_owned();
    let own = fixture.member(Role::Owner).cookie.clone();
    let new = "{\"name\": \"x\", \"scopes\": [\"inference\"]}";
    let bearer = format!("authorization: Bearer {key}\r\ncontent-type: application/json\r\n");
    let browser =
        format!("cookie: {own}\r\nsec-fetch-site: same-origin\r\ncontent-type: application/json\r\n");
    for (common, header, status) in [
        ("", "authorization: Bearer ", 401),
        ("", "x-api-key: ", 401),
        (bearer.as_str(), "idempotency-key: ", 422),
        (browser.as_str(), "x-keyrack-workspace: ", 404),
        (
            "content-type: application/json\r\nx-keyrack-workspace: ours\r\nsec-fetch-site: same-origin\r\n",
            "cookie: keyrack_session=",
            401,
        ),
    ] {
        for bytes in [&b"\xff\xfe"[..], "schlüssel".as_bytes(), b"\xf0\x9f\x94\x91", b"\xc0\xaf", b"\x80"] {
            let lines = [common.as_bytes(), header.as_bytes(), bytes, b"\r\n"].concat();
            let answer = ask(&fixture, "POST /api/v1/keys", &lines, new).await.unwrap();
            answer.assert_client_error();
            assert_eq!(answer.status, status, "{header}{bytes:?}: {answer:?}");
        }
        for bytes in [&b"a\0b"[..], b"a\x01b", b"a\x7fb", b"a\nb", b"a\rb"] {
            let lines = [common.as_bytes(), header.as_bytes(), bytes, b"\r\n"].concat();
            let answer = ask(&fixture, "POST /api/v1/keys", &lines, new).await;
            assert!(answer.is_none_or(|answer| answer.status.is_client_error()), "{header}{bytes:?}");
        }
    }
    // The server only records the user agent, so invalid bytes are allowed.
    let agent = [b"user-agent: ", &b"\xff\xfe\x80"[..], b"\r\nx-api-key: ", key.as_bytes(), b"\r\n"].concat();
    assert_eq!(ask(&fixture, "GET /api/v1/projects", &agent, "").await.unwrap().status, 200);
    assert_eq!(fixture.stored_data().await, before);
}

#[tokio::test]
async fn oversized_headers_are_rejected() {
    let fixture = AccessFixture::start().await;
    let key = fixture.key();
    let long = "a".repeat(100_000);
    let many = (0..200).fold(String::new(), |lines, n| format!("{lines}x-{n}: {n}\r\n"));
    for lines in [
        format!("x-api-key: {key}\r\nx-long: {long}\r\n"),
        format!("x-api-key: {long}\r\n"),
        format!("x-api-key: {key}\r\n{many}"),
        format!("x-api-key: {key}\r\n{long}: x\r\n"),
        format!("cookie: keyrack_session={long}\r\n"),
    ] {
        let answer = ask(&fixture, "GET /api/v1/projects", lines.as_bytes(), "").await;
        answer.unwrap().problem(431, "headers_too_large");
    }
    for lines in [
        format!("x-api-key: {key}\r\nx-long: {}\r\n", "a".repeat(34_000)),
        format!("x-a: {0}\r\nx-b: {0}\r\nx-c: {0}\r\n", "a".repeat(15_000)),
        format!("cookie: {}\r\n", "a=b; ".repeat(7_000)),
    ] {
        for path in ["projects", "forward-auth", "nothing"] {
            let answer = ask(&fixture, &format!("GET /api/v1/{path}"), lines.as_bytes(), "").await;
            answer.unwrap().problem(431, "headers_too_large");
        }
    }
    let answer = ask(&fixture, &format!("GET /api/v1/projects?{}", "a".repeat(34_000)), b"", "").await;
    answer.unwrap().problem(431, "headers_too_large");
    // The server reads headers of this size and rejects them by their content.
    let long = "a".repeat(20_000);
    let answer = ask(&fixture, "GET /api/v1/projects", format!("x-api-key: {long}\r\n").as_bytes(), "").await;
    answer.unwrap().problem(401, "malformed_key");
    let cookies = "a=b; ".repeat(4_000);
    let answer = ask(&fixture, "GET /api/v1/projects", format!("cookie: {cookies}\r\n").as_bytes(), "").await;
    answer.unwrap().problem(401, "missing_key");
    let hops = "1.2.3.4, ".repeat(2_000);
    let lines = format!("x-forwarded-for: {hops}\r\nx-api-key: {key}\r\n");
    assert_eq!(ask(&fixture, "GET /api/v1/projects", lines.as_bytes(), "").await.unwrap().status, 200);
}

#[tokio::test]
async fn request_id_of_client_is_ignored() {
    let fixture = AccessFixture::start().await;
    for called in ["mine", "req_00", "a\tb", &"x".repeat(10_000)] {
        for path in ["GET /api/v1/keys", "GET /api/v1/forward-auth"] {
            let answer = ask(&fixture, path, &lines(&[("x-request-id", called)]), "").await.unwrap();
            answer.problem(401, "missing_key");
            assert!(!answer.text.contains(called), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn contradictory_body_lengths_are_rejected() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let key = fixture.key().to_owned();
    let new = "{\"name\": \"x\", \"scopes\": [\"inference\"]}";
    let start = format!(
        "POST /api/v1/keys HTTP/1.1\r\nhost: {}\r\nx-api-key: {key}\r\ncontent-type: application/json\r\n",
        fixture.host()
    );
    for (framing, body) in [
        ("content-length: 5\r\ncontent-length: 40\r\n", new),
        ("content-length: -1\r\n", new),
        ("content-length: 99999999999999999999\r\n", new),
        ("content-length: 0x10\r\n", new),
        ("content-length: +5\r\n", new),
        ("transfer-encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\n{}"),
        ("transfer-encoding: chunked\r\n", "-5\r\n{}\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "2\r\n{}XX0\r\n\r\n"),
        ("transfer-encoding: chunked, gzip\r\n", new),
        ("transfer-encoding: gzip\r\n", new),
        ("transfer-encoding: xchunked\r\n", new),
    ] {
        let request = format!("{start}connection: close\r\n{framing}\r\n{body}");
        let answer = exchange(&fixture.server.url, request).await;
        assert!(
            answer.as_ref().is_none_or(|answer| answer.status.is_client_error()),
            "{framing} {body}: {answer:?}"
        );
    }
    assert_eq!(fixture.stored_data().await, before);
}
