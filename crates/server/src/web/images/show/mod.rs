//! `…/images/{image}`: shows one image with its labels.

mod view;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use keyrack_core::datasets::AnnotatedImage;
use keyrack_key::RecordId;
use keyrack_store::{AnnotationRegion, ProjectType, RecordFilter};

use super::requested::RequestedImage;
use super::{LabelColors, overlay};
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::projects::url;
use crate::web::text;
use view::ImageDetailPage;

/// Shows the image.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    RequestedImage { member, project, image }: RequestedImage,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let by = &member.acting;
    let AnnotatedImage { record, annotations } = &image;
    let labels = app.datasets.labels(by, project.id, None, super::ALL).await?.items;
    let batches = app.datasets.batches(by, project.id, None, super::ALL).await?.items;
    let older = app.datasets.records(by, project.id, &RecordFilter::default(), Some(record.id), 1).await?;
    let newer = app.store.newer_record(project.id, record.id).await?;
    let project_url = url(&member, &project);
    let page_of = |id: RecordId| format!("{project_url}/images/{id}");
    let tones = LabelColors::of(&labels);
    let class = annotations.iter().find(|one| one.mark == AnnotationRegion::Category);
    let format = record.content_type.trim_start_matches("image/").to_uppercase();
    let view = ImageDetailPage {
        frame: frame::of_member(&app, &member, NavItem::Projects, &headers),
        project_name: project.name.clone(),
        can_manage: member.manages_projects(),
        classifies: project.project_type == ProjectType::Classification,
        id: record.id.to_string(),
        name: record.name.clone(),
        file: format!("{}/file", page_of(record.id)),
        overlay: overlay(record, annotations, &tones),
        class: class.map(|one| tones.badge(one)),
        classes: labels.iter().map(|label| (label.id.to_string(), label.name.clone())).collect(),
        size: text::bytes(record.size),
        format: if format == "WEBP" { "WebP".to_owned() } else { format },
        batch: batches.into_iter().find(|batch| Some(batch.id) == record.batch).map(|batch| batch.name),
        added: text::moment(record.created_at, app.now()),
        newer_url: newer.map(page_of),
        older_url: older.items.first().map(|one| page_of(one.record.id)),
        url: page_of(record.id),
        project_url,
    };
    Ok(show!(&app, view)?)
}
