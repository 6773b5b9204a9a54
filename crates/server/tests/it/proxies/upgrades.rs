//! Protocol upgrades: WebSockets are opened if Keyrack allows them; other protocols are not, since their requests would not
//! be verified.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::deployment::Deployment;
use crate::raw_http;

with_each_proxy!(websocket_with_key_is_opened, other_upgrade_is_not_opened);

const WEBSOCKET: &str =
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

async fn websocket_with_key_is_opened(proxy: Deployment) {
    let key = proxy.api.create_key_with(&["inference"]).await;
    for connection in ["Upgrade", "keep-alive, Upgrade", "Upgrade, X-Keyrack-Key, X-Keyrack-Scopes"] {
        let head =
            format!("GET /socket HTTP/1.1\r\nHost: site.example\r\nConnection: {connection}\r\n{WEBSOCKET}");
        let denied = raw_http::exchange(&proxy.url, format!("{head}\r\n\r\n")).await.unwrap();
        assert_eq!(denied.status, 401, "{denied:?}");

        let mut stream = BufReader::new(raw_http::connect(&proxy.url).await);
        let request = format!("{head}\r\nX-Keyrack-Key: forged\r\nX-Api-Key: {}\r\n\r\n", key.secret);
        stream.write_all(request.as_bytes()).await.unwrap();
        let (mut line, mut lines) = (String::new(), Vec::new());
        while line != "\r\n" {
            line.clear();
            assert!(stream.read_line(&mut line).await.unwrap() > 0, "{lines:?} {}", proxy.log());
            lines.push(line.clone());
        }
        assert!(lines[0].starts_with("HTTP/1.1 101 "), "{connection}: {lines:?} {}", proxy.log());
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        let received: Value = serde_json::from_str(&line).unwrap();
        let of =
            |name| received["headers"].as_array().unwrap().iter().filter(move |header| header[0] == name);
        assert!(of("x-keyrack-key").map(|header| &header[1]).eq([key.id.as_str()]), "{received}");
        assert!(!line.contains(&key.secret), "{received}");
        stream.write_all(b"ping").await.unwrap();
        let mut echoed = [0; 4];
        stream.read_exact(&mut echoed).await.unwrap();
        assert_eq!(&echoed, b"ping");
    }
}

async fn other_upgrade_is_not_opened(proxy: Deployment) {
    let key = proxy.api.create_key_with(&["inference"]).await;
    let page = "Origin: https://site.example\r\nAccess-Control-Request-Method: POST";
    let key = format!("X-Api-Key: {}", key.secret);
    for (line, headers, upgrade) in [
        ("GET /", key.as_str(), "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"),
        ("GET /", key.as_str(), "Upgrade: websocket, h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"),
        ("GET /", key.as_str(), "Upgrade: tls/1.3"),
        ("OPTIONS /", page, WEBSOCKET),
    ] {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: site.example\r\nConnection: Upgrade, HTTP2-Settings\r\n{upgrade}\r\n{headers}\r\n\r\n"
        );
        let answer = raw_http::exchange(&proxy.url, request).await.unwrap();
        assert_ne!(answer.status, 101, "{line} {upgrade}: {answer:?}");
        assert!(!answer.text.contains("[\"upgrade\""), "{line} {upgrade}: {answer:?}");
    }
}
