//! A service behind a proxy: it says what it was sent.

use axum::extract::Request;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Where it listens, such as `127.0.0.1:40123`. It ends with the runtime of its test.
pub(super) async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = Router::new().fallback(say);
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

async fn say(request: Request) -> Json<Value> {
    let (request, body) = request.into_parts();
    axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect();
    Json(json!({ "uri": request.uri.to_string(), "method": request.method.as_str(), "headers": headers }))
}
