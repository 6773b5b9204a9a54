//! The life of a key over the API.

mod advice;
mod beyond;
mod callers;
mod create;
mod delete;
mod edit;
mod expiry;
mod first_call;
mod forms;
mod last_use;
mod list;
mod narrowing;
mod once;
mod pause;
mod publishable;
mod quotas;
mod quotas_in_a_crowd;
mod rate;
mod restrictions;
mod retire;
mod rotate;
mod sightings;
mod verify;
mod visitor_rate;
mod what_if;
mod why;
