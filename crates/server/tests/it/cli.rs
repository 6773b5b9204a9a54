//! The command line, as scripts and people use it.

mod audit;
mod folder;
mod narrow;
mod server;
mod setup;
mod usage;
