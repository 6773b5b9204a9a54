//! Keyrack: the API Keys page of a computer-vision workspace, and everything behind it.

#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod disk;
pub mod folder;
pub mod front;
pub mod history;
pub mod listen;
pub mod objects;
pub mod ops;
pub mod predict;
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
mod numbers;
mod operations;
mod router;
mod shares;
mod telemetry;
mod times;
mod usage;
