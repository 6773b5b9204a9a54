//! Endpoints of models and their training runs.

pub mod cancel;
pub mod card;
pub mod delete;
pub mod events;
pub mod list;
pub mod read;
pub mod train;

mod model_body;

use model_body::ModelBody;

use crate::api::path_ids::{model_id, project_id};
