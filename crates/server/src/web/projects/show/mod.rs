//! `…/projects/{id}`: shows the images of a project as a grid.

mod snippets;
mod view;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use keyrack_key::{BatchId, LabelId, RecordId};
use keyrack_store::{Batch, Import, ImportStatus, Label, ProjectCounts, ProjectType, RecordFilter};
use serde::Deserialize;
use std::collections::BTreeMap;

use super::RequestedProject;
use super::head::{head, url};
use crate::api::Params;
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::images::{ALL, LabelColors, tile};
use crate::web::keys::address;
use crate::web::text;
use snippets::snippets;
use view::{BatchOption, ImportRow, LabelLink, ProjectDetailPage};

const ON_A_PAGE: u32 = 60;
/// The number of labels that are shown. Further labels are in a collapsed section.
const AT_A_GLANCE: usize = 12;

/// The filter of the grid. Invalid values are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DatasetQuery {
    label: String,
    batch: String,
    show: String,
    cursor: String,
}

impl DatasetQuery {
    fn filter(&self) -> RecordFilter {
        RecordFilter {
            batch: self.batch.parse::<BatchId>().ok(),
            label: self.label.parse::<LabelId>().ok(),
            labelled: (self.show == "unlabelled").then_some(false),
        }
    }

    /// The URL of this page with another label, selection, or cursor. The batch stays.
    fn with(&self, url: &str, label: &str, show: &str, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("label", label), ("show", show), ("batch", &self.batch), ("cursor", cursor)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() { url.to_owned() } else { format!("{url}?{query}") }
    }
}

/// Shows the images.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    RequestedProject { member, project }: RequestedProject,
    Params(search): Params<DatasetQuery>,
    parts: Parts,
) -> Result<Response, PageError> {
    let filter = search.filter();
    let after = search.cursor.parse::<RecordId>().ok();
    let by = &member.acting;
    let page = app.datasets.records(by, project.id, &filter, after, ON_A_PAGE).await?;
    let labels = app.datasets.labels(by, project.id, None, ALL).await?.items;
    let batches = app.datasets.batches(by, project.id, None, ALL).await?.items;
    let counts = app.datasets.counts(&member.acting, project.id).await?;
    let imports = app.imports.recent(by, project.id).await?;
    let url = url(&member, &project);
    let tones = LabelColors::of(&labels);
    let (links, more) = links(&search, &filter, &url, &labels, counts, &tones);
    let secret = format!("{}_sk_…", app.config.brands.current());
    let here = |cursor: &str| search.with(&url, &search.label, &search.show, cursor);
    let view = ProjectDetailPage {
        frame: frame::of_member(&app, &member, NavItem::Projects, &parts.headers),
        head: head(&member, &project, counts, false),
        classifies: project.project_type == ProjectType::Classification,
        labels: links,
        more_labels: more,
        batches: batch_options(&batches, filter.batch),
        other_filters: [("label", &search.label), ("show", &search.show)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.clone()))
            .collect(),
        count: match (&page.next, after) {
            (None, None) => text::count(page.items.len() as u64, "image"),
            _ => format!("{} on this page", text::count(page.items.len() as u64, "image")),
        },
        imports: imports.iter().map(|import| import_line(&url, import)).collect(),
        tiles: page.items.iter().map(|one| tile(&url, one, &tones)).collect(),
        classes: labels.iter().map(|label| (label.id.to_string(), label.name.clone())).collect(),
        next_url: page.next.map(|cursor| here(&cursor.to_string())),
        first_url: after.map(|_| here("")),
        back: here(&search.cursor),
        max_image_size: text::bytes(app.config.max_image as u64),
        snippets: snippets(&address(&app, &parts), &secret, &project),
    };
    Ok(show!(&app, view)?)
}

/// The links of the filter: all images, images without a label, and each label. The second list has the
/// labels that don't fit.
fn links(
    search: &DatasetQuery,
    filter: &RecordFilter,
    url: &str,
    labels: &[Label],
    counts: ProjectCounts,
    tones: &LabelColors,
) -> (Vec<LabelLink>, Vec<LabelLink>) {
    let link = |name: &str, images, url, current, tone| LabelLink {
        name: name.to_owned(),
        images,
        url,
        current,
        tone,
    };
    let everything = filter.label.is_none() && filter.labelled.is_none();
    let mut first = vec![link("All", counts.records, search.with(url, "", "", ""), everything, None)];
    let unlabelled = counts.records.saturating_sub(counts.labelled);
    if unlabelled > 0 || filter.labelled.is_some() {
        let address = search.with(url, "", "unlabelled", "");
        first.push(link("No label", unlabelled, address, filter.labelled.is_some(), None));
    }
    let mut ranked: BTreeMap<_, _> = BTreeMap::new();
    for label in labels {
        let address = search.with(url, &label.id.to_string(), "", "");
        let current = filter.label == Some(label.id);
        let made = link(
            &label.name,
            label.records.unwrap_or_default(),
            address,
            current,
            Some(tones.of_label(label.id)),
        );
        ranked.insert((std::cmp::Reverse(label.records), label.name.clone()), made);
    }
    let mut ranked: Vec<_> = ranked.into_values().collect();
    let more = if ranked.len() > AT_A_GLANCE { ranked.split_off(AT_A_GLANCE) } else { Vec::new() };
    first.extend(ranked);
    (first, more)
}

fn import_line(url: &str, import: &Import) -> ImportRow {
    let added = text::count(import.added, "image");
    let status = match import.status {
        ImportStatus::Arriving => "Uploading the archive…".to_owned(),
        ImportStatus::Queued if import.done == 0 => "Queued.".to_owned(),
        ImportStatus::Queued | ImportStatus::Running => format!("{added} added so far."),
        ImportStatus::Ended => format!("{added} added."),
        ImportStatus::Failed => format!("The import failed. {added} added."),
    };
    let failed = import.status == ImportStatus::Failed;
    ImportRow { name: import.name.clone(), url: format!("{url}/imports/{}", import.id), status, failed }
}

fn batch_options(batches: &[Batch], chosen: Option<BatchId>) -> Vec<BatchOption> {
    let option = |batch: &Batch| BatchOption {
        id: batch.id.to_string(),
        text: format!("{} ({})", batch.name, batch.records.unwrap_or_default()),
        chosen: chosen == Some(batch.id),
    };
    batches.iter().map(option).collect()
}
