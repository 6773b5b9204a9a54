//! Bodies that are announced to be longer than a route takes.

use std::time::Duration;

use keyrack_store::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::cast::Cast;
use crate::coverage::{api_routes, path_in};
use crate::raw::{connect, read_answer};

/// The longest that any answer is waited for.
const LIMIT: Duration = Duration::from_secs(30);

/// All that a server answers to a head alone whose body is announced to be longer than any route takes.
async fn announce(cast: &Cast, start: &str, lines: &str) -> String {
    let head = format!(
        "{start} HTTP/1.1\r\nhost: {}\r\n{lines}expect: 100-continue\r\ncontent-length: 5000000000\r\n\r\n",
        cast.host()
    );
    let mut stream = connect(&cast.server.url).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut read = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut read)).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn no_route_asks_for_a_body_that_it_will_not_take() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    for route in api_routes() {
        let start = format!("{} /api/v1{}", route.method, path_in(&cast.ours, &route.path));
        let lines = format!("x-api-key: {}\r\ncontent-type: application/json\r\n", cast.key());
        let answer = announce(&cast, &start, &lines).await;
        // The others look first whether there is something that could take a picture.
        let says = if route.path.starts_with("/predict/") || route.path.starts_with("/uploads/") {
            "4"
        } else {
            "413"
        };
        let is_asked = route.path.starts_with("/forward-auth");
        assert!(is_asked || answer.starts_with(&format!("HTTP/1.1 {says}")), "{start}: {answer}");
        assert!(answer.contains("\r\nx-request-id: "), "{start}: {answer}");
        assert!(is_asked || answer.contains("\r\nconnection: close\r\n"), "{start}: {answer}");
    }
    let cookie = &cast.member(Role::Owner).cookie;
    for page in keyrack::web::routes() {
        let start = format!("{} {}", page.method, path_in(&cast.ours, &page.path));
        let lines = format!(
            "cookie: {cookie}\r\nsec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        );
        let answer = announce(&cast, &start, &lines).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{start}: {answer}");
    }
    assert_eq!(cast.written().await, before);
}

/// As `curl` does: a body that cannot be sent to its end is an error to it, whatever was answered.
#[tokio::test]
async fn whoever_sends_a_long_body_to_its_end_reads_why_it_was_refused() {
    let cast = Cast::assemble().await;
    let body = vec![b' '; 30_000_000];
    for expects in ["", "expect: 100-continue\r\n"] {
        for (key, status, code) in [
            (cast.key(), 413, "too_large"),
            ("nonsense", 401, "malformed_key"),
            (&cast.deleted, 401, "deleted_key"),
        ] {
            let head = format!(
                "POST /api/v1/projects HTTP/1.1\r\nhost: {}\r\nx-api-key: {key}\r\ncontent-type: application/json\r\n\
                 {expects}content-length: {}\r\n\r\n",
                cast.host(),
                body.len()
            );
            let mut stream = connect(&cast.server.url).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            timeout(LIMIT, stream.write_all(&body)).await.expect("it is read").expect("no reset");
            let answer = timeout(LIMIT, read_answer(&mut stream)).await.expect("in time").expect("an answer");
            answer.problem(status, code);
            assert_eq!(answer.header("connection"), "close");
        }
    }
}
