//! A service behind a proxy that returns what it received. It reads raw bytes, since a library could hide what a proxy
//! changed.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// Starts the service and returns its port. The service ends with the runtime of the test.
pub(super) async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream));
        }
    });
    port
}

/// Answers one request. After a switch to WebSocket, the first line contains the request, and then all bytes are echoed.
async fn serve(mut stream: TcpStream) {
    let Some(request) = read(&mut stream).await else { return };
    let header = |name| {
        let mut headers = request["headers"].as_array().unwrap().iter();
        headers.find(|header| header[0] == name).map_or("", |header| header[1].as_str().unwrap())
    };
    let body = request.to_string();
    if header("upgrade") == "websocket" && header("connection").eq_ignore_ascii_case("upgrade") {
        let head = format!("HTTP/1.1 101 Switching Protocols\r\n{WEBSOCKET}\r\n\r\n{body}\n");
        let _ = stream.write_all(head.as_bytes()).await;
        let (mut read, mut write) = stream.split();
        let _ = copy(&mut read, &mut write).await;
        return;
    }
    // Pages of every origin may call the service.
    let cors = format!(
        "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: {}\r\nAccess-Control-Allow-Headers: {}",
        header("access-control-request-method"),
        header("access-control-request-headers")
    );
    let head =
        format!("HTTP/1.1 200 OK\r\n{cors}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let body = if request["method"] == "HEAD" { "" } else { &body };
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

/// The response to the example key in RFC 6455, section 1.3.
const WEBSOCKET: &str =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Reads a request with its body. `None` if the connection ends before.
async fn read(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    let end = loop {
        match bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(end) => break end,
            None => read_more(stream, &mut bytes).await?,
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let (line, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    let headers: Vec<_> = headers
        .split("\r\n")
        .filter_map(|header| header.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let header = |name| headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let length = header("content-length").map_or(0, |length| length.parse().unwrap());
    let is_chunked = header("transfer-encoding") == Some("chunked");
    let is_complete =
        |body: &[u8]| if is_chunked { body.ends_with(b"0\r\n\r\n") } else { body.len() >= length };
    while !is_complete(&bytes[end + 4..]) {
        read_more(stream, &mut bytes).await?;
    }
    let (method, rest) = line.split_once(' ')?;
    let (uri, _) = rest.rsplit_once(' ')?;
    Some(json!({ "method": method, "uri": uri, "headers": headers, "bodyLength": bytes.len() - end - 4 }))
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let count = stream.read_buf(bytes).await.ok()?;
    (count > 0).then_some(())
}
