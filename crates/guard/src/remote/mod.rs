//! Following a Keyrack server from a service elsewhere (feature `remote`).
//!
//! A [`Node`] registers, reads all keys of its workspace once, and is told of each change from then on. Its guard
//! decides in the memory of this process. Whoever deletes a key is answered when every node has applied that, or cannot
//! accept the key any more:
//!
//! - each question for changes says what was applied, and renews a lease of [five seconds](wire::LEASE), counted from
//!   when the question *began* on this machine's own clock; at each check it is asked whether that has run out;
//! - the server waits until it has heard of each node, or has not heard of it for that long and one percent more, on
//!   its own clock. No times of two machines are compared.
//!
//! What a node does when it is cut off is its [choice](WhenCutOff).

mod feed;
mod http;
mod node;
mod uses;
pub mod wire;

pub use http::RemoteError;
pub use node::{Node, NodeBuilder, UnknownChoice, WhenCutOff, time_of_day};
