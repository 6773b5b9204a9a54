//! The real binary on real folders: what people and programs see of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod activity;
mod browser;
mod cast;
mod cli;
mod client;
mod compressed;
mod coverage;
mod crash;
mod datasets;
mod desk;
mod disk;
mod generated;
mod harness;
mod held;
mod history;
mod hostile;
mod imports;
mod keys;
mod ledger;
mod models;
mod nodes;
mod past;
mod policy;
mod predict;
mod problem;
mod projects;
mod proxies;
mod raw;
mod revocation;
mod secrecy;
mod stop;
mod visitor;
