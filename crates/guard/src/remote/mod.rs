//! Checks the keys of a Keyrack server in another service (feature `remote`).
//!
//! A [`Node`] is a service that registers with a server, reads all keys of its workspace once, and then reads
//! each change. Its guard decides in the memory of this process. The deletion of a key returns when every
//! node has applied it, or can no longer accept the key:
//!
//! - Each request for changes reports what the node has applied, and renews a lease of [five
//!   seconds](wire::LEASE). The lease counts from the *start* of the request, on the monotonic clock of the
//!   node, and each check compares this clock with the end of the lease.
//! - The server waits for each node until the node reports the deletion, or until its lease plus one percent
//!   has passed without a request, on the server's own clock. Clocks of two machines are never compared.
//!
//! [`OfflinePolicy`] determines what a node does while it cannot reach the server.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use keyrack_guard::{GuardLayer, NodeBuilder, OfflinePolicy, Permission};
//! # use tower::Layer;
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # let service = tower::service_fn(async |_: http::Request<()>| {
//! #     Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
//! # });
//! let node = NodeBuilder::new("https://keys.example.org", std::env::var("KEYRACK_KEY")?)
//!     .name("counter 3")
//!     .offline_policy(OfflinePolicy::ServeFor(Duration::from_secs(30)))
//!     .start()
//!     .await?;
//! let layer = GuardLayer::new(node.guard().clone(), Permission::ModelsPredict);
//! let service = layer.layer(service);
//! // Serve requests with it, and then:
//! node.stop().await;
//! # drop(service);
//! # Ok(())
//! # }
//! ```

mod builder;
mod connector;
mod feed;
mod http;
mod node;
mod offline_policy;
mod usage_reporter;
pub mod wire;

pub use builder::NodeBuilder;
/// The connector of a node: TLS for `https://` addresses, and plain TCP for `http://`.
#[cfg(feature = "rustls")]
pub use connector::TlsConnector as DefaultConnector;
pub use http::RemoteError;
/// The connector of a node without the feature `rustls`: plain TCP, for `http://` addresses only.
#[cfg(not(feature = "rustls"))]
pub use hyper_util::client::legacy::connect::HttpConnector as DefaultConnector;
pub use node::{Node, time_of_day};
pub use offline_policy::{OfflinePolicy, OfflinePolicyError};
