//! The lifecycle of keys over the API.

mod callers;
mod create;
mod delete;
mod denied_requests;
mod edit;
mod expiry;
mod exposures;
mod first_request;
mod forms;
mod grant_limits;
mod idempotency;
mod last_used;
mod list;
mod pause;
mod publishable;
mod quota_concurrency;
mod quotas;
mod rate_limit;
mod recommendations;
mod restriction_values;
mod restrictions;
mod retire;
mod rotate;
mod verify;
mod visitor_rate_limit;
mod what_if;
