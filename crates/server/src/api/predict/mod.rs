//! Endpoints of predictions: classification of images, and detection of objects.

pub mod classify;
pub mod detect;

mod form;
mod request;

use request::{Options, PredictionRequest};

use keyrack_key::ModelId;

use keyrack_core::OpError;

/// The default minimum confidence. The Epigos clients send the same value.
const CONFIDENCE: f64 = 0.7;

/// Parses an ID from a path. An invalid ID is a 404, like an unknown ID.
fn model_id(text: &str) -> Result<ModelId, OpError> {
    text.parse().map_err(|_| OpError::NotFound("model"))
}
