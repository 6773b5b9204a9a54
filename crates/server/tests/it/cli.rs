//! The command line, as scripts and people use it.

mod folder;
mod server;
mod setup;
mod usage;
