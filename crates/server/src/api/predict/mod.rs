//! Endpoints of predictions: classification of images, and detection of objects.

pub mod classify;
pub mod detect;

mod form;
mod request;

use request::{Options, PredictionRequest};

use crate::api::path_ids::model_id;

/// The default minimum confidence. The Epigos clients send the same value.
const CONFIDENCE: f64 = 0.7;
