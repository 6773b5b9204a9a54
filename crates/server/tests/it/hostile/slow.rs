//! Clients that take their time. They get none of the time of others.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::cast::Cast;
use crate::harness::Answer;
use crate::hostile::room::place;
use crate::raw::{connect, read_answer};

/// The server lets go after 30 seconds at the latest.
const LIMIT: Duration = Duration::from_secs(35);
/// How long others may wait meanwhile. Generous: tests share two cores.
const FAST: Duration = Duration::from_secs(5);

/// Sends `start` at once and then `more`, a byte at a time, until the server has had enough.
async fn dribble(cast: &Cast, start: String, more: &'static [u8]) -> (Option<Answer>, Duration) {
    let (mut read, mut write) = connect(&cast.server.url).await.into_split();
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
async fn stall(cast: &Cast, start: String) -> (Option<Answer>, Duration) {
    let mut stream = connect(&cast.server.url).await;
    let started = Instant::now();
    stream.write_all(start.as_bytes()).await.unwrap();
    let answer = timeout(LIMIT, read_answer(&mut stream)).await;
    (answer.unwrap_or_else(|_| panic!("still open after {LIMIT:?}")), started.elapsed())
}

#[tokio::test]
async fn slow_clients_are_let_go_and_hold_nobody_up() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    let head = format!(
        "POST /api/v1/keys HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-type: application/json\r\n",
        cast.host(),
        cast.key()
    );
    let form = format!(
        "POST /sign-in HTTP/1.1\r\nhost: {}\r\nsec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\nemail=",
        cast.host()
    );
    let whole = format!("{head}content-length: 60000\r\n\r\n{{\"name\": \"");
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n{{\"nam");
    let upload = place(&cast, cast.key(), cast.ours.project).await;
    let upload = format!(
        "PUT {upload} HTTP/1.1\r\nhost: {}\r\ncontent-type: image/png\r\ncontent-length: 100000\r\n\r\n",
        cast.host()
    );
    let slow = async {
        tokio::join!(
            // An image may take longer as a whole, but not a byte at a time.
            dribble(&cast, upload, b"a"),
            dribble(&cast, head.clone(), b"x-a: b\r\n"),
            dribble(&cast, "GET /".to_owned(), b"a"),
            dribble(&cast, whole.clone(), b"a"),
            dribble(&cast, format!("{head}transfer-encoding: chunked\r\n\r\n"), b"1\r\na\r\n"),
            stall(&cast, head.clone()),
            stall(&cast, whole.clone()),
            stall(&cast, chunked),
            stall(&cast, form),
            // Many who say nothing at all.
            crowd(&cast),
        )
    };
    let others = async {
        let mut slowest = Duration::ZERO;
        let mut asked = 0;
        let mut pause = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..80 {
            pause.tick().await;
            let started = Instant::now();
            assert_eq!(cast.server.get("/api/v1/projects", cast.key()).await.status, 200);
            slowest = slowest.max(started.elapsed());
            asked += 1;
        }
        (asked, slowest)
    };
    let (slow, (asked, slowest)) = tokio::join!(slow, others);
    assert!(asked == 80 && slowest < FAST, "{slowest:?}");
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
        answer.unwrap_or_else(|| panic!("closed without a word after {took:?}")).problem(408, "too_slow");
    }
    assert_eq!(stalled_form.0.unwrap().status, 408);
    assert_eq!(cast.written().await, before);
}

/// Connections that are opened and left.
async fn crowd(cast: &Cast) -> Vec<tokio::net::TcpStream> {
    let mut crowd = Vec::new();
    for _ in 0..300 {
        crowd.push(connect(&cast.server.url).await);
    }
    crowd
}

/// A client that hangs up in the middle of a body has asked for nothing.
#[tokio::test]
async fn a_body_that_is_cut_off_is_no_request() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    let whole = "{\"name\": \"x\", \"scopes\": [\"inference\"]}";
    for cut in 0..whole.len() {
        let mut stream = connect(&cast.server.url).await;
        let head = format!(
            "POST /api/v1/keys HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            cast.host(),
            cast.key(),
            whole.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&whole.as_bytes()[..cut]).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = timeout(LIMIT, read_answer(&mut stream)).await.unwrap();
        assert!(answer.is_none_or(|answer| answer.status.is_client_error()), "{cut}");
    }
    assert_eq!(cast.written().await, before);
}
