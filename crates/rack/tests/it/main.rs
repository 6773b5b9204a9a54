//! The rack equals the store that it was fed from, after any history of changes, and never allows what the
//! store had already denied.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod allocations;
mod callers;
mod equal;
mod follower;
mod history;
mod pauses;
mod rate_changes;
mod rates;
mod readers;
mod uses;
mod visitors;
