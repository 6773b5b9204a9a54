//! Integration tests that run the real binary with real data folders.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod audit_export;
mod audit_log;
mod browser;
mod cli;
mod client;
mod compression;
mod coverage;
mod crash;
mod datasets;
mod disk;
mod docs;
mod fixtures;
mod generated;
mod harness;
mod held_requests;
mod hostile;
mod imports;
mod keys;
mod ledger;
mod models;
mod nodes;
mod policy;
mod predict;
mod problem;
mod projects;
mod proxies;
mod raw_http;
mod revocation;
mod secrecy;
mod shell;
mod shutdown;
mod usage_history;
mod web_client;
mod words;
