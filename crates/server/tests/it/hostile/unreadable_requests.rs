//! Bytes that the HTTP library cannot parse as a request. The library rejects them before our code runs.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::harness::{Answer, Server};
use crate::raw_http::parse_all;

/// A self-signed certificate for 127.0.0.1, for tests only.
const CERT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hostile/unreadable_requests/cert.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hostile/unreadable_requests/key.pem");
/// The longest time to wait for a response.
const LIMIT: Duration = Duration::from_secs(30);

trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for T {}

async fn connect(server: &Server) -> Box<dyn ByteStream> {
    let (scheme, address) = server.url.split_once("://").unwrap();
    let socket = TcpStream::connect(address).await.unwrap();
    if scheme == "http" {
        return Box::new(socket);
    }
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(CERT).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
    Box::new(TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap())
}

/// Sends `bytes` and returns all responses until the server closes the connection.
async fn answers(server: &Server, bytes: &[u8]) -> Vec<Answer> {
    let mut stream = connect(server).await;
    // The server can respond before it has read all bytes.
    let _ = stream.write_all(bytes).await;
    let mut read = Vec::new();
    let ended = timeout(LIMIT, stream.read_to_end(&mut read)).await.expect("the server closes");
    assert!(ended.is_ok() || !read.is_empty(), "{ended:?}");
    parse_all(&read)
}

fn unreadable_requests() -> Vec<(Vec<u8>, u16, &'static str)> {
    let get = |lines: &str| format!("GET /api/v1/keys HTTP/1.1\r\nhost: a\r\n{lines}\r\n").into_bytes();
    let many = (0..101).fold(String::new(), |lines, n| format!("{lines}x-{n}: {n}\r\n"));
    let long = "a".repeat(70_000);
    vec![
        (get("content-length: 1\r\ncontent-length: 2\r\n"), 400, "bad_request"),
        (get("content-length: -1\r\n"), 400, "bad_request"),
        (get("transfer-encoding: gzip\r\n"), 400, "bad_request"),
        (get("x y: z\r\n"), 400, "bad_request"),
        (get("x: \0\r\n"), 400, "bad_request"),
        (b"nonsense\r\n\r\n".to_vec(), 400, "bad_request"),
        (b"GET / HTTP/3.0\r\nhost: a\r\n\r\n".to_vec(), 400, "bad_request"),
        (b"GET /\x01 HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(), 400, "bad_request"),
        (b"GET / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(), 400, "bad_request"),
        (get(&many), 431, "headers_too_large"),
        (get(&format!("x: {long}\r\n")), 431, "headers_too_large"),
        (format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n").into_bytes(), 431, "headers_too_large"),
    ]
}

async fn assert_answered_with_problems(server: &Server) {
    for (bytes, status, code) in unreadable_requests() {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        let answers = answers(server, &bytes).await;
        assert_eq!(answers.len(), 1, "{start}: {answers:?}");
        answers[0].problem(status, code);
        assert_eq!(answers[0].header("connection"), "close", "{start}");
        assert_ne!(answers[0].header("date"), "", "{start}");
        assert_eq!(answers[0].header("access-control-allow-origin"), "*", "{start}");
    }
    let metrics = server.ops("/metrics").await.text;
    for (status, count) in [(400, 9), (431, 3)] {
        let counted = format!("method=\"other\",route=\"unmatched\",status=\"{status}\"}} {count}\n");
        assert!(metrics.contains(&counted), "{counted}{metrics}");
    }
}

/// Valid requests before the unreadable one still get their full responses.
async fn assert_answered_after_valid_requests(server: &Server) {
    let host = server.url.split_once("://").unwrap().1;
    let good = format!("GET /openapi.json HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let small = format!("GET /api/v1/keys HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let body = format!(
        "POST /api/v1/keys HTTP/1.1\r\nhost: {host}\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n{{}}\n"
    );
    // A long head that arrives during another response can be read completely; then the edge rejects it.
    for (bad, status, code) in unreadable_requests().into_iter().filter(|(bad, ..)| bad.len() < 10_000) {
        let bytes = [good.as_bytes(), small.as_bytes(), body.as_bytes(), small.as_bytes(), &bad].concat();
        let answers = answers(server, &bytes).await;
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses, [200, 401, 401, 401, status]);
        assert!(answers[0].json()["openapi"].is_string());
        answers[4].problem(status, code);
    }
}

#[tokio::test]
async fn unreadable_request_gets_problem_response() {
    let server = Server::start().await;
    assert_answered_with_problems(&server).await;
    assert_answered_after_valid_requests(&server).await;
}

#[tokio::test]
async fn unreadable_request_over_tls_gets_problem_response() {
    let server = Server::start_with(&["--tls-cert", CERT, "--tls-key", KEY], &[]).await;
    assert_answered_with_problems(&server).await;
    assert_answered_after_valid_requests(&server).await;
    let answers = answers(&server, b"nonsense\r\n\r\n").await;
    assert_ne!(answers[0].header("strict-transport-security"), "");
}
