//! The audit log of a workspace. A hash chain links each entry to the previous one.

pub(super) mod export;
pub(super) mod list;
pub(super) mod verify;

mod audit_entry;
mod filter;

pub(crate) use export::{attachment, export_file};
