//! The keys of a workspace: what a row holds, how lists are read, and the four changes that a key can go through.

mod apply;
mod change;
mod list;
mod row;
mod tell;
mod write;

pub use change::{DeleteKey, EditKey, NewKey, RotateKey};
pub use list::{KeyFilter, KeyStatus};
pub use row::{Deletion, KeyRow, SecretRow};
