//! The header of the pages of a project.

mod view;

use keyrack_store::{Project, ProjectCounts};

use crate::web::models::kind;
use crate::web::person::Member;

pub(in crate::web) use view::ProjectHead;

pub(super) fn head(
    member: &Member,
    project: &Project,
    counts: ProjectCounts,
    at_models: bool,
) -> ProjectHead {
    ProjectHead {
        projects_url: member.path("/projects"),
        url: url(member, project),
        name: project.name.clone(),
        kind: kind(project.project_type).to_owned(),
        description: project.description.clone().unwrap_or_default(),
        can_manage: member.manages_projects(),
        images: counts.records,
        models: counts.models,
        at_models,
    }
}

/// The path of the project's page.
pub(in crate::web) fn url(member: &Member, project: &Project) -> String {
    member.path(&format!("/projects/{}", project.id))
}
