//! The keys of a workspace: rows, lists, and changes.

mod apply;
mod audit_detail;
mod change;
mod list;
mod pause;
mod row;
mod sorted;
mod write;

pub use change::{DeleteKey, EditKey, NewKey, NewSecret, RotateKey};
pub use list::{KeyCounts, KeyFilter, KeyStatus};
pub(crate) use list::{containing, json_list};
pub use pause::ChangeKey;
pub use row::{KeyDeletion, KeyPause, KeyRow, SecretRow};
pub use sorted::{KeyOrder, KeySlice};
