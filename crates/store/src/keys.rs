//! The keys of a workspace: rows, lists, and changes.

mod apply;
mod audit_detail;
mod change;
mod expiring;
mod list;
mod pause;
mod row;
mod write;

pub use change::{DeleteKey, EditKey, NewKey, RotateKey};
pub use expiring::ExpiringKey;
pub(crate) use list::containing;
pub use list::{KeyFilter, KeyStatus};
pub use pause::ChangeKey;
pub use row::{KeyDeletion, KeyPause, KeyRow, SecretRow};
