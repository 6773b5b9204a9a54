//! Raw bytes over a socket, which no HTTP client would send.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::Answer;

/// The longest time to wait for a response.
const LIMIT: Duration = Duration::from_secs(15);

/// Sends `bytes` to the server at `url` and reads the response. `None` if the server only closes the connection.
pub(crate) async fn exchange(url: &str, bytes: impl Into<Vec<u8>>) -> Option<Answer> {
    let bytes = bytes.into();
    let (mut read, mut write) = connect(url).await.into_split();
    // The server can respond and close the connection before it has read all bytes.
    let sending = tokio::spawn(async move {
        let _ = write.write_all(&bytes).await;
        write
    });
    let answer = timeout(LIMIT, read_answer(&mut read)).await;
    sending.abort();
    answer.unwrap_or_else(|_| panic!("no response within {LIMIT:?}"))
}

/// Opens a connection to the server at `url`.
pub(crate) async fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.trim_start_matches("http://")).await.unwrap()
}

/// Reads one response. `None` if the connection ends first.
pub(crate) async fn read_answer(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Answer> {
    let mut bytes = Vec::new();
    loop {
        if let Some((answer, _)) = parse(&bytes) {
            return Some(answer);
        }
        let mut some = [0; 8_192];
        match stream.read(&mut some).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&some[..count]),
        }
    }
}

/// Parses consecutive responses. Panics if the last one is incomplete.
pub(crate) fn parse_all(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let (answer, length) = parse(bytes).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(bytes)));
        answers.push(answer);
        bytes = &bytes[length..];
    }
    answers
}

/// A complete response and its length in bytes. `None` if it is incomplete. Our responses have a `Content-Length`.
fn parse(bytes: &[u8]) -> Option<(Answer, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    if status == 100 {
        let (answer, length) = parse(&bytes[end + 4..])?;
        return Some((answer, end + 4 + length));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
    }
    let length: usize =
        headers.get("content-length").map_or(0, |length| length.to_str().unwrap().parse().unwrap());
    let body = bytes.get(end + 4..end + 4 + length)?;
    let text = String::from_utf8_lossy(body).into_owned();
    let answer = Answer { status: StatusCode::from_u16(status).unwrap(), headers, text };
    Some((answer, end + 4 + length))
}
