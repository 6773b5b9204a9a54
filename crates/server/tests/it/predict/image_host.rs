//! An HTTP server for image URLs, with valid and hostile responses.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::samples::pattern_image;

/// Listens on its own port until the test ends.
pub(super) struct ImageHost {
    pub(super) port: u16,
    connections: Arc<AtomicUsize>,
}

impl ImageHost {
    pub(super) async fn start() -> Self {
        // Listens on all addresses of this machine, so that only Keyrack can deny one.
        let all = [SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)), (Ipv4Addr::UNSPECIFIED, 0).into()];
        let listener = TcpListener::bind(&all[..]).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, port));
            }
        });
        Self { port, connections }
    }

    pub(super) fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    /// The number of connections so far.
    pub(super) fn connection_count(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn answer(mut stream: TcpStream, port: u16) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte).await {
            Ok(1) => request.push(byte[0]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).to_lowercase();
    let path = request.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
    // Keyrack must not send headers that reveal its users.
    let is_quiet =
        !["cookie", "authorization", "referer", "x-forwarded"].iter().any(|name| request.contains(name));
    // A client that disconnects early is ignored.
    let _ = respond(&mut stream, if is_quiet { &path } else { "/loud" }, port).await;
}

async fn respond(stream: &mut TcpStream, path: &str, port: u16) -> std::io::Result<()> {
    let picture = pattern_image(1, 99);
    let length = picture.len();
    let redirect =
        |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes();
    let whole = |head: &str, body: &[u8]| [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat();
    let picture_with = |head: &str| whole(&format!("200 OK\r\n{head}"), &picture);
    let bytes = match path {
        "/picture" => picture_with(&format!("content-length: {length}\r\ncontent-type: text/html")),
        "/until-closed" => picture_with("connection: close"),
        "/missing" => whole(&format!("404 Not Found\r\ncontent-length: {length}"), &picture),
        "/part" => whole(&format!("206 Partial Content\r\ncontent-length: {length}"), &picture),
        "/cut-off" => picture_with(&format!("content-length: {}", length + 10)),
        "/page" => whole("200 OK\r\ncontent-length: 14", b"<p>secrets</p>"),
        "/empty" => whole("200 OK\r\ncontent-length: 0", b""),
        "/gzip" => picture_with(&format!("content-encoding: gzip\r\ncontent-length: {length}")),
        "/announces-much" => whole("200 OK\r\ncontent-length: 10000001", b"x"),
        "/1" => redirect("/2"),
        "/2" => redirect("/3"),
        "/3" => redirect("/picture"),
        "/0" => redirect("/1"),
        "/round" => redirect("/round"),
        "/to-private" => redirect(&format!("http://127.0.0.1:{port}/picture")),
        "/to-mapped" => redirect(&format!("http://[::ffff:127.0.0.1]:{port}/picture")),
        "/to-name" => redirect(&format!("http://ip6-localhost:{port}/picture")),
        "/to-user" => redirect(&format!("http://a:b@localhost:{port}/picture")),
        "/to-file" => redirect("file:///etc/passwd"),
        "/nowhere" => b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
        "/no-http" => b"220 smtp ready\r\n".to_vec(),
        "/endless" => return send_endless_body(stream).await,
        "/slow" => return send_slowly(stream, length, &picture).await,
        "/silent" => return wait_silently().await,
        _ => b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n".to_vec(),
    };
    stream.write_all(&bytes).await?;
    stream.shutdown().await
}

async fn send_endless_body(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
    let chunk = [&b"100000\r\n"[..], &vec![7; 0x10_0000], b"\r\n"].concat();
    loop {
        stream.write_all(&chunk).await?;
    }
}

async fn send_slowly(stream: &mut TcpStream, length: usize, picture: &[u8]) -> std::io::Result<()> {
    stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").as_bytes()).await?;
    for byte in picture {
        stream.write_all(&[*byte]).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn wait_silently() -> std::io::Result<()> {
    tokio::time::sleep(Duration::from_mins(1)).await;
    Ok(())
}
