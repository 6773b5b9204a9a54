//! The keys of a workspace: what a row holds, how lists are read, and the changes that a key can go through.

mod apply;
mod change;
mod expiring;
mod life;
mod list;
mod row;
mod tell;
mod write;

pub use change::{DeleteKey, EditKey, NewKey, RotateKey};
pub use expiring::Expiring;
pub use life::ChangeKey;
pub(crate) use list::containing;
pub use list::{KeyFilter, KeyStatus};
pub use row::{Deletion, KeyRow, Paused, SecretRow};
