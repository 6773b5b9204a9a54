//! The pages of models: the list, each model, training, predictions, renaming, and deletion.

mod row_view;

pub(super) mod cancel;
pub(super) mod delete;
pub(super) mod list;
pub(super) mod predict;
pub(super) mod rename;
pub(super) mod show;
pub(super) mod train;

mod card;
mod progress;
mod requested;

use keyrack_key::{ModelId, Timestamp};
use keyrack_store::{Model, ModelStatus, ProjectType};

use super::person::Member;
use super::text;

pub(in crate::web) use row_view::{ModelRow, ModelStatusBadge};

/// The path of the model's page.
pub(super) fn url(member: &Member, id: ModelId) -> String {
    member.path(&format!("/models/{id}"))
}

/// The status of a model as a badge.
pub(super) const fn status(model: &Model) -> ModelStatusBadge {
    match model.status {
        ModelStatus::Queued => ModelStatusBadge::Queued,
        ModelStatus::Running if model.cancelling => ModelStatusBadge::Stopping,
        ModelStatus::Running => ModelStatusBadge::Running,
        ModelStatus::Ready => ModelStatusBadge::Ready,
        ModelStatus::Failed => ModelStatusBadge::Failed,
        ModelStatus::Cancelled => ModelStatusBadge::Cancelled,
    }
}

/// A model as a row of a list.
pub(super) fn row(member: &Member, model: &Model, project_name: &str, now: Timestamp) -> ModelRow {
    ModelRow {
        url: url(member, model.id),
        name: model.name.clone(),
        project_name: project_name.to_owned(),
        project_url: member.path(&format!("/projects/{}", model.project)),
        status: status(model),
        result: match model.status {
            ModelStatus::Ready => card::ModelCard::of(model).result(),
            ModelStatus::Running => {
                progress::percent(model).map(|percent| format!("{percent}%")).unwrap_or_default()
            }
            _ => String::new(),
        },
        created: text::by(&model.created_by, model.created_at, now),
    }
}

/// The name of a project type.
pub(super) const fn kind(project_type: ProjectType) -> &'static str {
    match project_type {
        ProjectType::Classification => "Classification",
        ProjectType::ObjectDetection => "Object detection",
    }
}
