//! A gRPC service (tonic's own health check) that checks the keys of a Keyrack workspace in its own memory:
//!
//! ```text
//! KEYRACK_KEY=<a key with the scope Node> cargo run --manifest-path examples/tonic-service/Cargo.toml
//! grpcurl -plaintext -H "X-Api-Key: <a key with the scope Inference>" 127.0.0.1:9000 grpc.health.v1.Health/Check
//! ```
//!
//! A denial is an HTTP response. gRPC clients read 401 as `UNAUTHENTICATED`, 403 as `PERMISSION_DENIED` and 429 and 503
//! as `UNAVAILABLE` (gRPC, "HTTP to gRPC Status Code Mapping").

use std::env;
use std::error::Error;

use keyrack_guard::{GuardLayer, NodeBuilder, Permission};
use tokio::net::TcpListener;
use tonic::service::Routes;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = env::var("KEYRACK_SERVER").unwrap_or_else(|_| "http://127.0.0.1:8080".to_owned());
    let node = NodeBuilder::new(server, env::var("KEYRACK_KEY")?).name("tonic example").start().await?;
    let guard = GuardLayer::new(node.guard().clone(), Permission::ModelsPredict);
    let (_, health) = tonic_health::server::health_reporter();
    let service = Routes::new(health).into_axum_router().layer(guard);
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:9000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, service).await?;
    Ok(())
}
