//! Slow clients, which must not delay others.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::fixtures::AccessFixture;
use crate::harness::Answer;
use crate::hostile::memory_shares::upload_path;
use crate::raw_http::{connect, read_answer};

/// The server closes slow connections after at most 30 seconds.
const LIMIT: Duration = Duration::from_secs(35);
/// The longest time that other requests may take. Generous, since tests share two cores.
const FAST: Duration = Duration::from_secs(5);

/// Sends `start` at once and then `more` byte by byte, until the server closes the connection.
async fn send_byte_by_byte(
    fixture: &AccessFixture,
    start: String,
    more: &'static [u8],
) -> (Option<Answer>, Duration) {
    let (mut read, mut write) = connect(&fixture.server.url).await.into_split();
    let started = Instant::now();
    let sending = tokio::spawn(async move {
        let mut pause = tokio::time::interval(Duration::from_millis(500));
        write.write_all(start.as_bytes()).await?;
        for byte in more.iter().cycle() {
            pause.tick().await;
            write.write_all(&[*byte]).await?;
        }
        std::io::Result::Ok(())
    });
    let answer = timeout(LIMIT, read_answer(&mut read)).await;
    sending.abort();
    (answer.unwrap_or_else(|_| panic!("still open after {LIMIT:?}")), started.elapsed())
}

/// Sends `start` and then nothing.
async fn stall(fixture: &AccessFixture, start: String) -> (Option<Answer>, Duration) {
    let mut stream = connect(&fixture.server.url).await;
    let started = Instant::now();
    stream.write_all(start.as_bytes()).await.unwrap();
    let answer = timeout(LIMIT, read_answer(&mut stream)).await;
    (answer.unwrap_or_else(|_| panic!("still open after {LIMIT:?}")), started.elapsed())
}

#[tokio::test]
async fn slow_clients_are_disconnected_and_others_served() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let head = format!(
        "POST /api/v1/keys HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-type: application/json\r\n",
        fixture.host(),
        fixture.key()
    );
    let form = format!(
        "POST /sign-in HTTP/1.1\r\nhost: {}\r\nsec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\nemail=",
        fixture.host()
    );
    let whole = format!("{head}content-length: 60000\r\n\r\n{{\"name\": \"");
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n{{\"nam");
    let upload = upload_path(&fixture, fixture.key(), fixture.ours.project).await;
    let upload = format!(
        "PUT {upload} HTTP/1.1\r\nhost: {}\r\ncontent-type: image/png\r\ncontent-length: 100000\r\n\r\n",
        fixture.host()
    );
    let slow = async {
        tokio::join!(
            // An image may take longer in total, but not byte by byte.
            send_byte_by_byte(&fixture, upload, b"a"),
            send_byte_by_byte(&fixture, head.clone(), b"x-a: b\r\n"),
            send_byte_by_byte(&fixture, "GET /".to_owned(), b"a"),
            send_byte_by_byte(&fixture, whole.clone(), b"a"),
            send_byte_by_byte(&fixture, format!("{head}transfer-encoding: chunked\r\n\r\n"), b"1\r\na\r\n"),
            stall(&fixture, head.clone()),
            stall(&fixture, whole.clone()),
            stall(&fixture, chunked),
            stall(&fixture, form),
            // Many connections that send nothing.
            idle_connections(&fixture),
        )
    };
    let others = async {
        let mut slowest = Duration::ZERO;
        let mut count = 0;
        let mut pause = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..80 {
            pause.tick().await;
            let started = Instant::now();
            assert_eq!(fixture.server.get("/api/v1/projects", fixture.key()).await.status, 200);
            slowest = slowest.max(started.elapsed());
            count += 1;
        }
        (count, slowest)
    };
    let (slow, (count, slowest)) = tokio::join!(slow, others);
    assert!(count == 80 && slowest < FAST, "{slowest:?}");
    let (
        uploaded,
        headers,
        line,
        body,
        chunks,
        stalled_head,
        stalled_body,
        stalled_chunk,
        stalled_form,
        _crowd,
    ) = slow;
    for (answer, took) in [headers, line, stalled_head] {
        assert!(answer.is_none_or(|answer| answer.status == 408), "{took:?}");
    }
    for (answer, took) in [uploaded, body, chunks, stalled_body, stalled_chunk] {
        answer.unwrap_or_else(|| panic!("closed without a response after {took:?}")).problem(408, "too_slow");
    }
    assert_eq!(stalled_form.0.unwrap().status, 408);
    assert_eq!(fixture.stored_data().await, before);
}

/// Opens connections and leaves them idle.
async fn idle_connections(fixture: &AccessFixture) -> Vec<tokio::net::TcpStream> {
    let mut crowd = Vec::new();
    for _ in 0..300 {
        crowd.push(connect(&fixture.server.url).await);
    }
    crowd
}

/// A client that disconnects within the body has sent no complete request.
#[tokio::test]
async fn truncated_body_changes_nothing() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let whole = "{\"name\": \"x\", \"scopes\": [\"inference\"]}";
    for cut in 0..whole.len() {
        let mut stream = connect(&fixture.server.url).await;
        let head = format!(
            "POST /api/v1/keys HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            fixture.host(),
            fixture.key(),
            whole.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&whole.as_bytes()[..cut]).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = timeout(LIMIT, read_answer(&mut stream)).await.unwrap();
        assert!(answer.is_none_or(|answer| answer.status.is_client_error()), "{cut}");
    }
    assert_eq!(fixture.stored_data().await, before);
}
