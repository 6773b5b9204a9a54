//! Keyrack: the API Keys page of a computer-vision workspace, and everything behind it.

#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod folder;
pub mod front;
pub mod listen;
pub mod serve;
pub mod web;

mod background;
mod bench;
mod control;
mod core_dumps;
mod edge;
mod fetch;
mod jobs;
mod metrics;
mod operations;
mod router;
mod telemetry;
mod usage;
