//! The real binary on real folders: what people and programs see of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod browser;
mod cli;
mod harness;
