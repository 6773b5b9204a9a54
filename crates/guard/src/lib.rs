#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod answer;
mod credential;
mod guard;
mod layer;
pub mod limits;
mod origin;
mod own_origins;
mod problem;
#[cfg(feature = "remote-without-tls")]
pub mod remote;

pub use credential::{Credential, KeyLocation};
pub use guard::{ClientAddress, Guard};
pub use keyrack_key::Permission;
pub use keyrack_rack::{Caller, Clock, DeniedCheck};
pub use layer::{GuardFuture, GuardLayer, GuardService, RequiredPermission};
pub use limits::AllowedFuture;
pub use origin::origin;
pub use own_origins::OwnOrigins;
pub use problem::Problem;
#[cfg(feature = "remote-without-tls")]
pub use remote::{Node, NodeBuilder, OfflinePolicy, RemoteError};
