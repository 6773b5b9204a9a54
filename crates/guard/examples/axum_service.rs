//! An axum service that checks the keys of a Keyrack workspace in its own memory:
//!
//! ```text
//! KEYRACK_KEY=<a key with the scope Node> cargo run -p keyrack-guard --features remote --example axum_service
//! curl http://127.0.0.1:9000/ -H "X-Api-Key: <a key with the scope Inference>"
//! ```

#![expect(clippy::print_stdout, reason = "a program says where it listens")]

use std::error::Error;
use std::net::SocketAddr;

use axum::routing::get;
use axum::{Extension, Router};
use clap::Parser;
use keyrack_guard::{Caller, GuardLayer, NodeBuilder, OfflinePolicy, Permission};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Choices {
    /// The Keyrack server
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    server: String,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// What to do when the server cannot be reached: deny, or serve-for=60s
    #[arg(long, default_value = "serve-for=60s")]
    offline_policy: OfflinePolicy,
    /// A key with the scope Node
    #[arg(env = "KEYRACK_KEY", hide_env_values = true)]
    key: String,
}

async fn hello(Extension(caller): Extension<Caller>) -> String {
    format!("hello, {}\n", caller.key().name)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let choices = Choices::parse();
    let node = NodeBuilder::new(choices.server, choices.key)
        .name("axum example")
        .offline_policy(choices.offline_policy)
        .start()
        .await?;
    let guard = GuardLayer::new(node.guard().clone(), Permission::ModelsPredict);
    let service = Router::new().route("/", get(hello)).layer(guard);
    let listener = TcpListener::bind(choices.listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, service)
        .with_graceful_shutdown(async {
            // Without signals, only a kill ends it.
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    node.stop().await;
    Ok(())
}
