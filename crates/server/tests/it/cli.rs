//! The command line.

mod audit;
mod folder;
mod restrictions;
mod server;
mod setup;
mod usage;
