//! The guard: a tower layer that asks the [`Rack`](keyrack_rack::Rack) about the API key of each request.
//!
//! Any tower service can wear it; it knows no web framework and no database. A request that passes carries a
//! [`Caller`] in its extensions, a request that does not is answered by a [`Problem`] (RFC 9457).
//!
//! Facts about a request come from where they can be trusted. The client's address is what [`ClientAddress`] says in the
//! request's extensions, and unknown without it. A page in a browser counts as the service's own only if its host is named
//! by [`Guard::at_home`], or cannot be pointed elsewhere by DNS; without a [`Home`] no page does.
//!
//! ```
//! use std::sync::Arc;
//! use keyrack_guard::{Guard, GuardLayer};
//! use keyrack_key::{Brands, Permission, Timestamp};
//! use keyrack_rack::{Rack, Snapshot, Trust};
//! use tower::{Layer, Service, ServiceExt};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let rack = Arc::new(Rack::new());
//! rack.load(Snapshot::default());
//! rack.trust(Trust::Always);
//! let guard = Arc::new(Guard::new(rack, Brands::default(), || Timestamp::from_micros(0)));
//! let predict = tower::service_fn(|_: http::Request<()>| async {
//!     Ok::<_, std::convert::Infallible>(http::Response::new(String::from("a cat")))
//! });
//! let guarded = GuardLayer::new(guard, Permission::ModelsPredict).layer(predict);
//! let answer = guarded.oneshot(http::Request::new(())).await.unwrap();
//! assert_eq!(answer.status(), 401);
//! # });
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod answer;
mod credential;
mod home;
mod layer;
pub mod limits;
mod problem;
#[cfg(feature = "remote")]
pub mod remote;

pub use credential::{Credential, Place};
pub use home::Home;
pub use keyrack_key::Permission;
pub use keyrack_rack::{Caller, Clock, Refusal};
pub use layer::{Asked, ClientAddress, Guard, GuardFuture, GuardLayer, GuardService};
pub use limits::Admitted;
pub use problem::Problem;
#[cfg(feature = "remote")]
pub use remote::{Node, NodeBuilder, RemoteError, WhenCutOff};
