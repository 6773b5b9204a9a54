//! Temporary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, unused_imports)]

#[path = "it/cast.rs"]
mod cast;
#[path = "it/coverage.rs"]
mod coverage;
#[path = "it/harness.rs"]
mod harness;
#[path = "it/hostile.rs"]
mod hostile;
#[path = "it/problem.rs"]
mod problem;
#[path = "it/raw.rs"]
mod raw;
