//! `GET …/projects`: lists the projects of a workspace.

mod view;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use keyrack_key::{ProjectId, Timestamp};
use keyrack_store::{Project, ProjectCounts};

use super::base;
use crate::api::Params;
use crate::app::Shared;
use crate::web::cursor::CursorQuery;
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::keys::address;
use crate::web::models::kind;
use crate::web::person::Member;
use crate::web::text;
use view::{ProjectCard, ProjectListPage};

const ON_A_PAGE: u32 = 60;

/// Shows the projects.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    member: Member,
    Params(query): Params<CursorQuery>,
    parts: Parts,
) -> Result<Response, PageError> {
    let after = query.after::<ProjectId>();
    let page = app.projects.list(&member.acting, after, ON_A_PAGE).await?;
    let base = base(&member);
    let now = app.now();
    let mut projects = Vec::with_capacity(page.items.len());
    for project in &page.items {
        projects.push(card(project, app.datasets.counts(&member.acting, project.id).await?, now));
    }
    let view = ProjectListPage {
        frame: frame::of_member(&app, &member, NavItem::Projects, &parts.headers),
        can_manage: member.manages_projects(),
        projects,
        next_url: page.next.map(|cursor| format!("{base}?cursor={cursor}")),
        curl_example: format!(
            "curl {}/api/v1/projects \\\n  -H \"Authorization: Bearer {}_sk_…\" \\\n  -H \"Content-Type: application/json\" \\\n  \
             -d '{{\"name\": \"Bottle caps\", \"projectType\": \"object_detection\"}}'",
            address(&app, &parts),
            app.config.brands.current()
        ),
        base,
    };
    Ok(show!(&app, view)?)
}

fn card(project: &Project, counts: ProjectCounts, now: Timestamp) -> ProjectCard {
    ProjectCard {
        id: project.id.to_string(),
        name: project.name.clone(),
        kind: kind(project.project_type).to_owned(),
        holds: [(counts.records, "image"), (counts.labels, "label"), (counts.models, "model")]
            .map(|(number, what)| text::count(number, what))
            .join(" · "),
        description: project.description.clone().unwrap_or_default(),
        created: text::moment(project.created_at, now),
    }
}
