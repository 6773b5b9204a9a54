//! `GET …/projects`: lists the projects of a workspace.

mod view;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use keyrack_core::OpError;
use keyrack_core::datasets::AnnotatedImage;
use keyrack_key::{ProjectId, Timestamp};
use keyrack_store::{Project, ProjectCounts, RecordFilter};

use super::base;
use crate::api::Params;
use crate::app::{App, Shared};
use crate::web::cursor::CursorQuery;
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::keys::address;
use crate::web::models::kind;
use crate::web::person::Member;
use crate::web::text;
use view::{ProjectCard, ProjectListPage};

const ON_A_PAGE: u32 = 60;
/// The images on the card of a project.
const THUMBNAILS: u32 = 4;

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
        let counts = app.datasets.counts(&member.acting, project.id).await?;
        let images = thumbnails(&app, &member, project).await?;
        projects.push(card(project, counts, images, now));
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

/// The URLs of the newest images of a project, as thumbnails.
async fn thumbnails(app: &App, member: &Member, project: &Project) -> Result<Vec<String>, OpError> {
    let newest =
        app.datasets.records(&member.acting, project.id, &RecordFilter::default(), None, THUMBNAILS).await?;
    let images = format!("{}/{}/images", base(member), project.id);
    let url = |image: &AnnotatedImage| format!("{images}/{}/file?size=thumbnail", image.record.id);
    Ok(newest.items.iter().map(url).collect())
}

fn card(project: &Project, counts: ProjectCounts, thumbnails: Vec<String>, now: Timestamp) -> ProjectCard {
    ProjectCard {
        thumbnails,
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
