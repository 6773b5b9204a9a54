//! What happened in the workspace: the audit entries, each chained to the one before.

pub(super) mod export;
pub(super) mod list;
pub(super) mod verify;

mod entry_body;
mod filter;

pub(crate) use export::file;
