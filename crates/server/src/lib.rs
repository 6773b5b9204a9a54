//! Keyrack: the API Keys page of a computer-vision workspace, and everything behind it.

#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod folder;
pub mod http;
pub mod objects;
pub mod serve;
pub mod web;

mod background;
mod bench;
mod core_dumps;
mod fetch;
mod metrics;
mod telemetry;
mod usage;
mod worker;
