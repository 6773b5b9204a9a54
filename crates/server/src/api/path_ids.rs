//! IDs in paths. An invalid ID is a 404, like an unknown ID.

use std::str::FromStr;

use keyrack_key::{KeyId, ModelId, ProjectId, RecordId};

use keyrack_core::OpError;

pub fn key_id(text: &str) -> Result<KeyId, OpError> {
    parse(text, "key")
}

pub fn project_id(text: &str) -> Result<ProjectId, OpError> {
    parse(text, "project")
}

pub fn model_id(text: &str) -> Result<ModelId, OpError> {
    parse(text, "model")
}

pub fn record_id(text: &str) -> Result<RecordId, OpError> {
    parse(text, "record")
}

fn parse<T: FromStr>(text: &str, kind: &'static str) -> Result<T, OpError> {
    text.parse().map_err(|_| OpError::NotFound(kind))
}
