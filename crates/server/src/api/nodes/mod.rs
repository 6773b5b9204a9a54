//! Nodes: services elsewhere that check the keys of a workspace in their own memory. What is said is in
//! [`keyrack_guard::remote::wire`].

pub mod changes;
pub mod leave;
pub mod list;
pub mod register;
pub mod snapshot;
pub mod uses;

use keyrack_key::NodeId;

use crate::ops::OpError;

/// An id from a path. What is no id names no node.
fn node_id(text: &str) -> Result<NodeId, OpError> {
    text.parse().map_err(|_| OpError::NotFound("node"))
}
