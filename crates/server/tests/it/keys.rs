//! The life of a key over the API.

mod beyond;
mod create;
mod delete;
mod edit;
mod expiry;
mod first_call;
mod last_use;
mod list;
mod once;
mod pause;
mod publishable;
mod rate;
mod restrictions;
mod retire;
mod rotate;
mod verify;
