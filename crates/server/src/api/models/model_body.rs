//! The response type of models.

use keyrack_store::Model;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use keyrack_core::times::rfc3339;

/// A model and its training run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Model)]
pub struct ModelBody {
    #[schema(value_type = crate::api::schema::ModelId)]
    id: String,
    #[schema(example = "Model 3")]
    name: String,
    #[schema(value_type = crate::api::schema::WorkspaceId)]
    workspace_id: String,
    #[schema(value_type = crate::api::schema::ProjectId)]
    project_id: String,
    /// `classification` or `object_detection`.
    #[schema(value_type = crate::api::schema::ProjectType)]
    project_type: &'static str,
    /// `queued`, `running`, `ready`, `failed`, or `cancelled`.
    #[schema(value_type = crate::api::schema::ModelStatus)]
    status: &'static str,
    /// Why the training run failed. Null if it didn't fail.
    failure_reason: Option<String>,
    /// Whether the running training run is being cancelled.
    cancelling: bool,
    /// The progress of a running training run: `phase`, `done`, `total`, `percent`, `imagesPerSecond`, `secondsLeft`,
    /// `loss`, and `validation`.
    #[schema(value_type = Option<Object>)]
    progress: Option<Value>,
    /// The labels that the model predicts. Null if the model isn't ready.
    #[schema(value_type = Option<Vec<String>>)]
    labels: Option<Value>,
    /// The quality of the model on the test set. Null if the model isn't ready.
    #[schema(value_type = Option<Object>)]
    metrics: Option<Value>,
    /// Notes about the limits of the model. Null if the model isn't ready.
    #[schema(value_type = Option<Vec<String>>)]
    notes: Option<Value>,
    /// Predictions for some images of the test set. Null if the model isn't ready.
    #[schema(value_type = Option<Vec<Object>>)]
    examples: Option<Value>,
    /// The settings of the training run.
    #[schema(value_type = Object)]
    settings: Value,
    /// How often a worker has started the training run.
    attempts: u64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    started_at: Option<String>,
    #[schema(format = DateTime)]
    ended_at: Option<String>,
}

impl From<&Model> for ModelBody {
    fn from(model: &Model) -> Self {
        let of_card = |member: &str| model.card.as_ref().and_then(|card| card.get(member)).cloned();
        Self {
            id: model.id.to_string(),
            name: model.name.clone(),
            workspace_id: model.workspace.to_string(),
            project_id: model.project.to_string(),
            project_type: model.project_type.name(),
            status: model.status.name(),
            failure_reason: model.reason.clone(),
            cancelling: model.cancelling && !model.status.has_ended(),
            progress: model.progress.clone().filter(|_| !model.status.has_ended()),
            labels: of_card("labels"),
            metrics: of_card("metrics"),
            notes: of_card("notes"),
            examples: of_card("examples"),
            settings: model.settings.clone(),
            attempts: model.attempt,
            created_at: rfc3339(model.created_at),
            started_at: model.started_at.map(rfc3339),
            ended_at: model.ended_at.map(rfc3339),
        }
    }
}
