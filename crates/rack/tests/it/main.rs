//! What a rack promises, whatever the history of its keys: it equals the store that it was fed from, and
//! nobody gets past it who was shut out before.

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
