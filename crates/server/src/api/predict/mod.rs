//! Predictions: what a picture shows, and what is where in it.

pub mod classify;
pub mod detect;

mod form;
mod sent;

use sent::{Options, Sent};

use keyrack_core::OpError;
use keyrack_key::ModelId;

/// What is asked for where a request does not say: what existing clients ask for.
const CONFIDENCE: f64 = 0.7;

/// An id from a path. What is no id names nothing.
fn model_id(text: &str) -> Result<ModelId, OpError> {
    text.parse().map_err(|_| OpError::NotFound("model"))
}
