//! Endpoints of nodes, which are services that check keys of a workspace in their own memory. The request and response types are
//! in [`keyrack_guard::remote::wire`].

pub mod changes;
pub mod leave;
pub mod list;
pub mod register;
pub mod snapshot;
pub mod usage;

mod as_node;

use as_node::AsNode;
