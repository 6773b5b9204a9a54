//! A service on plain hyper that checks the keys of a Keyrack workspace in its own memory:
//!
//! ```text
//! KEYRACK_KEY=<a key with the scope Node> cargo run -p keyrack-guard --features remote --example hyper_service
//! curl http://127.0.0.1:9000/ -H "X-Api-Key: <any key of the workspace>"
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program says what it does")]

use std::convert::Infallible;
use std::env;
use std::error::Error;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use keyrack_guard::{Caller, GuardLayer, NodeBuilder};
use tokio::net::TcpListener;
use tower::{Layer, service_fn};

async fn hello(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    // The guard adds the caller to each request that it allows.
    let name = request.extensions().get::<Caller>().map(|caller| caller.key().name.as_str());
    Ok(Response::new(format!("hello, {}\n", name.unwrap_or_default())))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = env::var("KEYRACK_SERVER").unwrap_or_else(|_| "http://127.0.0.1:8080".to_owned());
    let node = NodeBuilder::new(server, env::var("KEYRACK_KEY")?).name("hyper example").start().await?;
    let service = GuardLayer::any_key(node.guard().clone()).layer(service_fn(hello));
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:9000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                eprintln!("a connection ended: {error}");
            }
        });
    }
}
