#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod answer;
mod credential;
mod home;
mod layer;
pub mod limits;
mod origin;
mod problem;
#[cfg(feature = "remote-without-tls")]
pub mod remote;

pub use credential::{Credential, Place};
pub use home::Home;
pub use keyrack_key::Permission;
pub use keyrack_rack::{Caller, Clock, Refusal};
pub use layer::{Asked, ClientAddress, Guard, GuardFuture, GuardLayer, GuardService};
pub use limits::Admitted;
pub use origin::origin;
pub use problem::Problem;
#[cfg(feature = "remote-without-tls")]
pub use remote::{Node, NodeBuilder, RemoteError, WhenCutOff};
