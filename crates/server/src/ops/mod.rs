//! What can be done, once for the page, the API and the command line: rules, the store, the rack and the audit
//! are asked here, so that no way in can differ from another.

pub mod activity;
pub mod datasets;
pub mod error;
pub mod first_calls;
pub mod imports;
pub mod invalid;
pub mod keys;
pub mod models;
pub mod nodes;
pub mod people;
pub mod pictures;
pub mod predictions;
pub mod projects;
pub mod quotas;
pub mod refusals;
pub mod removals;
pub mod settings;
pub mod who;
pub mod workspaces;

mod passwords;
mod throttle;

pub use error::OpError;
pub use invalid::Invalid;
pub use passwords::Passwords;
pub use throttle::Throttle;
pub use who::{Acting, Who};
