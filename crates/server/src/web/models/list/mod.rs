//! `GET …/models`: lists the models of a workspace.

mod view;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use keyrack_key::ModelId;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::row;
use crate::api::Params;
use crate::app::Shared;
use crate::web::cursor::CursorQuery;
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use view::ModelListPage;

pub(in crate::web) const ON_A_PAGE: u32 = 50;

/// Shows the models.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    member: Member,
    Params(query): Params<CursorQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let after = query.after::<ModelId>();
    let page = app.models.list(&member.acting, None, after, ON_A_PAGE).await?;
    let now = app.now();
    let mut names = BTreeMap::new();
    let mut models = Vec::with_capacity(page.items.len());
    for model in &page.items {
        let name = match names.entry(model.project) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let project = app.projects.read(&member.acting, model.project).await?;
                unknown.insert(project.name.clone())
            }
        };
        models.push(row(&member, model, name, now));
    }
    let view = ModelListPage {
        frame: frame::of_member(&app, &member, NavItem::Models, &headers),
        projects_url: member.path("/projects"),
        models,
        next_url: page.next.map(|cursor| member.path(&format!("/models?cursor={cursor}"))),
    };
    Ok(show!(&app, view)?)
}
