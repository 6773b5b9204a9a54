//! A node follows a server over TLS: with a trusted certificate only.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::routing::{delete, get, post};
use axum::{Json, Router};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use keyrack_guard::remote::time_of_day;
use keyrack_guard::remote::wire::{
    FeedPosition, LEASE, NodeChangeFrame, RegisteredNode, SnapshotLine, time_text,
};
use keyrack_guard::{NodeBuilder, RemoteError};
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const NODE: &str = "nod_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";

fn position() -> FeedPosition {
    FeedPosition { revision: 0, change: "AAAAAAAAAAAAAAAAAAAAAA==".to_owned() }
}

/// A server without keys.
fn server() -> Router {
    let register = Json(RegisteredNode {
        id: NODE.to_owned(),
        lease_millis: u64::try_from(LEASE.as_millis()).unwrap(),
        brands: vec!["kr".to_owned()],
        manage_url: "https://localhost/keys/".to_owned(),
    });
    let lines = [SnapshotLine::Head(position()), SnapshotLine::End(0)];
    let snapshot = lines.map(|line| serde_json::to_string(&line).unwrap() + "\n").concat();
    let changes = async || {
        let now = time_text(time_of_day());
        Json(NodeChangeFrame { from: position(), to: position(), changes: Vec::new(), now })
    };
    Router::new()
        .route("/api/v1/nodes", post(async || register))
        .route("/api/v1/nodes/{id}/snapshot", get(async || snapshot))
        .route("/api/v1/nodes/{id}/changes", post(changes))
        .route("/api/v1/nodes/{id}/usage", post(async || Json(())))
        .route("/api/v1/nodes/{id}", delete(async || Json(())))
}

/// Serves HTTPS with this certificate and returns the address.
async fn serve(CertifiedKey { cert, signing_key }: &CertifiedKey<rcgen::KeyPair>) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            PrivatePkcs8KeyDer::from(signing_key.serialize_der()).into(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate breaks off.
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = TowerToHyperService::new(server());
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

fn certificate(name: &str) -> CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed([name.to_owned()]).unwrap()
}

#[tokio::test]
async fn node_follows_https_server_with_trusted_certificate() {
    let own = certificate("localhost");
    let url = format!("https://localhost:{}", serve(&own).await.port());
    let node = NodeBuilder::new(url, "kr_sk_test").trust_certificates(own.cert.pem().as_bytes()).unwrap();
    let node = node.start().await.unwrap();
    assert!(node.is_ready());
    assert_eq!(node.id().unwrap().to_string(), NODE);
    node.stop().await;
}

#[tokio::test]
async fn node_rejects_untrusted_certificate_and_other_host_name() {
    let own = certificate("localhost");
    let port = serve(&own).await.port();
    let trusted = own.cert.pem();
    let other = certificate("localhost").cert.pem();
    for (url, pem) in [
        (format!("https://localhost:{port}"), None),
        (format!("https://localhost:{port}"), Some(&other)),
        (format!("https://127.0.0.1:{port}"), Some(&trusted)),
    ] {
        let node = NodeBuilder::new(&url, "kr_sk_test");
        let node = match pem {
            Some(pem) => node.trust_certificates(pem.as_bytes()).unwrap(),
            None => node,
        };
        let error = node.start().await.unwrap_err();
        let mut source: &dyn std::error::Error = &error;
        let mut reasons = vec![source.to_string()];
        while let Some(next) = source.source() {
            reasons.push(next.to_string());
            source = next;
        }
        assert!(matches!(error, RemoteError::Unreachable(_)), "{url}: {error:?}");
        assert!(reasons.iter().any(|reason| reason.contains("certificate")), "{url}: {reasons:?}");
    }
}

#[test]
fn text_without_certificate_is_rejected() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "no certificate", broken] {
        let result = NodeBuilder::new("https://localhost", "kr_sk_test").trust_certificates(pem.as_bytes());
        assert!(matches!(result, Err(RemoteError::Certificates(_))), "{pem}");
    }
}
