//! Predictions: responses, denials, and the load on the server.

mod body_formats;
mod cors;
mod errors;
pub(crate) mod fixture;
mod held_requests;
mod image_host;
mod image_urls;
pub(crate) mod load;
mod model_page;
mod quotas;
mod responses;
mod restrictions;
pub(crate) mod samples;
mod slow_readers;
