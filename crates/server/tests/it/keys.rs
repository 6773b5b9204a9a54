//! The life of a key over the API.

mod beyond;
mod create;
mod delete;
mod edit;
mod expiry;
mod last_use;
mod list;
mod once;
mod publishable;
mod rate;
mod restrictions;
mod rotate;
mod verify;
