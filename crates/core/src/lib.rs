//! The operations of Keyrack, shared by the API, the pages, and the command line so that all three follow the same
//! rules. Operations use the store, the rack, objects, and models. No HTTP, no HTML.
//!
//! - A module per subject holds its operations ([`keys`], [`projects`], [`datasets`], [`models`], [`predictions`], …).
//!   Each operation takes [`AuthorizedCaller`], the caller in one workspace, and fails with one [`OpError`].
//! - [`shares`] divides the bounds of the process among workspaces and keys; [`predict`] runs models within them.
//! - [`objects`] and [`disk`] keep files; [`history`] writes and verifies the exported audit log.
//! - [`clock`] is the one place that reads the time, and [`random`] is the source of random numbers.

#![forbid(unsafe_code)]

pub mod activity;
pub mod clock;
pub mod csv_cells;
pub mod datasets;
pub mod denials;
pub mod disk;
pub mod error;
pub mod first_calls;
pub mod history;
pub mod imports;
pub mod invalid;
pub mod keys;
pub mod models;
pub mod nodes;
pub mod numbers;
pub mod objects;
pub mod people;
pub mod pictures;
pub mod predict;
pub mod predictions;
pub mod projects;
pub mod quotas;
pub mod random;
pub mod removals;
pub mod settings;
pub mod shares;
pub mod times;
pub mod who;
pub mod workspaces;

mod passwords;
mod throttle;

pub use error::{ErrorCause, OpError};
pub use invalid::Invalid;
pub use passwords::Passwords;
pub use random::Random;
pub use throttle::Throttle;
pub use who::{AuthorizedCaller, CallerKind};
