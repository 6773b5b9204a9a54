//! Bodies whose announced length is above the limit of the route.

use std::time::Duration;

use keyrack_store::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::coverage::{api_routes, path_in};
use crate::fixtures::AccessFixture;
use crate::raw_http::{connect, read_answer};

/// The longest time to wait for a response.
const LIMIT: Duration = Duration::from_secs(30);

/// Sends a head with a too large `Content-Length` and no body, and returns everything that the server sends.
async fn announce(fixture: &AccessFixture, start: &str, lines: &str) -> String {
    let head = format!(
        "{start} HTTP/1.1\r\nhost: {}\r\n{lines}expect: 100-continue\r\ncontent-length: 5000000000\r\n\r\n",
        fixture.host()
    );
    let mut stream = connect(&fixture.server.url).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut read = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut read)).await.expect("no response").unwrap();
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn route_rejects_too_long_body_before_reading_it() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    for route in api_routes() {
        let start = format!("{} /api/v1{}", route.method, path_in(&fixture.ours, &route.path));
        let lines = format!("x-api-key: {}\r\ncontent-type: application/json\r\n", fixture.key());
        let answer = announce(&fixture, &start, &lines).await;
        // Prediction and upload routes first check whether their target exists.
        let expected = if route.path.starts_with("/predict/") || route.path.starts_with("/uploads/") {
            "4"
        } else {
            "413"
        };
        let is_asked = route.path.starts_with("/forward-auth");
        assert!(is_asked || answer.starts_with(&format!("HTTP/1.1 {expected}")), "{start}: {answer}");
        assert!(answer.contains("\r\nx-request-id: "), "{start}: {answer}");
        assert!(is_asked || answer.contains("\r\nconnection: close\r\n"), "{start}: {answer}");
    }
    let cookie = &fixture.member(Role::Owner).cookie;
    for page in keyrack::web::routes() {
        let start = format!("{} {}", page.method, path_in(&fixture.ours, &page.path));
        let lines = format!(
            "cookie: {cookie}\r\nsec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        );
        let answer = announce(&fixture, &start, &lines).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{start}: {answer}");
    }
    assert_eq!(fixture.stored_data().await, before);
}

/// `curl` reports an error if it cannot send the whole body, regardless of the response.
#[tokio::test]
async fn client_sending_too_long_body_receives_problem() {
    let fixture = AccessFixture::start().await;
    let body = vec![b' '; 30_000_000];
    for expects in ["", "expect: 100-continue\r\n"] {
        for (key, status, code) in [
            (fixture.key(), 413, "too_large"),
            ("nonsense", 401, "malformed_key"),
            (&fixture.deleted, 401, "deleted_key"),
        ] {
            let head = format!(
                "POST /api/v1/projects HTTP/1.1\r\nhost: {}\r\nx-api-key: {key}\r\ncontent-type: application/json\r\n\
                 {expects}content-length: {}\r\n\r\n",
                fixture.host(),
                body.len()
            );
            let mut stream = connect(&fixture.server.url).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            timeout(LIMIT, stream.write_all(&body))
                .await
                .expect("the body is not read")
                .expect("the connection was reset");
            let answer = timeout(LIMIT, read_answer(&mut stream))
                .await
                .expect("no response in time")
                .expect("no response");
            answer.problem(status, code);
            assert_eq!(answer.header("connection"), "close");
        }
    }
}
